package stream

import (
	"context"
	"errors"
	"testing"
)

// begin begins a call with a text.
func begin(c *Client, addr, body string) (Pending, bool) {
	return c.Begin(addr, Request{
		Kind: kindPlain, Size: len(body), Append: func(dst []byte) []byte { return append(dst, body...) },
	})
}

func TestACallBeginsOnAStreamThatIsReady(t *testing.T) {
	addr, streams := serve(t, newServer(256, echo))
	c := newLoopbackClient(t)
	if _, ok := begin(c, addr, "x"); ok {
		t.Error("a call begins without a stream")
	}
	if _, err := call(t.Context(), c, addr, kindPlain, "dial"); err != nil {
		t.Fatal(err)
	}
	if _, ok := begin(c, addr, string(largeBody)); ok {
		t.Error("a large call begins without a wait")
	}
	for _, body := range []string{"one", "two"} {
		p, ok := begin(c, addr, body)
		if !ok {
			t.Fatal("no call begins on a stream that is ready")
		}
		<-p.Arrived()
		a, err := p.Answer()
		if err != nil || string(a.Body) != body {
			t.Errorf("a call of %q = %q, %v", body, a.Body, err)
		}
		a.Release()
	}
	c.Renew()
	if _, ok := begin(c, addr, "x"); ok {
		t.Error("a call begins on a stream that takes no more")
	}
	if n := streams.Load(); n != 1 {
		t.Errorf("%d streams were made, want 1", n)
	}
}

// A call that is given up has the error of its context, unless its answer came first.
func TestACallThatHasBegunIsGivenUp(t *testing.T) {
	answer := make(chan struct{})
	addr, _ := serve(t, newServer(256, func(ctx context.Context, c *Call) string {
		if string(c.Body) == "wait" {
			<-answer
		}
		return string(c.Body)
	}))
	c := newLoopbackClient(t)
	defer close(answer)
	if _, err := call(t.Context(), c, addr, kindPlain, "dial"); err != nil {
		t.Fatal(err)
	}
	waiting, ok := begin(c, addr, "wait")
	if !ok {
		t.Fatal("no call begins")
	}
	if _, err := waiting.GiveUp(context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that is given up = %v, want the error of its context", err)
	}
	answered, ok := begin(c, addr, "answer")
	if !ok {
		t.Fatal("no call begins")
	}
	for len(answered.call.done) == 0 { // the answer has come
		if _, err := call(t.Context(), c, addr, kindPlain, "next"); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := answered.GiveUp(context.Canceled); err != nil || string(a.Body) != "answer" {
		t.Errorf("a call with an answer that is given up = %q, %v, want the answer", a.Body, err)
	}
}

// The end of a stream ends the calls that have begun on it.
func TestACallThatHasBegunEndsWithItsStream(t *testing.T) {
	server := newServer(256, func(ctx context.Context, c *Call) string {
		if string(c.Body) == "wait" {
			<-ctx.Done()
		}
		return ""
	})
	addr, _ := serve(t, server)
	c := newLoopbackClient(t)
	if _, err := call(t.Context(), c, addr, kindPlain, "dial"); err != nil {
		t.Fatal(err)
	}
	p, ok := begin(c, addr, "wait")
	if !ok {
		t.Fatal("no call begins")
	}
	c.Close()
	<-p.Arrived()
	if _, err := p.Answer(); err == nil {
		t.Error("a call on a stream that has ended has no error")
	}
	if _, ok := begin(c, addr, "x"); ok {
		t.Error("a call begins at a client that is closed")
	}
}
