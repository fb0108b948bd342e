package memnet

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// openStreams returns the number of streams of the network.
func (n *Net) openStreams() int { return len(n.streamsIf(func(*stream) bool { return true })) }

func TestTheNetRemovesClosedStreams(t *testing.T) {
	n := New(Options{})
	a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
	l, err := b.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(client, server net.Conn){
		func(client, server net.Conn) { client.Close(); server.Close() },
		func(client, server net.Conn) { server.(*conn).abort(); client.Close() },
		func(client, server net.Conn) { n.Reset("10.0.0.1", "10.0.0.2", 0); client.Close(); server.Close() },
		func(client, server net.Conn) { a.Crash(); server.Close() },
	} {
		client, err := a.DialContext(t.Context(), "tcp", "10.0.0.2:80")
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := n.openStreams(); got != 1 {
			t.Errorf("the network remembers %d streams of 1 open", got)
		}
		end(client, server)
		if got := n.openStreams(); got != 0 {
			t.Errorf("the network remembers %d streams of 0 open", got)
		}
	}
	l.Close()
}

func TestAConnectionToAListenerThatClosesIsReset(t *testing.T) {
	n := New(Options{})
	h := n.Host("10.0.0.1")
	l, err := h.Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for range 100 { // by chance before or after the listener sees the close
		s := n.connect(h, l.(*listener))
		l.(*listener).offer(t.Context(), s.ends[1])
		s.ends[0].Close()
		if got := n.openStreams(); got != 0 {
			t.Fatalf("the network remembers %d streams of 0 open", got)
		}
	}
}

// TestFaultsDuringTraffic is for the race detector: clients talk to an echo server during faults of every kind.
func TestFaultsDuringTraffic(t *testing.T) {
	n := New(Options{Latency: time.Microsecond})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { echo(ctx, n, &running) })
	for range 4 {
		running.Go(func() { talk(ctx, n) })
	}
	for range 200 {
		heal := n.Partition([]string{"10.0.0.1"}, []string{"10.0.0.2"})
		n.SetLatency("10.0.0.1", "10.0.0.2", time.Microsecond)
		n.Reset("10.0.0.1", "10.0.0.2", 0)
		heal()
		n.Host("10.0.0.2").Crash()
		n.Count("10.0.0.1", "10.0.0.2", 0)
	}
	cancel()
	n.Host("10.0.0.1").Crash()
	n.Host("10.0.0.2").Crash()
	running.Wait()
	if got := n.openStreams(); got != 0 {
		t.Errorf("the network remembers %d streams of 0 open", got)
	}
}

// echo serves on 10.0.0.2, and starts again after each crash.
func echo(ctx context.Context, n *Net, running *sync.WaitGroup) {
	for ctx.Err() == nil {
		l, err := n.Host("10.0.0.2").Listen(ctx, "tcp", ":80")
		if err != nil {
			continue
		}
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			running.Go(func() { defer c.Close(); io.Copy(c, c) })
		}
	}
}

func talk(ctx context.Context, n *Net) {
	for ctx.Err() == nil {
		c, err := n.Host("10.0.0.1").DialContext(ctx, "tcp", "10.0.0.2:80")
		if err != nil {
			continue
		}
		for err == nil && ctx.Err() == nil {
			c.Write([]byte("hello"))
			_, err = c.Read(make([]byte, 5))
		}
		c.Close()
	}
}
