package memnet_test

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

func listenPacket(t *testing.T, h *memnet.Host, addr string) net.PacketConn {
	t.Helper()
	c, err := h.ListenPacket(t.Context(), "udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func sendPacket(t *testing.T, c net.PacketConn, to, data string) {
	t.Helper()
	addr, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.WriteTo([]byte(data), addr); n != len(data) || err != nil {
		t.Fatalf("WriteTo(%d bytes) = %d, %v, want %d, nil", len(data), n, err, len(data))
	}
}

// received returns the packets until the deadline.
func received(t *testing.T, c net.PacketConn, deadline time.Time) []string {
	t.Helper()
	c.SetReadDeadline(deadline)
	var all []string
	buf := make([]byte, 1<<16)
	for {
		n, _, err := c.ReadFrom(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(buf[:n]))
	}
}

func TestPacketArrivesAfterTheLatencyWithItsSender(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{Latency: 20 * time.Millisecond})
		a, b := listenPacket(t, h.a, addrA+":7000"), listenPacket(t, h.b, addrB+":7000")
		start := time.Now()
		sendPacket(t, a, addrB+":7000", "hello")
		buf := make([]byte, 3)
		n, from, err := b.ReadFrom(buf)
		if err != nil || string(buf[:n]) != "hel" || from.(*net.UDPAddr).String() != addrA+":7000" {
			t.Errorf("ReadFrom() = %q, %v, %v, want %q, %s:7000, nil", buf[:n], from, err, "hel", addrA)
		}
		if got, want := time.Since(start), 20*time.Millisecond; got != want {
			t.Errorf("the packet took %v, want %v", got, want)
		}
	})
}

func TestPacketsArriveInTheOrderOfTheirLatencies(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{})
		a, b := listenPacket(t, h.a, ":0"), listenPacket(t, h.b, addrB+":7000")
		for _, packet := range []struct {
			data    string
			latency time.Duration
		}{{"slow", time.Second}, {"fast", time.Millisecond}, {"fast too", time.Millisecond}} {
			h.net.SetLatency(addrA, addrB, packet.latency)
			sendPacket(t, a, addrB+":7000", packet.data)
		}
		got := strings.Join(received(t, b, time.Now().Add(time.Minute)), ", ")
		if want := "fast, fast too, slow"; got != want {
			t.Errorf("packets arrived as %s, want %s", got, want)
		}
	})
}

func TestPacketLossDependsOnTheLinkAndTheSeed(t *testing.T) {
	const sent = 1000
	arrive := func(t *testing.T, seed uint64, loss float64) string {
		h := newTwoHosts(memnet.Options{Seed: seed})
		h.net.SetLoss(addrA, addrB, loss)
		a, b := listenPacket(t, h.a, ":0"), listenPacket(t, h.b, addrB+":7000")
		for i := range sent {
			sendPacket(t, a, addrB+":7000", string(rune('a'+i%26)))
		}
		got := received(t, b, time.Now().Add(time.Second))
		if dropped := h.net.Count(addrA, addrB, 7000).Dropped; int(dropped)+len(got) != sent {
			t.Errorf("Dropped = %d with %d of %d arrived, want the rest", dropped, len(got), sent)
		}
		return strings.Join(got, "")
	}
	racetest.Bubble(t, func(t *testing.T) {
		if got := arrive(t, 1, 0); len(got) != sent {
			t.Errorf("without loss %d of %d arrived, want all", len(got), sent)
		}
		if got := arrive(t, 1, 1); len(got) != 0 {
			t.Errorf("with loss 1 %d of %d arrived, want none", len(got), sent)
		}
		first := arrive(t, 1, 0.3)
		if len(first) < 600 || len(first) > 800 {
			t.Errorf("with loss 0.3 %d of %d arrived, want about 700", len(first), sent)
		}
		if arrive(t, 1, 0.3) != first {
			t.Error("the same seed lost other packets")
		}
		if arrive(t, 2, 0.3) == first {
			t.Error("another seed lost the same packets")
		}
	})
}

func TestSenderNeverWaitsAndTheQueueIsBounded(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{})
		a, b := listenPacket(t, h.a, ":0"), listenPacket(t, h.b, addrB+":7000")
		for range 5000 {
			sendPacket(t, a, addrB+":7000", "x")
		}
		if got, want := len(received(t, b, time.Now().Add(time.Second))), 1024; got != want {
			t.Errorf("%d packets were queued, want %d", got, want)
		}
	})
}

func TestPacketErrors(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	c := listenPacket(t, h.a, addrA+":7000")
	if _, err := h.a.ListenPacket(t.Context(), "udp", addrA+":7000"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("ListenPacket on a taken port = %v, want %v", err, syscall.EADDRINUSE)
	}
	if _, err := c.WriteTo(make([]byte, 65508), c.LocalAddr()); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("WriteTo(65508 bytes) = %v, want %v", err, syscall.EMSGSIZE)
	}
	c.SetDeadline(time.Unix(1, 0))
	if _, _, err := c.ReadFrom(nil); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ReadFrom after the deadline = %v, want %v", err, os.ErrDeadlineExceeded)
	}
	if _, err := c.WriteTo(nil, c.LocalAddr()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("WriteTo after the deadline = %v, want %v", err, os.ErrDeadlineExceeded)
	}
	c.Close()
	if _, _, err := c.ReadFrom(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("ReadFrom after Close = %v, want %v", err, net.ErrClosed)
	}
	if err := c.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("SetDeadline after Close = %v, want %v", err, net.ErrClosed)
	}
	listenPacket(t, h.a, addrA+":7000")
}
