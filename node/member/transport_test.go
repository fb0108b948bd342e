package member

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

// gossipPort returns a transport at 10.0.0.1:7946 that keeps its accepted streams, and a dialer of that address.
func gossipPort(t *testing.T, maxStreams int) (tr *transport, accepted *[]net.Conn, dial func(from string) net.Conn) {
	t.Helper()
	network := memnet.New(memnet.Options{Seed: 1, Latency: time.Millisecond})
	tr, err := listen(t.Context(), network.Host("10.0.0.1"), "10.0.0.1:7946", maxStreams)
	if err != nil {
		t.Fatal(err)
	}
	accepted = new([]net.Conn)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case c := <-tr.StreamCh():
				*accepted = append(*accepted, c)
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		if err := tr.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return tr, accepted, func(from string) net.Conn {
		c, err := network.Host(from).DialContext(t.Context(), "tcp", "10.0.0.1:7946")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// One address takes most of the streams and never the last one. A closed stream leaves its place (P16).
func TestStreamsAreSharedByAddress(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		tr, accepted, dial := gossipPort(t, 5)
		want := func(streams int, refused uint64) {
			t.Helper()
			time.Sleep(time.Second)
			synctest.Wait()
			if len(*accepted) != streams || tr.refused() != refused {
				t.Errorf("%d streams are accepted and %d refused, want %d and %d", len(*accepted), tr.refused(), streams, refused)
			}
		}
		for range 10 {
			defer dial("10.9.9.9").Close()
		}
		want(4, 6)
		defer dial("10.0.0.2").Close()
		want(5, 6)
		for _, c := range *accepted {
			c.Close()
			c.Close() // the library closes some streams twice
		}
		for range 10 {
			defer dial("10.9.9.9").Close()
		}
		want(9, 12)
	})
}

// A stream with more bytes than any exchange has is cut and counted (P16).
func TestALongStreamIsCut(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		tr, accepted, dial := gossipPort(t, 0)
		out := dial("10.9.9.9")
		defer out.Close()
		time.Sleep(time.Second)
		go func() {
			out.Write(make([]byte, 2*maxStream))
			out.Close()
		}()
		n, err := io.Copy(io.Discard, (*accepted)[0])
		if !errors.Is(err, errTooLong) || n > maxStream || n < maxStream/2 || tr.refused() != 1 {
			t.Errorf("%d bytes are read, %v, and %d streams refused, want up to %d bytes, %v, and 1", n, err, tr.refused(), maxStream, errTooLong)
		}
		(*accepted)[0].Close()
	})
}

// Long streams of one address leave room for those of others, and a closed stream leaves its bytes (P16).
func TestTheBytesOfAllStreamsAreBounded(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		tr, accepted, dial := gossipPort(t, 0)
		var outs []net.Conn
		send := func(from string) (c net.Conn, n int64) {
			t.Helper()
			before := len(*accepted)
			out := dial(from)
			outs = append(outs, out)
			time.Sleep(time.Second)
			go func() {
				out.Write(make([]byte, maxStream))
				out.Close()
			}()
			c = (*accepted)[before]
			n, err := io.Copy(io.Discard, c)
			if whole := n == maxStream; whole != (err == nil) || !whole && !errors.Is(err, errNoRoom) {
				t.Errorf("%d bytes are read, then %v", n, err)
			}
			return c, n
		}
		open, total := []net.Conn{}, int64(0)
		for range 12 {
			c, n := send("10.9.9.9")
			open, total = append(open, c), total+n
		}
		const all = maxParts * streamPart
		if _, refused := tr.parts.Stats(); total < all*7/10 || total > all*9/10 || refused == 0 || tr.refused() != refused {
			t.Errorf("one address has sent %d bytes of %d, and %d streams are cut, want about four fifths, and some", total, all, tr.refused())
		}
		if c, n := send("10.0.0.2"); n != maxStream {
			t.Errorf("another address has sent %d bytes, want %d", n, maxStream)
		} else {
			c.Close()
		}
		for _, c := range append(open, outs...) {
			c.Close()
		}
		if now, _ := tr.parts.Stats(); now != 0 {
			t.Errorf("%d parts are counted after the end of all streams, want 0", now)
		}
	})
}
