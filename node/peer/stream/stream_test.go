package stream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestManyCallsAtOnceGetTheirOwnAnswers(t *testing.T) {
	addr, streams := serve(t, newServer(256, echo))
	c := newLoopbackClient(t)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for k := range 50 {
				want := fmt.Sprint(i, k)
				if got, err := call(t.Context(), c, addr, kindPlain+Kind(k%2), want); got != want || err != nil {
					t.Errorf("call %s = %q, %v", want, got, err)
				}
			}
		})
	}
	wg.Wait()
	if n := streams.Load(); n != 1 {
		t.Errorf("%d streams were made, want 1", n)
	}
}

func TestLargeCallsHaveAStreamOfTheirOwn(t *testing.T) {
	addr, streams := serve(t, newServer(256, echo))
	c := newLoopbackClient(t)
	for range 2 {
		for _, body := range []string{string(largeBody), "small"} {
			if got, err := call(t.Context(), c, addr, kindPlain, body); err != nil || got != body {
				t.Fatalf("a call of %d bytes = %d bytes, %v, want the same", len(body), len(got), err)
			}
		}
	}
	if n := streams.Load(); n != 2 {
		t.Errorf("%d streams were made, want 2", n)
	}
}

func TestAnswersComeInAnyOrder(t *testing.T) {
	addr := serveScript(t, func(conn net.Conn, in *bufio.Reader) {
		var answers []byte
		for range 3 {
			h, body, _ := readFrame(in)
			answers = append(frame(kindAnswer, h.call, body), answers...)
		}
		conn.Write(answers)
		readFrame(in)
	})
	c := newLoopbackClient(t)
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			if got, err := call(t.Context(), c, addr, kindPlain, fmt.Sprint(i)); got != fmt.Sprint(i) || err != nil {
				t.Errorf("call %d = %q, %v", i, got, err)
			}
		})
	}
	wg.Wait()
}

func TestCallsUnderWayFailWithTheirStream(t *testing.T) {
	var asked atomic.Int64
	server := newServer(256, echo)
	defer server.Shutdown(t.Context())
	willing := serving(t, server)
	broken := accept(t, func(conn net.Conn, in *bufio.Reader) {
		conn.Write([]byte(upgraded))
		for range 3 {
			readFrame(in)
		}
	})
	addr := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			willing(w, r)
			return
		}
		broken(w, r)
	}))
	c := newLoopbackClient(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := call(t.Context(), c, addr, kindPlain, "x"); err == nil || unsent(err) {
				t.Errorf("a call = %v, want an error of unknown effect", err)
			}
		})
	}
	wg.Wait()
	if _, err := call(t.Context(), c, addr, kindPlain, "x"); err != nil || asked.Load() != 2 {
		t.Errorf("the next call = %v, by stream %d, want an answer by the second one", err, asked.Load())
	}
	c.Close()
}

// A handler may retain the bodies of a method with KeepsBody. Bodies of other methods share their buffers.
func TestABodyThatIsKeptDoesNotChange(t *testing.T) {
	var mu sync.Mutex
	var kept [][]byte
	addr, _ := serve(t, newServer(256, func(_ context.Context, c *Call) string {
		mu.Lock()
		defer mu.Unlock()
		if c.Kind == kindKept {
			kept = append(kept, c.Body)
		}
		return ""
	}))
	c := newLoopbackClient(t)
	for i := range 200 {
		for _, kind := range []Kind{kindPlain, kindKept} {
			if _, err := call(t.Context(), c, addr, kind, fmt.Sprint("call ", kind, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, body := range kept {
		if want := fmt.Sprint("call ", kindKept, i); string(body) != want {
			t.Fatalf("body %d is %q by now, want %q", i, body, want)
		}
	}
}

func TestTheEndOfAStreamEndsItsCalls(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	addr, _ := serve(t, newServer(256, func(ctx context.Context, _ *Call) string {
		close(begun)
		<-ctx.Done()
		close(ended)
		return ""
	}))
	c := newLoopbackClient(t)
	failed := make(chan error, 1)
	go func() { _, err := call(context.Background(), c, addr, kindPlain, "x"); failed <- err }()
	<-begun
	c.Close()
	<-ended
	if err := <-failed; err == nil || unsent(err) {
		t.Errorf("a call under way when the client is closed = %v, want an error of unknown effect", err)
	}
	if _, err := call(t.Context(), c, addr, kindPlain, "x"); !unsent(err) {
		t.Errorf("a call of a closed client = %v, want one that was not sent", err)
	}
}

// The first call dials. Calls during the dial wait for the same stream.
func TestCallsThatComeTogetherDialOnce(t *testing.T) {
	addr, streams := serve(t, newServer(256, echo))
	dialing, dial := make(chan struct{}, 10), make(chan struct{})
	c := newClient(func(ctx context.Context, network, addr string) (net.Conn, error) {
		dialing <- struct{}{}
		select {
		case <-dial:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	})
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	alone := make(chan error, 1)
	go func() { _, err := call(ctx, c, addr, kindPlain, "x"); alone <- err }()
	<-dialing
	cancel() // no call waits for the attempt any more: it ends, and the next call begins another
	if err := <-alone; !errors.Is(err, context.Canceled) || !unsent(err) {
		t.Errorf("a call that gives up while dialing = %v, want canceled and not sent", err)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := call(t.Context(), c, addr, kindPlain, "x"); err != nil {
				t.Error(err)
			}
		})
	}
	<-dialing
	close(dial)
	wg.Wait()
	if n := streams.Load(); n != 1 || len(dialing) != 0 {
		t.Errorf("%d streams by %d dials too many, want 1 by 1", n, len(dialing))
	}
}

// The server refuses a call without a free slot, skips its body of any size, and serves the next call (P12).
func TestABusyServerReadsPastLargeCalls(t *testing.T) {
	entered, wait := make(chan struct{}), make(chan struct{})
	addr, streams := serve(t, newServer(1, func(context.Context, *Call) string {
		entered <- struct{}{}
		<-wait
		return ""
	}))
	c := newLoopbackClient(t)
	first := make(chan error, 1)
	go func() { _, err := call(t.Context(), c, addr, kindPlain, largeBody); first <- err }()
	<-entered
	for range 3 {
		got, err := call(t.Context(), c, addr, kindPlain, largeBody)
		if err != nil || !strings.Contains(got, "too many calls: 1") {
			t.Errorf("a second call = %q, %v, want refused as one too many", got, err)
		}
	}
	close(wait)
	if err := <-first; err != nil {
		t.Errorf("the first call = %v, want nil", err)
	}
	go func() { <-entered }()
	if got, err := call(t.Context(), c, addr, kindPlain, largeBody); err != nil || got != "" || streams.Load() != 1 {
		t.Errorf("a call after the first one = %q, %v, %d streams, want served by the same one", got, err, streams.Load())
	}
}

func TestARefusedCallShowsTheBeginningOfItsBody(t *testing.T) {
	server := newServer(0, echo)
	server.handler = refusing{}
	addr, _ := serve(t, server)
	c := newLoopbackClient(t)
	for _, body := range []string{"", "short", string(largeBody)} {
		want := body[:min(len(body), maxRefusedBytes)]
		if got, err := call(t.Context(), c, addr, kindPlain, body); err != nil || got != want {
			t.Errorf("a refused call of %d bytes shows %d bytes, %v, want %d", len(body), len(got), err, len(want))
		}
	}
}

// refusing answers a refused call with the visible part of its body.
type refusing struct{ answerer }

func (refusing) Refuse(c *Call, _ error) { reply(c, string(c.Body)) }

func TestShutdownFinishesCallsUnderWay(t *testing.T) {
	entered, wait := make(chan struct{}), make(chan struct{})
	server := newServer(256, func(_ context.Context, c *Call) string {
		if string(c.Body) == "wait" {
			close(entered)
			<-wait
		}
		return "served"
	})
	addr, _ := serve(t, server)
	c := newLoopbackClient(t)
	under := make(chan error, 1)
	go func() { _, err := call(t.Context(), c, addr, kindPlain, "wait"); under <- err }()
	<-entered
	stopped := make(chan struct{})
	go func() { server.Shutdown(t.Context()); close(stopped) }()
	for {
		got, err := call(t.Context(), c, addr, kindPlain, "next")
		if err == nil && got == "served" {
			continue // the farewell is not there yet
		}
		refused := err == nil && strings.Contains(got, ErrStopping.Error())
		if rejected := unsent(err) && errors.Is(err, ErrRejected); !refused && !rejected {
			t.Errorf("a call to a server that stops = %q, %v, want refused", got, err)
		}
		break
	}
	select {
	case <-stopped:
		t.Error("Shutdown returned while a call was under way")
	default:
	}
	close(wait)
	if err := <-under; err != nil {
		t.Errorf("the call under way = %v, want nil", err)
	}
	<-stopped
	server.Shutdown(t.Context()) // a second one does nothing
	if n := server.count(); n != 0 {
		t.Errorf("%d streams are left, want none", n)
	}
}

// The end of its context closes all streams: the calls end with them.
func TestShutdownIsCutShort(t *testing.T) {
	begun := make(chan struct{})
	server := newServer(256, func(ctx context.Context, _ *Call) string {
		close(begun)
		<-ctx.Done()
		return ""
	})
	addr, _ := serve(t, server)
	c := newLoopbackClient(t)
	failed := make(chan error, 1)
	go func() { _, err := call(t.Context(), c, addr, kindPlain, "x"); failed <- err }()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	server.Shutdown(ctx)
	if err := <-failed; err == nil || unsent(err) {
		t.Errorf("the call = %v, want an error of unknown effect", err)
	}
}

func TestAnswersThatAreTooLargeBreakTheStream(t *testing.T) {
	addr := serveScript(t, func(conn net.Conn, in *bufio.Reader) {
		h, _, _ := readFrame(in)
		conn.Write(appendHead(nil, head{kindAnswer, h.call, maxAnswer + 1}))
		readFrame(in)
	})
	if _, err := call(t.Context(), newLoopbackClient(t), addr, kindPlain, "x"); err == nil || unsent(err) {
		t.Errorf("a call = %v, want an error of unknown effect", err)
	}
}

func TestAPeerWithoutStreamsRejectsTheRequest(t *testing.T) {
	addr := serveHTTP(t, http.NotFoundHandler())
	_, err := call(t.Context(), newLoopbackClient(t), addr, kindPlain, "x")
	if !unsent(err) || !errors.Is(err, ErrRejected) || !strings.Contains(err.Error(), "404") {
		t.Errorf("a call = %v, want rejected with the peer's answer, and not sent", err)
	}
}
