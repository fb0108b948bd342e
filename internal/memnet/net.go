package memnet

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Options shape a network. The zero value is fast and never loses anything.
type Options struct {
	Seed    uint64        // of the loss of packets
	Latency time.Duration // of each link between two hosts, one way; from a host to itself it is 0
}

// Net is a network of hosts.
type Net struct {
	opts Options

	mu      bell // rings when a cut or a heal changes what dials may pass
	rand    *rand.Rand
	hosts   map[netip.Addr]*Host
	names   map[string][]string
	links   map[pair]*link
	cuts    map[*cut]struct{}
	streams map[*stream]struct{} // those of which an end is open
	port    int                  // handed out last to who asked for port 0
}

// New returns a network without hosts.
func New(opts Options) *Net {
	return &Net{
		opts:    opts,
		rand:    rand.New(rand.NewPCG(opts.Seed, 0)),
		hosts:   make(map[netip.Addr]*Host),
		names:   make(map[string][]string),
		links:   make(map[pair]*link),
		cuts:    make(map[*cut]struct{}),
		streams: make(map[*stream]struct{}),
	}
}

// Host returns the host at an IP address, the same one until it crashes and a new one after that. It panics when addr is no
// IP address.
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

// SetDNS makes a name resolve to the addresses, in this order; without addresses the name is no longer found.
func (n *Net) SetDNS(name string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = slices.Clone(addrs)
}

// SetLatency sets how long what is sent from now on takes from one host to another, one way. What is on its way is not
// overtaken by a stream's later bytes.
func (n *Net) SetLatency(from, to string, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(parsePair(from, to)).latency.Store(int64(d))
}

// SetRate sets how many bytes of each stream go from one host to another in a second; 0: any number.
func (n *Net) SetRate(from, to string, bytesPerSecond int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(parsePair(from, to)).rate.Store(int64(bytesPerSecond))
}

// SetLoss sets the probability, 0 to 1, with which a packet from one host to another is lost.
func (n *Net) SetLoss(from, to string, probability float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.link(parsePair(from, to)).loss = probability
}

// link returns the link of a pair of hosts. n is locked.
func (n *Net) link(p pair) *link {
	l := n.links[p]
	if l == nil {
		l = &link{counts: make(map[int]*tally)}
		if p.from != p.to {
			l.latency.Store(int64(n.opts.Latency))
		}
		n.links[p] = l
	}
	return l
}

// The range that port 0 picks from: Linux's.
const firstPort, lastPort = 32768, 60999

// nextPort returns a port that was not handed out for long. n is locked.
func (n *Net) nextPort() int {
	n.port++
	if n.port < firstPort || n.port > lastPort {
		n.port = firstPort
	}
	return n.port
}
