package memnet

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// pair is a direction between two hosts.
type pair struct{ from, to netip.Addr }

func parsePair(from, to string) pair {
	return pair{netip.MustParseAddr(from).Unmap(), netip.MustParseAddr(to).Unmap()}
}

// link is one direction between two hosts.
type link struct {
	latency atomic.Int64   // nanoseconds
	rate    atomic.Int64   // bytes per second of each stream; 0: no limit
	loss    float64        // probability of losing a packet; guarded by the Net
	counts  map[int]*tally // by port; guarded by the Net
}

func (l *link) delay() time.Duration { return time.Duration(l.latency.Load()) }

// tally returns the counters of a port. The Net is locked.
func (l *link) tally(port int) *tally {
	t := l.counts[port]
	if t == nil {
		t = new(tally)
		l.counts[port] = t
	}
	return t
}

// Count is what one host has sent to another since the network was made, held back and lost traffic included.
type Count struct {
	Streams     int64 // connections dialed and made
	StreamBytes int64 // written to streams, whoever dialed
	Packets     int64
	PacketBytes int64
	Dropped     int64 // packets cut, lost, without listener or beyond a full queue
}

type tally struct{ streams, streamBytes, packets, packetBytes, dropped atomic.Int64 }

func (t *tally) addTo(c *Count) {
	c.Streams += t.streams.Load()
	c.StreamBytes += t.streamBytes.Load()
	c.Packets += t.packets.Load()
	c.PacketBytes += t.packetBytes.Load()
	c.Dropped += t.dropped.Load()
}

// Count returns what from has sent to to, on streams and in packets of the given port; port 0 means all.
func (n *Net) Count(from, to string, port int) Count {
	n.mu.Lock()
	defer n.mu.Unlock()
	var c Count
	for p, t := range n.link(parsePair(from, to)).counts {
		if port == 0 || port == p {
			t.addTo(&c)
		}
	}
	return c
}
