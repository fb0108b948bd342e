package stream

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

// TCP resends late after a long partition. Therefore a client must not use the stream again.
func TestSilenceClosesTheStream(t *testing.T) {
	inPair(t, echo, func(t *testing.T, p pair) {
		const body = "x"
		if err := p.within(t, time.Second, body); err != nil {
			t.Fatal(err)
		}
		heal := p.net.Partition([]string{hostA}, []string{hostB})
		long := make(chan error, 1)
		go func() { long <- p.within(t, time.Minute, body) }()
		if err := p.within(t, 4*time.Second, body); !errors.Is(err, context.DeadlineExceeded) || unsent(err) {
			t.Errorf("a call into a partition = %v, unsent %t, want out of time, of unknown effect", err, unsent(err))
		}
		if err := <-long; !errors.Is(err, errSilent) || unsent(err) {
			t.Errorf("another call on the stream = %v, unsent %t, want broken, of unknown effect", err, unsent(err))
		}
		if err := p.within(t, time.Second, body); !unsent(err) {
			t.Errorf("a call that finds no stream = %v, want not sent", err)
		}
		heal()
		if err := p.within(t, time.Second, body); err != nil {
			t.Errorf("a call after the partition = %v, want nil", err)
		}
	})
}

func TestASlowCallDoesNotCloseTheStream(t *testing.T) {
	inPair(t, sleeper(10*time.Second), func(t *testing.T, p pair) {
		long := make(chan error, 1)
		go func() { long <- p.within(t, time.Minute, "slow") }()
		late := make(chan error, 1)
		go func() { late <- p.within(t, 4*time.Second, "slow") }()
		for range 10 {
			if err := p.within(t, time.Second, "x"); err != nil {
				t.Error(err)
			}
			time.Sleep(500 * time.Millisecond)
		}
		if err := <-late; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the slow call with little time = %v, want out of time", err)
		}
		if err := <-long; err != nil {
			t.Errorf("the slow call with time = %v, want nil", err)
		}
	})
}

func TestStreamsThatAreNotUsedAreClosed(t *testing.T) {
	inPair(t, echo, func(t *testing.T, p pair) {
		for range 2 {
			if err := p.within(t, time.Second, "x"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(stallTimeout)
			if n := p.server.count(); n != 1 {
				t.Errorf("%d streams after %v without a call, want 1", n, stallTimeout)
			}
			time.Sleep(clientPatience*stallTimeout + time.Second)
			if n := p.server.count(); n != 0 {
				t.Errorf("%d streams after %v without a call, want none", n, (clientPatience+1)*stallTimeout)
			}
		}
		conn, in := p.raw(t) // a client that does not close
		defer conn.Close()
		begun := time.Now()
		if _, err := in.ReadByte(); err != io.EOF || time.Since(begun) <= (clientPatience+1)*stallTimeout {
			t.Errorf("the server closes a stream after %v: %v, want later than a client", time.Since(begun), err)
		}
	})
}

func TestStreamsInUseAreKept(t *testing.T) {
	inPair(t, sleeper(10*stallTimeout), func(t *testing.T, p pair) {
		if err := p.within(t, 11*stallTimeout, "slow"); err != nil {
			t.Errorf("a long call = %v, want nil", err)
		}
	})
}

// A slow sender and a slow reader hold nothing for good (P12, P16).
func TestStalledStreamsAreClosed(t *testing.T) {
	whole := frame(kindPlain, 1, strings.Repeat("x", 100))
	for name, part := range map[string]int{"a head": 5, "a call": len(whole) - 1} {
		t.Run("half of "+name, func(t *testing.T) {
			inPair(t, echo, func(t *testing.T, p pair) {
				conn, in := p.raw(t)
				defer conn.Close()
				conn.Write(whole[:part])
				begun := time.Now()
				if _, err := in.ReadByte(); err == nil || time.Since(begun) > 2*stallTimeout {
					t.Errorf("the server closes after %v: %v, want within %v", time.Since(begun), err, 2*stallTimeout)
				}
				if n := p.server.slotsInUse(); n != 0 {
					t.Errorf("%d slots are taken", n)
				}
			})
		})
	}
	t.Run("a call of one byte each 5 s", func(t *testing.T) {
		inPair(t, echo, func(t *testing.T, p pair) {
			conn, _ := p.raw(t)
			defer conn.Close()
			begun := time.Now()
			conn.Write(whole[:headSize])
			for _, err := conn.Write([]byte{'x'}); err == nil; _, err = conn.Write([]byte{'x'}) {
				time.Sleep(5 * time.Second)
				if n := p.server.slotsInUse(); n != 0 {
					t.Fatalf("%d slots are taken before the call is whole", n)
				}
			}
			if took := time.Since(begun); took > 2*stallTimeout+5*time.Second {
				t.Errorf("the server closes after %v, want within %v", took, 2*stallTimeout)
			}
		})
	})
	t.Run("no answer is taken", func(t *testing.T) {
		inPair(t, echo, func(t *testing.T, p pair) {
			conn, _ := p.raw(t)
			defer conn.Close()
			begun := time.Now()
			for {
				if _, err := conn.Write(whole); err != nil {
					break
				}
			}
			if took := time.Since(begun); took > 2*stallTimeout {
				t.Errorf("the server closes after %v, want within %v", took, 2*stallTimeout)
			}
			synctest.Wait()
			if n := p.server.slotsInUse(); n != 0 {
				t.Errorf("%d slots are taken", n)
			}
		})
	})
}

func TestShutdownWaitsForLongCalls(t *testing.T) {
	inPair(t, sleeper(10*partingTime), func(t *testing.T, p pair) {
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := p.within(t, time.Minute, "slow"); err != nil {
				t.Errorf("a call under way = %v, want nil", err)
			}
		})
		synctest.Wait()
		p.server.Shutdown(t.Context())
		wg.Wait()
	})
}

// A client may ignore the farewell. Its later calls are refused, and it delays the stop only briefly.
func TestCallsAfterTheFarewellAreRefused(t *testing.T) {
	inPair(t, echo, func(t *testing.T, p pair) {
		conn, in := p.raw(t)
		defer conn.Close()
		var wg sync.WaitGroup
		begun := time.Now()
		wg.Go(func() { p.server.Shutdown(t.Context()) })
		if h, _, ok := readFrame(in); !ok || h != (head{kind: kindFarewell}) {
			t.Errorf("a server that stops sends %v, %t, want a farewell", h, ok)
		}
		conn.Write(frame(kindPlain, 1, "x"))
		if h, answer, ok := readFrame(in); !ok || h.call != 1 || answer != "refused: "+ErrStopping.Error() {
			t.Errorf("a call after the farewell = %q, %t, want refused", answer, ok)
		}
		wg.Wait()
		if took := time.Since(begun); took > partingTime {
			t.Errorf("the stop took %v, want at most %v", took, partingTime)
		}
	})
}

func TestShutdownIsQuickWithoutCalls(t *testing.T) {
	inPair(t, echo, func(t *testing.T, p pair) {
		for _, body := range []string{"x", string(largeBody)} {
			if err := p.within(t, time.Minute, body); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		p.server.Shutdown(t.Context())
		if took := time.Since(begun); took > partingTime/2 {
			t.Errorf("it took %v: nobody closed on a farewell", took)
		}
	})
}

func TestAShutdownOfCallersThatTakeNothingIsCutShort(t *testing.T) {
	inPair(t, echo, func(t *testing.T, p pair) {
		conn, _ := p.raw(t)
		whole := frame(kindPlain, 1, "x")
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				if _, err := conn.Write(whole); err != nil {
					return
				}
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begun := time.Now()
		p.server.Shutdown(ctx)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("the stop took %v, want 5 s", took)
		}
		conn.Close()
		wg.Wait()
	})
}

func TestAFarewellThatNobodyReadsIsCutShort(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		s := newServer(256, echo)
		near, far := net.Pipe()
		defer near.Close()
		var wg sync.WaitGroup
		wg.Go(func() { s.Serve(far) })
		if _, err := http.ReadResponse(bufio.NewReader(near), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		s.Shutdown(ctx)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the stop took %v, want 1 s", took)
		}
		wg.Wait()
	})
}

// A frame behind a write that never ends cannot have had an effect.
func TestCallsThatWereNotWrittenWereNotSent(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		near, far := net.Pipe()
		var wg sync.WaitGroup
		c := newClient(func(context.Context, string, string) (net.Conn, error) { return near, nil })
		wg.Go(func() {
			http.ReadRequest(bufio.NewReader(far))
			io.WriteString(far, upgraded)
		})
		for _, notSent := range []bool{false, true, true} {
			wg.Go(func() {
				if _, err := call(t.Context(), c, portB, kindPlain, "x"); err == nil || unsent(err) != notSent {
					t.Errorf("a call = %v, unsent %t, want an error, unsent %t", err, unsent(err), notSent)
				}
			})
			synctest.Wait()
		}
		far.Close()
		wg.Wait()
		c.Close()
	})
}

func TestStreamsAreBounded(t *testing.T) {
	inPair(t, echo, func(t *testing.T, p pair) {
		for range MaxStreams {
			conn, _ := p.raw(t)
			defer conn.Close()
		}
		err := p.within(t, time.Second, "x")
		if !errors.Is(err, ErrRejected) || !unsent(err) || !strings.Contains(err.Error(), ErrTooManyStreams.Error()) {
			t.Errorf("one stream more = %v, want rejected as one too many", err)
		}
	})
}

// A peer that takes no byte holds its callers only slightly longer than their limits of time.
func TestAPeerThatTakesNothingHoldsNobody(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		l, err := n.Host(hostB).Listen(t.Context(), "tcp", portB)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		server := &http.Server{Handler: accept(t, func(conn net.Conn, _ *bufio.Reader) {
			_, err := io.WriteString(conn, upgraded)
			for err == nil { // something is heard, always
				_, err = conn.Write(frame(kindAnswer, 0, ""))
				time.Sleep(100 * time.Millisecond)
			}
		})}
		wg.Go(func() { server.Serve(l) })
		c := newClient(n.Host(hostA).DialContext)
		for _, body := range [][]byte{[]byte("x"), largeBody[:largeCall-1000], largeBody} {
			for range 30 {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					begun := time.Now()
					_, err := call(ctx, c, portB, kindPlain, body)
					if err == nil || time.Since(begun) > time.Second+smallWriteTimeout {
						t.Errorf("a call that has a second = %v after %v, want an error", err, time.Since(begun))
					}
				})
			}
		}
		time.Sleep(10 * time.Second)
		c.Close()
		server.Close()
		wg.Wait()
		time.Sleep(time.Second) // the handlers notice
	})
}

// serveData has a server read data from one stream.
func serveData(t *testing.T, data []byte) error {
	s := newServer(256, echo)
	near, far := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(io.Discard, near) })
	wg.Go(func() {
		near.Write(data)
		near.Close()
	})
	err := s.Serve(far)
	far.Close()
	wg.Wait()
	s.Shutdown(t.Context())
	if n := s.slotsInUse(); n > 0 {
		t.Errorf("%d slots are taken", n)
	}
	return err
}

func TestGarbageEndsTheStream(t *testing.T) {
	good := frame(kindPlain, 1, "body")
	huge := binary.BigEndian.AppendUint32(nil, maxBody+1)
	for _, tt := range []struct {
		name string
		data []byte
		want string // in the error; "": none
	}{
		{"nothing", nil, ""},
		{"a call", good, ""},
		{"a call without a body", frame(kindKept, 1, ""), ""},
		{"half a call", good[:len(good)-1], "unexpected EOF"},
		{"half a head", good[:headSize-1], "unexpected EOF"},
		{"an answer", frame(kindAnswer, 1, ""), "instead of a call"},
		{"a farewell", appendHead(nil, head{kind: kindFarewell}), "instead of a call"},
		{"HTTP", []byte("GET /peer/v1/digest HTTP/1.1\r\n\r\n"), "instead of a call"},
		{"a call that is too large", append(append(huge, byte(kindPlain)), make([]byte, 100)...), "instead of a call"},
	} {
		err := serveData(t, tt.data)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("a stream of %s ends with %v, want %q", tt.name, err, tt.want)
		}
	}
}

func FuzzServeStream(f *testing.F) {
	for _, kind := range []Kind{kindPlain, kindKept, kindAnswer} {
		f.Add(append(frame(kind, 1, "one"), frame(kind, 2, "two")...))
	}
	f.Add(appendHead(nil, head{kindPlain, 1, maxBody}))
	f.Fuzz(func(t *testing.T, data []byte) { serveData(t, data) })
}

// FuzzReadAnswers has a client read data from its peer.
func FuzzReadAnswers(f *testing.F) {
	f.Add(append(frame(kindAnswer, 1, "one"), frame(kindAnswer, 2, "two")...))
	f.Add(appendHead(frame(kindAnswer, 2, "two"), head{kind: kindFarewell}))
	f.Add(appendHead(nil, head{kindAnswer, 1, maxAnswer}))
	f.Fuzz(func(t *testing.T, data []byte) {
		near, far := net.Pipe()
		var wg sync.WaitGroup
		c := newClient(func(context.Context, string, string) (net.Conn, error) { return near, nil })
		wg.Go(func() {
			defer far.Close()
			in := bufio.NewReader(far)
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			wg.Go(func() { io.Copy(io.Discard, in) })
			io.WriteString(far, upgraded)
			far.Write(data)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		call(ctx, c, "b:1", kindPlain, "body")
		c.Close()
		wg.Wait()
	})
}
