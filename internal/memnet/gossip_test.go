package memnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

const gossipPort = 7946

// gossipTransport is a memberlist.Transport on a host.
type gossipTransport struct {
	host     *memnet.Host
	listener net.Listener
	socket   net.PacketConn
	packets  chan *memberlist.Packet
	streams  chan net.Conn
	done     chan struct{}
	once     sync.Once
	running  sync.WaitGroup
}

func newGossipTransport(t *testing.T, h *memnet.Host) *gossipTransport {
	addr := fmt.Sprintf("%v:%d", h, gossipPort)
	g := &gossipTransport{
		host: h, listener: listen(t, h, addr), socket: listenPacket(t, h, addr),
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn), done: make(chan struct{}),
	}
	g.running.Go(g.receive)
	g.running.Go(g.accept)
	return g
}

func (g *gossipTransport) receive() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := g.socket.ReadFrom(buf)
		if err != nil {
			return
		}
		select {
		case g.packets <- &memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: from, Timestamp: time.Now()}:
		case <-g.done:
		}
	}
}

func (g *gossipTransport) accept() {
	for {
		c, err := g.listener.Accept()
		if err != nil {
			return
		}
		select {
		case g.streams <- c:
		case <-g.done:
			c.Close()
		}
	}
}

func (g *gossipTransport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.ParseIP(g.host.String()), gossipPort, nil
}

func (g *gossipTransport) WriteTo(p []byte, addr string) (time.Time, error) {
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return time.Time{}, err
	}
	_, err = g.socket.WriteTo(p, to)
	return time.Now(), err
}

func (g *gossipTransport) PacketCh() <-chan *memberlist.Packet { return g.packets }

func (g *gossipTransport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return g.host.DialContext(ctx, "tcp", addr)
}

func (g *gossipTransport) StreamCh() <-chan net.Conn { return g.streams }

func (g *gossipTransport) Shutdown() error {
	g.once.Do(func() { close(g.done) })
	err := errors.Join(g.listener.Close(), g.socket.Close())
	g.running.Wait()
	return err
}

func newMember(t *testing.T, h *memnet.Host) *memberlist.Memberlist {
	t.Helper()
	config := memberlist.DefaultLANConfig()
	config.Name, config.Transport, config.LogOutput = h.String(), newGossipTransport(t, h), io.Discard
	config.Label = "memnet"
	m, err := memberlist.Create(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Shutdown()
		time.Sleep(time.Minute) // Shutdown does not wait for probes under way, and the bubble's time stops with the test
	})
	return m
}

// waitForMembers waits, in the bubble's time, until each member sees the wanted number of members.
func waitForMembers(t *testing.T, what string, limit time.Duration, members []*memberlist.Memberlist, want ...int) {
	t.Helper()
	got := make([]int, len(members))
	for start := time.Now(); time.Since(start) <= limit; time.Sleep(100 * time.Millisecond) {
		equal := true
		for i, m := range members {
			got[i] = m.NumMembers()
			equal = equal && got[i] == want[i]
		}
		if equal {
			t.Logf("%s: after %v", what, time.Since(start))
			return
		}
	}
	t.Fatalf("%s: members see %v members after %v, want %v", what, got, limit, want)
}

func TestMemberlistFormsAClusterSurvivesAPartitionAndHeals(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
		addrs := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}
		var members []*memberlist.Memberlist
		for _, addr := range addrs {
			members = append(members, newMember(t, n.Host(addr)))
		}
		for _, m := range members[1:] {
			if _, err := m.Join(addrs[:1]); err != nil {
				t.Fatal(err)
			}
		}
		waitForMembers(t, "forming", 10*time.Second, members, 3, 3, 3)

		n.SetLoss(addrs[0], addrs[1], 0.2)
		heal := n.Partition(addrs[:2], addrs[2:])
		waitForMembers(t, "partition", time.Minute, members, 2, 2, 1)
		heal()
		if _, err := members[2].Join(addrs[:1]); err != nil { // memberlist does not rejoin by itself
			t.Fatal(err)
		}
		waitForMembers(t, "heal", time.Minute, members, 3, 3, 3)

		n.Host(addrs[1]).Crash()
		waitForMembers(t, "crash", time.Minute, members, 2, 1, 2)
	})
}

func TestMemberlistKeepsAMemberWithoutPackets(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{Latency: time.Millisecond})
		members := []*memberlist.Memberlist{newMember(t, h.a), newMember(t, h.b)}
		if _, err := members[0].Join([]string{addrB}); err != nil {
			t.Fatal(err)
		}
		h.net.Partition([]string{addrA}, []string{addrB}, memnet.Traffic{Kind: memnet.Packets, Port: gossipPort})
		time.Sleep(time.Minute) // its pings over streams keep them together
		synctest.Wait()
		waitForMembers(t, "packets cut", 0, members, 2, 2)
		h.net.Cut(addrA, addrB, memnet.Traffic{Port: gossipPort})
		waitForMembers(t, "one way cut", time.Minute, members, 1, 1)
	})
}
