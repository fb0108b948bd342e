package memnet

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// direction is an ordered pair of hosts.
type direction struct{ from, to netip.Addr }

func parseDirection(from, to string) direction {
	return direction{netip.MustParseAddr(from).Unmap(), netip.MustParseAddr(to).Unmap()}
}

// link carries the traffic of one direction.
type link struct {
	latency atomic.Int64      // nanoseconds
	rate    atomic.Int64      // bytes per second of each stream; 0: no limit
	loss    float64           // probability of losing a packet; guarded by the Net
	counts  map[int]*counters // by port; guarded by the Net
}

func (l *link) delay() time.Duration { return time.Duration(l.latency.Load()) }

// ofPort returns the counters of a port. The caller holds Net.mu.
func (l *link) ofPort(port int) *counters {
	t := l.counts[port]
	if t == nil {
		t = new(counters)
		l.counts[port] = t
	}
	return t
}

// Count counts the traffic from one host to another since the start of the network, with traffic held back or lost.
type Count struct {
	Streams     int64 // connections made by dials in this direction
	StreamBytes int64 // written to streams of both dialers
	Packets     int64
	PacketBytes int64
	Dropped     int64 // packets dropped by a cut, by chance, for lack of a listener, or by a full queue
}

type counters struct{ streams, streamBytes, packets, packetBytes, dropped atomic.Int64 }

func (t *counters) addTo(c *Count) {
	c.Streams += t.streams.Load()
	c.StreamBytes += t.streamBytes.Load()
	c.Packets += t.packets.Load()
	c.PacketBytes += t.packetBytes.Load()
	c.Dropped += t.dropped.Load()
}

// Count returns the counts from one host to another, for streams and packets of a port (0: all ports).
func (n *Net) Count(from, to string, port int) Count {
	n.mu.Lock()
	defer n.mu.Unlock()
	var c Count
	for p, t := range n.link(parseDirection(from, to)).counts {
		if port == 0 || port == p {
			t.addTo(&c)
		}
	}
	return c
}
