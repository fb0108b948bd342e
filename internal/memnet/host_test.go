package memnet_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

// network is node.Network, which this package must not import.
type network interface {
	Listen(ctx context.Context, network, addr string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error)
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	LookupHost(ctx context.Context, host string) ([]string, error)
}

var _ network = (*memnet.Host)(nil)

func TestListenErrors(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	listen(t, h.a, addrA+":80")
	for name, test := range map[string]struct {
		network, addr string
		want          error
	}{
		"a port that is taken":          {"tcp", addrA + ":80", syscall.EADDRINUSE},
		"the taken port by other names": {"tcp", "0.0.0.0:80", syscall.EADDRINUSE},
		"another host's address":        {"tcp", addrB + ":80", syscall.EADDRNOTAVAIL},
		"another port":                  {"tcp", ":81", nil},
		"a network that is not TCP":     {"udp", addrA + ":82", net.UnknownNetworkError("udp")},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := h.a.Listen(t.Context(), test.network, test.addr)
			if !errors.Is(err, test.want) {
				t.Errorf("Listen(%s, %s) = %v, want %v", test.network, test.addr, err, test.want)
			}
			if l != nil {
				l.Close()
			}
		})
	}
	if l, err := h.b.Listen(t.Context(), "tcp", addrB+":80"); err != nil {
		t.Errorf("Listen on the same port of another host = %v, want nil", err)
	} else {
		l.Close()
	}
}

func TestClosedListenerFreesItsPort(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	l := listen(t, h.a, addrA+":80")
	l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept() = %v, want %v", err, net.ErrClosed)
	}
	listen(t, h.a, addrA+":80")
}

func TestPortZeroPicksFreePorts(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	first, second := listen(t, h.a, ":0").Addr().(*net.TCPAddr), listen(t, h.a, ":0").Addr().(*net.TCPAddr)
	if first.Port == 0 || second.Port == 0 || first.Port == second.Port {
		t.Errorf("Listen(:0) twice picked ports %d and %d, want two different ones", first.Port, second.Port)
	}
	to := &net.TCPAddr{IP: net.ParseIP(addrA), Port: first.Port}
	if c, err := h.b.DialContext(t.Context(), "tcp", to.String()); err != nil {
		t.Errorf("DialContext to the port picked = %v, want nil", err)
	} else {
		c.Close()
	}
}

func TestDialErrors(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	var notFound *net.DNSError
	for addr, want := range map[string]error{
		addrB + ":80":     syscall.ECONNREFUSED, // no listener
		"10.9.9.9:80":     syscall.EHOSTUNREACH, // no such host
		"localhost:80":    syscall.ECONNREFUSED, // the host itself
		"nowhere.test:80": notFound,
	} {
		_, err := h.a.DialContext(t.Context(), "tcp", addr)
		if want == error(notFound) {
			if !errors.As(err, &notFound) || !notFound.IsNotFound {
				t.Errorf("DialContext(%s) = %v, want no such host", addr, err)
			}
		} else if !errors.Is(err, want) {
			t.Errorf("DialContext(%s) = %v, want %v", addr, err, want)
		}
	}
}

func TestNameResolvesToAllItsAddressesAndDialsTheFirstThatAnswers(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	h.net.SetDNS("flowring.local", addrA, addrB)
	got, err := h.a.LookupHost(t.Context(), "flowring.local")
	if want := []string{addrA, addrB}; err != nil || !slices.Equal(got, want) {
		t.Errorf("LookupHost(flowring.local) = %v, %v, want %v, nil", got, err, want)
	}
	listen(t, h.b, addrB+":80")
	c, err := h.a.DialContext(t.Context(), "tcp", "flowring.local:80")
	if err != nil {
		t.Fatalf("DialContext(flowring.local:80) = %v, want nil", err)
	}
	defer c.Close()
	if got, want := c.RemoteAddr().String(), addrB+":80"; got != want {
		t.Errorf("RemoteAddr() = %s, want %s", got, want)
	}
	if got, err := h.a.LookupHost(t.Context(), "10.1.2.3"); err != nil || !slices.Equal(got, []string{"10.1.2.3"}) {
		t.Errorf("LookupHost(10.1.2.3) = %v, %v, want itself", got, err)
	}
}

func TestFullBacklogMakesDialsWait(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{})
		l := listen(t, h.b, addrB+":80")
		waiting := 0
		for ; ; waiting++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			c, err := h.a.DialContext(ctx, "tcp", addrB+":80")
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
		}
		if waiting != 128 {
			t.Errorf("%d connections wait to be accepted, want 128", waiting)
		}
		dialed := make(chan error)
		go func() {
			c, err := h.a.DialContext(t.Context(), "tcp", addrB+":80")
			if err == nil {
				c.Close()
			}
			dialed <- err
		}()
		synctest.Wait()
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
		if err := <-dialed; err != nil {
			t.Errorf("DialContext once there is room = %v, want nil", err)
		}
	})
}

func TestAClosedListenerResetsUnacceptedConnections(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	l := listen(t, h.b, addrB+":80")
	c, err := h.a.DialContext(t.Context(), "tcp", addrB+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l.Close()
	wantReadError(t, c, syscall.ECONNRESET)
}

func TestCrashResetsPeersAndSilencesTheHost(t *testing.T) {
	h := newTwoHosts(memnet.Options{})
	l := listen(t, h.b, addrB+":81")
	p := listenPacket(t, h.b, addrB+":81")
	client, server := h.connect(t, "80")
	write(t, server, "arrived")
	h.b.Crash()

	read(t, client, "arrived")
	wantReadError(t, client, syscall.ECONNRESET)
	wantWriteError(t, client, syscall.ECONNRESET)
	wantReadError(t, server, net.ErrClosed)
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept() after a crash = %v, want %v", err, net.ErrClosed)
	}
	if _, err := p.WriteTo([]byte("x"), p.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("WriteTo() after a crash = %v, want %v", err, net.ErrClosed)
	}
	if _, err := h.a.DialContext(t.Context(), "tcp", addrB+":81"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("DialContext to a crashed host = %v, want %v", err, syscall.ECONNREFUSED)
	}
	if _, err := h.b.DialContext(t.Context(), "tcp", addrA+":81"); !errors.Is(err, syscall.ENETDOWN) {
		t.Errorf("DialContext by a crashed host = %v, want %v", err, syscall.ENETDOWN)
	}
	if _, err := h.b.Listen(t.Context(), "tcp", addrB+":82"); !errors.Is(err, syscall.ENETDOWN) {
		t.Errorf("Listen by a crashed host = %v, want %v", err, syscall.ENETDOWN)
	}
	if _, err := h.b.LookupHost(t.Context(), addrA); !errors.Is(err, syscall.ENETDOWN) {
		t.Errorf("LookupHost by a crashed host = %v, want %v", err, syscall.ENETDOWN)
	}

	h.b = h.net.Host(addrB)
	client, server = h.connect(t, "81")
	write(t, client, "hello again")
	read(t, server, "hello again")
}

func TestACrashLosesBytesInFlight(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{Latency: 10 * time.Millisecond})
		client, server := h.connect(t, "80")
		write(t, server, "arrived")
		time.Sleep(10 * time.Millisecond)
		write(t, server, "on its way")
		h.b.Crash()
		read(t, client, "arrived")
		start := time.Now()
		wantReadError(t, client, syscall.ECONNRESET)
		if got, want := time.Since(start), 10*time.Millisecond; got != want {
			t.Errorf("the reset took %v, want %v", got, want)
		}
	})
}

func TestCrashEndsADialUnderWay(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h := newTwoHosts(memnet.Options{})
		listen(t, h.b, addrB+":80")
		h.net.Cut(addrA, addrB)
		time.AfterFunc(time.Second, h.a.Crash)
		if _, err := h.a.DialContext(t.Context(), "tcp", addrB+":80"); !errors.Is(err, syscall.ENETDOWN) {
			t.Errorf("DialContext() = %v, want %v", err, syscall.ENETDOWN)
		}
	})
}
