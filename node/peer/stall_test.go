package peer

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

const (
	hostA, hostB = "10.0.0.1", "10.0.0.2"
	portB        = hostB + ":8081"
)

// pair is a client on one host and a server on another, in virtual time.
type pair struct {
	net    *memnet.Net
	client *Client
	server *Server
}

// inPair runs a test with a pair, in a bubble.
func inPair(t *testing.T, h Handler, fn func(t *testing.T, p pair)) {
	racetest.Bubble(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		p := pair{net: n, server: NewServer(ServerConfig{}, ServerDeps{Handler: h, Log: slog.New(slog.DiscardHandler)})}
		l, err := n.Host(hostB).Listen(t.Context(), "tcp", portB)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: p.server}
		var wg sync.WaitGroup
		wg.Go(func() { server.Serve(l) })
		p.client = NewClient(ClientDeps{Rosters: &rosters{}, Dial: n.Host(hostA).DialContext})
		defer func() {
			p.client.Close()
			n.HealAll()
			p.server.Shutdown(t.Context())
			server.Close()
			wg.Wait()
		}()
		fn(t, p)
	})
}

// streams returns how many the server has.
func (p pair) streams() int {
	p.server.accepted.mu.Lock()
	defer p.server.accepted.mu.Unlock()
	return len(p.server.accepted.all)
}

// within makes a call that has so much time.
func (p pair) within(t *testing.T, limit time.Duration, batch []byte) error {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err := p.client.Apply(ctx, portB, batch)
	return err
}

// raw returns a stream without a client.
func (p pair) raw(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := p.net.Host(hostA).DialContext(t.Context(), "tcp", portB)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "POST /peer/v1/stream HTTP/1.1\r\nHost: b\r\n"+
		"Connection: Upgrade\r\nUpgrade: "+protocol+"\r\nContent-Length: 0\r\n\r\n")
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the answer is %v, %v, want 101", res, err)
	}
	res.Body.Close()
	return conn, in
}

// What TCP sends again after a long partition comes late: the stream must not be used again.
func TestSilenceClosesTheStream(t *testing.T) {
	inPair(t, newDouble(), func(t *testing.T, p pair) {
		batch := numbered(t, 1)
		if err := p.within(t, time.Second, batch); err != nil {
			t.Fatal(err)
		}
		heal := p.net.Partition([]string{hostA}, []string{hostB})
		long := make(chan error, 1)
		go func() { long <- p.within(t, time.Minute, batch) }()
		if err := p.within(t, 4*time.Second, batch); !errors.Is(err, context.DeadlineExceeded) || NotSent(err) {
			t.Errorf("a call into a partition = %v, NotSent %t, want out of time, of unknown effect", err, NotSent(err))
		}
		if err := <-long; !errors.Is(err, errSilent) || NotSent(err) {
			t.Errorf("another call on the stream = %v, NotSent %t, want broken with it, of unknown effect", err, NotSent(err))
		}
		if err := p.within(t, time.Second, batch); !NotSent(err) || p.client.Heard(portB) {
			t.Errorf("a call that finds no stream = %v, NotSent %t, heard %t, want not sent", err, NotSent(err), p.client.Heard(portB))
		}
		heal()
		if err := p.within(t, time.Second, batch); err != nil || !p.client.Heard(portB) {
			t.Errorf("a call after the partition = %v, heard %t", err, p.client.Heard(portB))
		}
	})
}

func TestASlowCallDoesNotCloseTheStream(t *testing.T) {
	const slow = 99
	d := newDouble()
	apply := func(_ context.Context, batches []flow.Written) error {
		if batches[0].Dot.Seq == slow {
			time.Sleep(10 * time.Second)
		}
		return nil
	}
	inPair(t, scripted{double: d, apply: apply}, func(t *testing.T, p pair) {
		long := make(chan error, 1)
		go func() { long <- p.within(t, time.Minute, numbered(t, slow)) }()
		late := make(chan error, 1)
		go func() { late <- p.within(t, 4*time.Second, numbered(t, slow)) }()
		for range 10 {
			if err := p.within(t, time.Second, numbered(t, 1)); err != nil {
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
	inPair(t, newDouble(), func(t *testing.T, p pair) {
		for range 2 {
			if err := p.within(t, time.Second, numbered(t, 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(stallTimeout)
			if n := p.streams(); n != 1 {
				t.Errorf("%d streams after %v without a call, want 1", n, stallTimeout)
			}
			time.Sleep(clientPatience*stallTimeout + time.Second)
			if n := p.streams(); n != 0 {
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
	apply := func(context.Context, []flow.Written) error { time.Sleep(10 * stallTimeout); return nil }
	inPair(t, scripted{double: newDouble(), apply: apply}, func(t *testing.T, p pair) {
		if err := p.within(t, 11*stallTimeout, numbered(t, 1)); err != nil {
			t.Errorf("a long call = %v, want nil", err)
		}
	})
}

// A slow sender and a slow reader hold nothing for good (P12, P16).
func TestStalledStreamsAreClosed(t *testing.T) {
	a := ask{kind: kindApply, batches: [][]byte{numbered(t, 1)}}
	frame := a.append(nil, 1)
	for name, part := range map[string]int{"a head": 5, "a call": len(frame) - 1} {
		t.Run("half of "+name, func(t *testing.T) {
			inPair(t, newDouble(), func(t *testing.T, p pair) {
				conn, in := p.raw(t)
				defer conn.Close()
				conn.Write(frame[:part])
				begun := time.Now()
				if _, err := in.ReadByte(); err == nil || time.Since(begun) > 2*stallTimeout {
					t.Errorf("the server closes after %v: %v, want within %v", time.Since(begun), err, 2*stallTimeout)
				}
				if n := len(p.server.calls); n != 0 {
					t.Errorf("%d places are taken", n)
				}
			})
		})
	}
	t.Run("no answer is taken", func(t *testing.T) {
		inPair(t, newDouble(), func(t *testing.T, p pair) {
			conn, _ := p.raw(t)
			defer conn.Close()
			begun := time.Now()
			for {
				if _, err := conn.Write(frame); err != nil {
					break
				}
			}
			if took := time.Since(begun); took > 2*stallTimeout {
				t.Errorf("the server closes after %v, want within %v", took, 2*stallTimeout)
			}
			synctest.Wait()
			if n := len(p.server.calls); n != 0 {
				t.Errorf("%d places are taken", n)
			}
		})
	})
}

func TestShutdownWaitsForLongCalls(t *testing.T) {
	apply := func(context.Context, []flow.Written) error { time.Sleep(10 * partingTime); return nil }
	inPair(t, scripted{double: newDouble(), apply: apply}, func(t *testing.T, p pair) {
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := p.within(t, time.Minute, numbered(t, 1)); err != nil {
				t.Errorf("a call under way = %v, want nil", err)
			}
		})
		synctest.Wait()
		p.server.Shutdown(t.Context())
		wg.Wait()
	})
}

// A caller that does not close on a farewell is refused what it calls, and does not hold up the stop for long.
func TestCallsAfterTheFarewellAreRefused(t *testing.T) {
	d := newDouble()
	inPair(t, d, func(t *testing.T, p pair) {
		conn, in := p.raw(t)
		defer conn.Close()
		var wg sync.WaitGroup
		begun := time.Now()
		wg.Go(func() { p.server.Shutdown(t.Context()) })
		if h, err := readHead(in); err != nil || h.kind != kindFarewell {
			t.Errorf("a server that stops says %s, %v, want a farewell", h.kind, err)
		}
		a := ask{kind: kindApply, batches: [][]byte{numbered(t, 1)}}
		conn.Write(a.append(nil, 1))
		h, err := readHead(in)
		if err != nil {
			t.Fatal(err)
		}
		rest, _ := readRest(in, h.size, nil)
		r, err := parseReply(rest)
		var refusal *Error
		if err != nil || !errors.As(parseRefusal(r.refusal), &refusal) || refusal.Code != Busy || d.count() != 0 {
			t.Errorf("a call after the farewell = %s, %v, %d applied, want refused as busy", rest, err, d.count())
		}
		wg.Wait()
		if took := time.Since(begun); took > partingTime {
			t.Errorf("the stop took %v, want at most %v", took, partingTime)
		}
	})
}

func TestShutdownIsQuickWithoutCalls(t *testing.T) {
	inPair(t, newDouble(), func(t *testing.T, p pair) {
		for _, batch := range [][]byte{numbered(t, 1), largeBatch(t)} {
			if err := p.within(t, time.Minute, batch); err != nil {
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
	inPair(t, newDouble(), func(t *testing.T, p pair) {
		conn, _ := p.raw(t)
		a := ask{kind: kindApply, batches: [][]byte{numbered(t, 1)}}
		frame := a.append(nil, 1)
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				if _, err := conn.Write(frame); err != nil {
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
		s := NewServer(ServerConfig{}, ServerDeps{Handler: newDouble(), Log: slog.New(slog.DiscardHandler)})
		near, far := net.Pipe()
		defer near.Close()
		var wg sync.WaitGroup
		wg.Go(func() { s.serveStream(t.Context(), far) })
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

// What waits behind a write that never ends cannot have had an effect.
func TestCallsThatWereNotWrittenWereNotSent(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		near, far := net.Pipe()
		var wg sync.WaitGroup
		c := NewClient(ClientDeps{Rosters: &rosters{}, Dial: func(context.Context, string, string) (net.Conn, error) { return near, nil }})
		wg.Go(func() {
			http.ReadRequest(bufio.NewReader(far))
			io.WriteString(far, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n")
		})
		for _, notSent := range []bool{false, true, true} {
			wg.Go(func() {
				if _, err := c.Apply(t.Context(), portB, numbered(t, 1)); err == nil || NotSent(err) != notSent {
					t.Errorf("apply = %v, NotSent %t, want an error, NotSent %t", err, NotSent(err), notSent)
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
	inPair(t, newDouble(), func(t *testing.T, p pair) {
		for range maxStreams {
			conn, _ := p.raw(t)
			defer conn.Close()
		}
		err := p.within(t, time.Second, numbered(t, 1))
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Code != Busy || !NotSent(err) || !p.client.Heard(portB) {
			t.Errorf("one stream more = %v, want refused as busy", err)
		}
	})
}

// A peer that takes nothing holds its callers little longer than they have time.
func TestAPeerThatTakesNothingHoldsNobody(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		l, err := n.Host(hostB).Listen(t.Context(), "tcp", portB)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n")
			for r := (reply{}); err == nil; time.Sleep(100 * time.Millisecond) { // something is heard, always
				_, err = conn.Write(r.append(nil, 0))
			}
		})}
		wg.Go(func() { server.Serve(l) })
		c := NewClient(ClientDeps{Rosters: &rosters{}, Dial: n.Host(hostA).DialContext})
		large := largeBatch(t)
		for _, batch := range [][]byte{numbered(t, 1), large[:largeCall-1000], large} {
			for range 30 {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					begun := time.Now()
					if _, err := c.Apply(ctx, portB, batch); err == nil || time.Since(begun) > time.Second+writeWait {
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

// serveData is a server that reads data from one stream.
func serveData(t *testing.T, data []byte) error {
	d := newDouble()
	yes := func(context.Context, []flow.Written) (bool, error) { return false, nil }
	h := scripted{double: d, admit: yes, check: yes, apply: func(context.Context, []flow.Written) error { return nil }}
	s := NewServer(ServerConfig{}, ServerDeps{Handler: h, Log: slog.New(slog.DiscardHandler)})
	near, far := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(io.Discard, near) })
	wg.Go(func() {
		near.Write(data)
		near.Close()
	})
	ctx, cancel := context.WithCancel(context.Background())
	err := s.serveStream(ctx, far)
	cancel()
	far.Close()
	wg.Wait()
	s.Shutdown(ctx)
	if len(s.calls) > 0 || len(s.routed) > 0 {
		t.Errorf("%d and %d places are taken", len(s.calls), len(s.routed))
	}
	return err
}

func TestGarbageEndsTheStream(t *testing.T) {
	a := ask{kind: kindApply, batches: [][]byte{numbered(t, 1)}}
	good := a.append(nil, 1)
	huge := binary.BigEndian.AppendUint32(nil, maxAsk+1)
	for _, tt := range []struct {
		name string
		data []byte
		want string // in the error; "": none
	}{
		{"nothing", nil, ""},
		{"a call", good, ""},
		{"a call that cannot be read", (&ask{kind: kindAdmit}).append(nil, 1), ""},
		{"half a call", good[:len(good)-1], "unexpected EOF"},
		{"half a head", good[:frameStart-1], "unexpected EOF"},
		{"an answer", (&reply{}).append(nil, 1), "instead of a call"},
		{"a farewell", appendHead(nil, frameHead{kind: kindFarewell}), "instead of a call"},
		{"HTTP", []byte("GET /peer/v1/digest HTTP/1.1\r\n\r\n"), "instead of a call"},
		{"a call that is too large", append(append(huge, byte(kindApply)), make([]byte, 100)...), "instead of a call"},
	} {
		err := serveData(t, tt.data)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("a stream of %s ends with %v, want %q", tt.name, err, tt.want)
		}
	}
}

func FuzzServeStream(f *testing.F) {
	for _, kind := range []frameKind{kindAdmit, kindCheck, kindApply, kindAnswer} {
		a := ask{kind: kind, wait: time.Second, roster: "r", batches: [][]byte{numbered(f, 1)}}
		f.Add(a.append(a.append(nil, 1), 2))
	}
	f.Add(appendHead(nil, frameHead{kindApply, 1, maxAsk}))
	f.Fuzz(func(t *testing.T, data []byte) { serveData(t, data) })
}

// FuzzReadAnswers has a client read what a peer sends it.
func FuzzReadAnswers(f *testing.F) {
	r := reply{store: []byte(formatStore(newDouble().self)), roster: []byte("{}")}
	f.Add(r.append(r.append(nil, 1), 2))
	f.Add(appendHead(r.append(nil, 2), frameHead{kind: kindFarewell}))
	f.Add(appendHead(nil, frameHead{kindAnswer, 1, maxAnswer}))
	f.Fuzz(func(t *testing.T, data []byte) {
		near, far := net.Pipe()
		var wg sync.WaitGroup
		c := NewClient(ClientDeps{Rosters: &rosters{}, Dial: func(context.Context, string, string) (net.Conn, error) { return near, nil }})
		wg.Go(func() {
			defer far.Close()
			in := bufio.NewReader(far)
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			wg.Go(func() { io.Copy(io.Discard, in) })
			io.WriteString(far, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n")
			far.Write(data)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.Apply(ctx, "b:1", []byte("batch"))
		c.Close()
		wg.Wait()
	})
}
