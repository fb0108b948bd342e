package memnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

const capacity = 256 << 10 // of a stream, as the package documents it

// twoHosts is a network of hosts a (10.0.0.1) and b (10.0.0.2).
type twoHosts struct {
	net  *memnet.Net
	a, b *memnet.Host
}

const addrA, addrB = "10.0.0.1", "10.0.0.2"

func newTwoHosts(opts memnet.Options) twoHosts {
	n := memnet.New(opts)
	return twoHosts{n, n.Host(addrA), n.Host(addrB)}
}

// connect dials a port of b from a, and returns the ends of a and b.
func (h twoHosts) connect(t *testing.T, port string) (client, server net.Conn) {
	t.Helper()
	l := listen(t, h.b, addrB+":"+port)
	defer l.Close()
	client, err := h.a.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func listen(t *testing.T, h *memnet.Host, addr string) net.Listener {
	t.Helper()
	l, err := h.Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := io.WriteString(c, s); n != len(s) || err != nil {
		t.Fatalf("Write(%q) = %d, %v, want %d, nil", s, n, err, len(s))
	}
}

// read reads len(want) bytes.
func read(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("Read() = %q, %v, want %q, nil", got, err, want)
	}
}

func wantReadError(t *testing.T, c net.Conn, want error) {
	t.Helper()
	if n, err := c.Read(make([]byte, 8)); n != 0 || !errors.Is(err, want) {
		t.Errorf("Read() = %d, %v, want 0, %v", n, err, want)
	}
}

func wantWriteError(t *testing.T, c net.Conn, want error) {
	t.Helper()
	if _, err := c.Write([]byte("x")); !errors.Is(err, want) {
		t.Errorf("Write() = %v, want %v", err, want)
	}
}

func TestConnConformsToNet(t *testing.T) {
	for name, opts := range map[string]memnet.Options{
		"without latency": {},
		"with latency":    {Latency: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				c1, c2 := newTwoHosts(opts).connect(t, "80")
				return c1, c2, func() { c1.Close(); c2.Close() }, nil
			})
		})
	}
}

func TestPeerReadsAllBytesAndThenTheEnd(t *testing.T) {
	client, server := newTwoHosts(memnet.Options{}).connect(t, "80")
	write(t, client, "last words")
	client.Close()
	read(t, server, "last words")
	wantReadError(t, server, io.EOF)
	wantWriteError(t, server, syscall.EPIPE)
	wantReadError(t, client, net.ErrClosed)
	wantWriteError(t, client, net.ErrClosed)
	if err := client.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close() = %v, want %v", err, net.ErrClosed)
	}
}

func TestHalfClosedStreamStillFlowsTheOtherWay(t *testing.T) {
	client, server := newTwoHosts(memnet.Options{}).connect(t, "80")
	write(t, client, "question")
	if err := client.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wantWriteError(t, client, syscall.EPIPE)
	read(t, server, "question")
	wantReadError(t, server, io.EOF)
	write(t, server, "answer")
	read(t, client, "answer")
}

func TestWriterWaitsWhenTheReaderDoesNotRead(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		client, server := newTwoHosts(memnet.Options{}).connect(t, "80")
		data := bytes.Repeat([]byte("x"), capacity+100)
		client.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := client.Write(data); n != capacity || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Write(%d bytes) = %d, %v, want %d, %v", len(data), n, err, capacity, os.ErrDeadlineExceeded)
		}
		client.SetWriteDeadline(time.Time{})
		wrote := make(chan error)
		go func() { _, err := client.Write(data[:100]); wrote <- err }()
		synctest.Wait()
		select {
		case err := <-wrote:
			t.Fatalf("Write to a full stream = %v, want it to wait", err)
		default:
		}
		read(t, server, string(data))
		if err := <-wrote; err != nil {
			t.Errorf("Write once there is room = %v, want nil", err)
		}
	})
}

func TestAWaitingWriterNoticesTheCloseOfItsPeer(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		client, server := newTwoHosts(memnet.Options{Latency: 10 * time.Millisecond}).connect(t, "80")
		start := time.Now()
		time.AfterFunc(time.Second, func() { server.Close() })
		if _, err := client.Write(make([]byte, 2*capacity)); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Write() = %v, want %v", err, syscall.EPIPE)
		}
		if got, want := time.Since(start), 1010*time.Millisecond; got != want {
			t.Errorf("the writer learned it after %v, want %v", got, want)
		}
	})
}

func TestConcurrentWritesDoNotMix(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		client, server := newTwoHosts(memnet.Options{}).connect(t, "80")
		const writers, size = 4, 2 * capacity
		for i := range writers {
			go client.Write(bytes.Repeat([]byte{'a' + byte(i)}, size))
		}
		got := make([]byte, writers*size)
		for step := 0; step < len(got); step += 1 << 10 {
			synctest.Wait() // until every writer waits
			if _, err := io.ReadFull(server, got[step:step+1<<10]); err != nil {
				t.Fatal(err)
			}
		}
		for i := 0; i < len(got); i += size {
			if n := bytes.Count(got[i:i+size], got[i:i+1]); n != size {
				t.Errorf("a write of %d bytes arrived with only %d of them together", size, n)
			}
		}
	})
}

func TestReadDeadlineIsATimeout(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		client, _ := newTwoHosts(memnet.Options{}).connect(t, "80")
		start := time.Now()
		client.SetReadDeadline(start.Add(time.Minute))
		_, err := client.Read(make([]byte, 1))
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read() = %v, want a timeout", err)
		}
		if got := time.Since(start); got != time.Minute {
			t.Errorf("Read() took %v, want %v", got, time.Minute)
		}
	})
}

func TestAddressesAreTCPAddresses(t *testing.T) {
	client, server := newTwoHosts(memnet.Options{}).connect(t, "80")
	if got := client.RemoteAddr().(*net.TCPAddr).String(); got != "10.0.0.2:80" {
		t.Errorf("RemoteAddr() = %s, want 10.0.0.2:80", got)
	}
	if got, want := server.RemoteAddr().(*net.TCPAddr).String(), client.LocalAddr().(*net.TCPAddr).String(); got != want {
		t.Errorf("the server's RemoteAddr() = %s, want the client's LocalAddr() %s", got, want)
	}
}

func BenchmarkStream(b *testing.B) {
	n := memnet.New(memnet.Options{})
	l, err := n.Host(addrB).Listen(context.Background(), "tcp", addrB+":80")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			io.Copy(c, c)
			c.Close()
		}
	}()
	c, err := n.Host(addrA).DialContext(context.Background(), "tcp", addrB+":80")
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	p := make([]byte, 1024)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		c.Write(p)
		if _, err := io.ReadFull(c, p); err != nil {
			b.Fatal(err)
		}
	}
}
