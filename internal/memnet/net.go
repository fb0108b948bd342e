package memnet

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Options configure a network. The zero value has no latency and no loss.
type Options struct {
	Seed    uint64        // of the loss of packets
	Latency time.Duration // of each link between two hosts, in one direction; a host reaches itself without latency
}

// Net is a network of hosts.
type Net struct {
	opts Options

	mu      timedCond // broadcasts when cuts change, for dials
	rand    *rand.Rand
	hosts   map[netip.Addr]*Host
	names   map[string][]string
	links   map[direction]*link
	cuts    map[*cut]struct{}
	streams map[*stream]struct{} // streams with an open end
	port    int                  // the last one picked for port 0
}

// New returns a network without hosts.
func New(opts Options) *Net {
	return &Net{
		opts:    opts,
		rand:    rand.New(rand.NewPCG(opts.Seed, 0)),
		hosts:   make(map[netip.Addr]*Host),
		names:   make(map[string][]string),
		links:   make(map[direction]*link),
		cuts:    make(map[*cut]struct{}),
		streams: make(map[*stream]struct{}),
	}
}

// Host returns the host at an IP address: the same one until it crashes, then a new one. It panics if addr is no IP
// address.
func (n *Net) Host(addr string) *Host {
	ip := netip.MustParseAddr(addr).Unmap()
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[ip]
	if h == nil || h.isDown() {
		h = newHost(n, ip)
		n.hosts[ip] = h
	}
	return h
}

// SetDNS sets the addresses of a name, in this order. A name without addresses is not found.
func (n *Net) SetDNS(name string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = slices.Clone(addrs)
}

// SetLatency sets the latency of later traffic from one host to another, in this direction. Later bytes of a stream do
// not overtake earlier ones in flight.
func (n *Net) SetLatency(from, to string, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(parseDirection(from, to)).latency.Store(int64(d))
}

// SetRate sets the bytes per second of each stream from one host to another; 0: no limit.
func (n *Net) SetRate(from, to string, bytesPerSecond int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(parseDirection(from, to)).rate.Store(int64(bytesPerSecond))
}

// SetLoss sets the probability, 0 to 1, of losing a packet from one host to another.
func (n *Net) SetLoss(from, to string, probability float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(parseDirection(from, to)).loss = probability
}

// link returns the link of a direction. The caller holds n.mu.
func (n *Net) link(p direction) *link {
	l := n.links[p]
	if l == nil {
		l = &link{counts: make(map[int]*counters)}
		if p.from != p.to {
			l.latency.Store(int64(n.opts.Latency))
		}
		n.links[p] = l
	}
	return l
}

// The range of ports for port 0, as on Linux.
const firstPort, lastPort = 32768, 60999

// nextPort returns the next port of the range, which was picked longest ago. The caller holds n.mu.
func (n *Net) nextPort() int {
	n.port++
	if n.port < firstPort || n.port > lastPort {
		n.port = firstPort
	}
	return n.port
}
