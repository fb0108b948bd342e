package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer/wire"
)

// Every refusal arrives with its code and detail, for every call.
func TestRefusalsTravel(t *testing.T) {
	b := newBatch(t).Encode()
	calls := map[string]func(c *Client, addr string) error{
		"apply": func(c *Client, addr string) error { _, err := c.Apply(t.Context(), addr, b); return err },
		"admit": func(c *Client, addr string) error {
			_, err := c.Admit(t.Context(), addr, false, flow.ID{}, b)
			return err
		},
		"check":  func(c *Client, addr string) error { _, err := c.Check(t.Context(), addr, flow.ID{}, b); return err },
		"digest": func(c *Client, addr string) error { _, err := c.Digest(t.Context(), addr, seven, ""); return err },
		"flows":  func(c *Client, addr string) error { _, err := c.Flows(t.Context(), addr, seven, Wanted{}); return err },
		"secure": func(c *Client, addr string) error { _, err := c.Secure(t.Context(), addr); return err },
		"drain":  func(c *Client, addr string) error { return c.Drain(t.Context(), addr) },
		"hello":  func(c *Client, addr string) error { _, err := c.Hello(t.Context(), addr, Hello{}); return err },
	}
	for _, tt := range []struct {
		refusal *Error
		status  int
		is      error
		notSent bool
	}{
		{&Error{Code: contract.KeyReused.Code(), Detail: "k"}, 422, contract.KeyReused, true},
		{&Error{Code: contract.Overflow.Code(), Detail: "o"}, 409, contract.Overflow, true},
		{&Error{Code: contract.Unavailable.Code(), Detail: "u", Stores: []string{"c", "d"}}, 503, nil, false},
		{&Error{Code: contract.Busy.Code(), Detail: "b"}, 503, nil, true},
		{&Error{Code: contract.NotReplica.Code(), Detail: "n"}, 409, nil, true},
		{&Error{Code: contract.Stranger.Code(), Detail: "s"}, 421, nil, true},
		{&Error{Code: contract.Guarded.Code(), Detail: "g"}, 409, nil, true},
		{&Error{Code: contract.Malformed.Code(), Detail: "m"}, 400, nil, true},
		{&Error{Code: contract.Internal.Code(), Detail: "i"}, 500, nil, false},
	} {
		d := newDouble()
		d.err = fmt.Errorf("wrapped: %w", tt.refusal)
		addr := d.serve(t, ServerConfig{})
		for name, call := range calls {
			c, _ := newTestClient(t)
			err := call(c, addr)
			var got *Error
			if !errors.As(err, &got) || got.Code != tt.refusal.Code || got.Detail != tt.refusal.Detail ||
				!slices.Equal(got.Stores, tt.refusal.Stores) {
				t.Errorf("%s refused with %+v arrives as %v", name, tt.refusal, err)
				continue
			}
			if got := NotSent(err); got != tt.notSent {
				t.Errorf("NotSent(%s refused as %s) = %t, want %t", name, tt.refusal.Code, got, tt.notSent)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%s refused as %s is not %v", name, tt.refusal.Code, tt.is)
			}
			if !c.Heard(addr) {
				t.Errorf("a peer that refuses %s as %s is not heard", name, tt.refusal.Code)
			}
		}
		if got := tt.refusal.Kind().Status(); got != tt.status {
			t.Errorf("status of %s = %d, want %d", tt.refusal.Code, got, tt.status)
		}
	}
}

func TestErrorsOfTheStoreTravel(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want contract.Refusal
	}{
		{contract.KeyReused, contract.KeyReused}, {contract.Overflow, contract.Overflow},
		{errors.New("disk"), contract.Internal}, {errors.New("bad \xff text"), contract.Internal},
	} {
		d := newDouble()
		d.err = tt.err
		c, _ := newTestClient(t)
		_, err := c.Admit(t.Context(), d.serve(t, ServerConfig{}), false, flow.ID{}, newBatch(t).Encode())
		var got *Error
		if !errors.As(err, &got) || got.Kind() != tt.want {
			t.Errorf("admit that fails with %v arrives as %v, want code %s", tt.err, err, tt.want.Code())
		}
	}
}

// A failed call tells whether it had an effect, and whether the peer was heard.
func TestNotSentAndHeard(t *testing.T) {
	batch := newBatch(t).Encode()
	d := newDouble()
	silent := make(chan struct{})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	mute := serveHandler(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	muteStream := serveStreams(t, func(net.Conn, *bufio.Reader) { <-silent })
	tests := []struct {
		name    string
		addr    string
		limit   time.Duration // of the caller's patience; 0: long
		cancel  bool          // the caller gives up
		notSent bool
		heard   bool
		applied int
	}{
		{name: "refused connection", addr: closed.Addr().String(), notSent: true},
		{name: "no such host", addr: "host.invalid:1", notSent: true},
		{name: "lost before there was a stream", notSent: true,
			addr: serveHandler(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))},
		{name: "lost before it had an effect", addr: serveStreams(t, func(_ net.Conn, in *bufio.Reader) { readAsk(in) })},
		{name: "applied, but the answer was lost", applied: 1, addr: serveStreams(t, func(_ net.Conn, in *bufio.Reader) {
			if _, a := readAsk(in); a != nil {
				batches, err := a.Written()
				if err = errors.Join(err, d.Apply(t.Context(), batches)); err != nil {
					t.Error(err)
				}
			}
		})},
		{name: "no stream in time", limit: 50 * time.Millisecond, notSent: true, addr: mute},
		{name: "no answer", limit: 50 * time.Millisecond, addr: muteStream},
		{name: "the caller gave up before there was a stream", limit: 50 * time.Millisecond, cancel: true, heard: true, notSent: true,
			addr: mute},
		{name: "the caller gave up", limit: 50 * time.Millisecond, cancel: true, heard: true, addr: muteStream},
		{name: "an answer of another program", heard: true, notSent: true, addr: serveHandler(t, http.NotFoundHandler())},
		{name: "an answer that names no store", heard: true, addr: serveStreams(t, answering(wire.Reply{}))},
		{name: "a refusal without a code", heard: true, addr: serveStreams(t, answering(wire.Reply{Outcome: wire.Refused}))},
		{name: "an answer that nobody asked for", addr: serveStreams(t, func(conn net.Conn, in *bufio.Reader) {
			readAsk(in)
			conn.Write(frame(wire.KindApply, 0, nil))
			<-silent
		})},
	}
	t.Cleanup(func() { close(silent) }) // before the servers close
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newTestClient(t)
			ctx := t.Context()
			if tt.limit > 0 {
				var cancel context.CancelFunc
				if tt.cancel {
					ctx, cancel = context.WithCancel(ctx)
					time.AfterFunc(tt.limit, cancel)
				} else {
					ctx, cancel = context.WithTimeout(ctx, tt.limit)
				}
				defer cancel()
			}
			before := d.count()
			_, err := c.Apply(ctx, tt.addr, batch)
			if err == nil || NotSent(err) != tt.notSent {
				t.Errorf("apply = %v, NotSent %t, want an error, NotSent %t", err, NotSent(err), tt.notSent)
			}
			if got := c.Heard(tt.addr); got != tt.heard {
				t.Errorf("Heard = %t after %v, want %t", got, err, tt.heard)
			}
			if got := d.count() - before; got != tt.applied {
				t.Errorf("applied %d times, want %d", got, tt.applied)
			}
		})
	}
	if NotSent(errors.New("any other error")) {
		t.Error("NotSent(any other error) = true, want false: the effect of an unknown error is unknown")
	}
}

// A refusal for a limit names its hour, hour 0 too.
func TestALimitTravelsWithItsHour(t *testing.T) {
	for _, limit := range []contract.Refusal{contract.TooManyFlows, contract.TooManyNames, contract.TooManyHours, contract.HoursReserved, contract.FutureHour} {
		for _, hour := range []flow.Hour{0, -1, 1<<63 - 1} {
			d := newDouble()
			d.err = fmt.Errorf("wrapped: %w", &contract.HourError{Hour: hour, Err: limit})
			c, _ := newTestClient(t)
			_, err := c.Check(t.Context(), d.serve(t, ServerConfig{}), flow.ID{}, newBatch(t).Encode())
			var got *contract.HourError
			if !errors.As(err, &got) || got.Hour != hour || got.Err != limit || !errors.Is(err, limit) || !NotSent(err) {
				t.Errorf("%v of hour %d arrives as %v", limit, hour, err)
			}
		}
	}
	var got *contract.HourError
	if err := error(&Error{Code: contract.KeyReused.Code(), Detail: "k"}); errors.As(err, &got) {
		t.Errorf("%v is taken for a limit of hour %d", err, got.Hour)
	}
}
