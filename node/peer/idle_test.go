package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"flowring/flow"
	"flowring/node/peer/idle"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// leisurely is a double with slow calls and slow frames.
type leisurely struct {
	*double
	takes time.Duration // before each call is done, and between frames
	large int           // bytes of a frame
	took  int           // frames taken from Missing
	ended chan error    // receives the error of Missing
}

func (l *leisurely) Secure(context.Context) error { time.Sleep(l.takes); return nil }
func (l *leisurely) Drain(context.Context) error  { time.Sleep(l.takes); return nil }
func (l *leisurely) Forget(context.Context, roster.StoreID, bool) error {
	time.Sleep(l.takes)
	return nil
}

func (l *leisurely) Flows(context.Context, flow.Slice, Wanted) (Answer, error) {
	time.Sleep(l.takes)
	return &textAnswer{text: strings.Repeat("a", max(l.large, 1))}, nil
}

func (l *leisurely) Missing(_ context.Context, _ flow.Slice, _ digest.Digest, fn func([]byte) error) (err error) {
	defer func() { l.ended <- err }()
	for range 30 {
		if err := fn(bytes.Repeat([]byte("x"), max(l.large, 100_000))); err != nil {
			return err
		}
		l.took++
		time.Sleep(l.takes)
	}
	return nil
}

// swallow drops all later packets between the hosts, without a reset.
func (p pair) swallow() { p.net.Partition([]string{hostA}, []string{hostB}) }

// A body without a byte for 4 s ends, whatever time the call has left, and the peer counts as silent (P8, P12).
func TestAStoppedBodyEndsTheCall(t *testing.T) {
	l := &leisurely{double: newDouble(), takes: time.Second}
	inPair(t, l, func(t *testing.T, p pair) {
		l.ended = make(chan error, 9)
		frames, begun := 0, time.Time{}
		err := p.client.Missing(t.Context(), portB, seven, digest.Digest{}, func([]byte) error {
			if frames++; frames == 5 {
				p.swallow()
				begun = time.Now()
			}
			return nil
		})
		if took := time.Since(begun); !errors.Is(err, idle.ErrTimeout) || !Unheard(err) || took > idle.Timeout {
			t.Errorf("missing = %v, unheard %t, after %v, want given up after %v", err, Unheard(err), took, idle.Timeout)
		}
		if frames != 5 || p.client.Heard(portB) || p.client.Stalled() != 1 {
			t.Errorf("%d frames, heard %t, %d stalled, want what came before, silent, one", frames, p.client.Heard(portB), p.client.Stalled())
		}
		if err := <-l.ended; err != nil && !idle.IsTimeout(err) {
			t.Errorf("the sender ends with %v", err)
		}
	})
}

// A vanished caller does not hold a slot for long, neither with an answer nor with a body (P12).
func TestAVanishedCallerHoldsNoSlot(t *testing.T) {
	for name, call := range map[string]func(c *Client, p pair) error{
		"an answer that nobody takes": func(c *Client, p pair) error {
			return c.Missing(context.Background(), portB, seven, digest.Digest{}, func([]byte) error { p.swallow(); time.Sleep(time.Hour); return io.EOF })
		},
		"a body that stops": func(c *Client, p pair) error {
			_, err := c.Give(context.Background(), portB, seven, func(fn func([]byte) error) error {
				fn(newBatch(t).Encode())
				time.Sleep(100 * time.Millisecond)
				p.swallow()
				for {
					if err := fn(make([]byte, 100_000)); err != nil {
						return err
					}
				}
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDouble()
			d.held = store.New(store.Config{}, store.Deps{})
			l := &leisurely{double: d, large: 1 << 20}
			inPair(t, l, func(t *testing.T, p pair) {
				l.ended = make(chan error, 9)
				done := make(chan error, 1)
				go func() { done <- call(p.client, p) }()
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
				if n := len(p.server.plainSlots); n != 1 {
					t.Fatalf("%d calls are under way, want 1", n)
				}
				time.Sleep(2 * idle.Timeout)
				if n := len(p.server.plainSlots); n != 0 || p.server.Stalled() != 1 {
					t.Errorf("%d slots are taken and %d stalled after %v, want none and 1", n, p.server.Stalled(), 2*idle.Timeout)
				}
				if err := <-done; err == nil {
					t.Error("the call has no error")
				}
			})
		})
	}
}

// A vanished sender of a digest does not hold a slot either.
func TestAStoppedShortBodyHoldsNoSlot(t *testing.T) {
	inPair(t, newDouble(), func(t *testing.T, p pair) {
		conn, err := p.net.Host(hostA).DialContext(t.Context(), "tcp", portB)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "POST /peer/v1/missing?slice=7/0 HTTP/1.1\r\nHost: b\r\nContent-Length: 100\r\n\r\nhalf")
		synctest.Wait()
		if n := len(p.server.plainSlots); n != 1 {
			t.Fatalf("%d calls are under way, want 1", n)
		}
		time.Sleep(idle.Timeout + time.Second)
		if n := len(p.server.plainSlots); n != 0 {
			t.Errorf("%d slots are taken, want none", n)
		}
	})
}

// A peer at work sends signs of life. A caller gives up a vanished peer within 4 s, and no other one (P10).
func TestASlowPeerIsWaitedForAndAVanishedOneIsNot(t *testing.T) {
	for name, call := range map[string]func(*Client) error{
		"secure": func(c *Client) error { return second(c.Secure(context.Background(), portB)) },
		"drain":  func(c *Client) error { return c.Drain(context.Background(), portB) },
		"forget": func(c *Client) error { return c.Forget(context.Background(), portB, roster.NewStoreID(), false) },
		"flows": func(c *Client) error {
			a, err := c.Flows(context.Background(), portB, seven, Wanted{JSON: true})
			if err == nil {
				_, err = a.WriteTo(io.Discard)
				a.Close()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inPair(t, &leisurely{double: newDouble(), takes: time.Minute}, func(t *testing.T, p pair) {
				begun := time.Now()
				if err := call(p.client); err != nil || time.Since(begun) < time.Minute {
					t.Errorf("a call that takes a minute = %v after %v, want nil", err, time.Since(begun))
				}
				done := make(chan error, 1)
				go func() { done <- call(p.client) }()
				time.Sleep(10 * time.Second)
				p.swallow()
				begun = time.Now()
				if err := <-done; !Unheard(err) || time.Since(begun) > idle.Timeout {
					t.Errorf("a call whose peer vanishes = %v after %v, want given up within %v", err, time.Since(begun), idle.Timeout)
				}
				time.Sleep(time.Minute) // the peer goes on
			})
		})
	}
}

// A reader of flows with a slow client is no silent peer. A vanished reader does not hold a slot for ever (P12).
func TestFlowsWaitForASlowReader(t *testing.T) {
	inPair(t, &leisurely{double: newDouble(), large: 1 << 20}, func(t *testing.T, p pair) {
		for _, vanishes := range []bool{false, true} {
			a, err := p.client.Flows(t.Context(), portB, seven, Wanted{JSON: true})
			if err != nil {
				t.Fatal(err)
			}
			if vanishes {
				p.swallow()
			}
			time.Sleep(idle.ReaderTimeout - time.Second)
			if n, err := a.WriteTo(io.Discard); (n != 1<<20 || err != nil) != vanishes {
				t.Errorf("%d bytes of flows, %v, of a peer that vanishes: %t", n, err, vanishes)
			}
			a.Close()
			time.Sleep(2 * idle.ReaderTimeout)
			if n := len(p.server.routedSlots); n != 0 {
				t.Errorf("%d slots are taken, want none; vanishes: %t", n, vanishes)
			}
		}
	})
}

// The limits of a call end with the call, even if its connection is reused.
func TestAConnectionIsUsedAgainAfterALongPause(t *testing.T) {
	l := &leisurely{double: newDouble()}
	inPair(t, l, func(t *testing.T, p pair) {
		l.ended = make(chan error, 9)
		for range 3 {
			if err := p.client.Missing(t.Context(), portB, seven, digest.Digest{}, func([]byte) error { return nil }); err != nil {
				t.Error(err)
			}
			if _, err := p.client.Digest(t.Context(), portB, seven, ""); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		if n := p.net.Count(hostA, hostB, 0).Streams; n != 1 {
			t.Errorf("%d connections, want one", n)
		}
	})
}

// A peer may refuse a call before it has read the body. Then it was heard, and the rest of the body does not count
// against it.
func TestARefusalBeforeTheBodyLeavesThePeerHeard(t *testing.T) {
	inPair(t, newDouble(), func(t *testing.T, p pair) {
		for range cap(p.server.plainSlots) {
			p.server.plainSlots <- struct{}{}
		}
		_, err := p.client.Give(t.Context(), portB, seven, func(fn func([]byte) error) error {
			for {
				if err := fn(make([]byte, 1000)); err != nil {
					return err
				}
				time.Sleep(time.Millisecond)
			}
		})
		var refusal *Error
		if !errors.As(err, &refusal) && err == nil {
			t.Errorf("give = %v, want an error", err)
		}
		time.Sleep(time.Minute)
		if Unheard(err) || p.client.Stalled() != 0 {
			t.Errorf("give = %v, unheard %t, %d stalled, want a peer that was heard", err, Unheard(err), p.client.Stalled())
		}
	})
}

// Large frames of several sources are in memory one at a time.
func TestLargeFramesAreReadOneAfterTheOther(t *testing.T) {
	l := &leisurely{double: newDouble(), large: 1 << 20}
	inPair(t, l, func(t *testing.T, p pair) {
		l.ended = make(chan error, 9)
		p.client.frameBytes = semaphore.NewWeighted(1 << 20)
		under, most := 0, 0
		stop := errors.New("enough")
		done := make(chan error)
		for range 3 {
			go func() {
				done <- p.client.Missing(t.Context(), portB, seven, digest.Digest{}, func([]byte) error {
					under++
					most = max(most, under)
					time.Sleep(time.Second)
					under--
					return stop
				})
			}()
		}
		for range 3 {
			if err := <-done; !errors.Is(err, stop) {
				t.Error(err)
			}
		}
		if most != 1 {
			t.Errorf("%d frames were in memory at a time, want one", most)
		}
	})
}

// The negative control of the tests above: without the limit a stopped body holds its reader for ever, because no
// reset comes.
func TestABodyMayStopForEverWithoutALimit(t *testing.T) {
	l := &leisurely{double: newDouble(), takes: time.Second}
	inPair(t, l, func(t *testing.T, p pair) {
		l.ended = make(chan error, 9)
		c := NewClient(ClientDeps{Rosters: &rosters{}, Dial: p.net.Host(hostA).DialContext, Idle: 1000 * time.Hour})
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		begun := time.Now()
		err := c.Missing(ctx, portB, seven, digest.Digest{}, func([]byte) error { p.swallow(); return nil })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Hour {
			t.Errorf("missing = %v after %v, want an hour's wait", err, time.Since(begun))
		}
	})
}
