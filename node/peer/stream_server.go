package peer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/go-json-experiment/json"

	"flowring/flow/room"
	"flowring/internal/contract"
	"flowring/internal/trace"
	"flowring/node/peer/denial"
	"flowring/node/peer/stream"
	"flowring/node/peer/wire"
	"flowring/node/replica/late"
	"flowring/ring/roster"
	"flowring/router/admission"
)

var errStopping = denial.New(contract.Busy, "this node is stopping")

// identity is a store with the text in which it introduces itself.
type identity struct {
	text  string
	store roster.Store
}

func (s *Server) initStreams() {
	s.shares.Max = stream.MaxStreams
	s.streams = stream.NewServer(stream.ServerConfig{
		MaxBody: wire.MaxAsk, Room: s.room,
		// An admitted batch is still sent to other stores when the call has returned.
		Methods: wire.BothForms(map[stream.Kind]stream.Method{
			wire.KindAdmit:           {Slots: s.routedSlots, KeepsBody: true},
			wire.KindAdmitChecked:    {Slots: s.routedSlots, KeepsBody: true},
			wire.KindAdmitByKey:      {Slots: s.routedSlots, KeepsBody: true},
			wire.KindAdmitKnownByKey: {Slots: s.routedSlots, KeepsBody: true},
			wire.KindCheck:           {Slots: s.plainSlots},
			wire.KindApply:           {Slots: s.plainSlots},
			wire.KindUnderWay:        {Slots: s.plainSlots},
			wire.KindHeld:            {Slots: s.plainSlots},
		}),
	}, streamHandler{s})
	s.register("POST", "stream", s.serveStream)
}

// Shutdown stops the streams: no call begins, calls under way end, and the callers close their streams. The end of
// ctx closes all streams at once. Every goroutine of the streams has ended when Shutdown returns.
func (s *Server) Shutdown(ctx context.Context) { s.streams.Shutdown(ctx) }

// serveStream answers a request for a stream, and serves the stream.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	refusal := s.refuseStream()
	if r.Header.Get("Upgrade") != stream.Protocol {
		refusal = denial.New(contract.Malformed, "stream: not %s", stream.Protocol)
	}
	if mismatch := checkOffer(r.Header, s.Offer()); mismatch != nil {
		setOffer(w.Header(), s.Offer())
		mismatch.Write(w)
		return
	}
	if refusal != nil {
		s.introduce(w, r)
		refusal.Write(w)
		return
	}
	from := admission.ClientAddr(r.RemoteAddr)
	if !s.shares.Enter(from) {
		s.introduce(w, r)
		s.busy("stream: too many streams of %s", from).Write(w)
		return
	}
	defer s.shares.Leave(from)
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.log.Error("peer call failed", "call", "stream", "error", err)
		return
	}
	defer conn.Close()
	if buffered.Reader.Buffered() > 0 { // the client must not send before the answer
		return
	}
	if err := s.streams.Serve(conn); err != nil {
		if errors.Is(err, stream.ErrTooManyStreams) {
			s.refused.Add(1)
		}
		s.log.Debug("peer stream ended", "peer", r.RemoteAddr, "error", err)
	}
}

// refuseStream returns the refusal of another stream, or nil if the server takes it.
func (s *Server) refuseStream() *Error {
	switch err := s.streams.Accepts(); err {
	case nil:
		return nil
	case stream.ErrStopping:
		return errStopping
	default:
		return s.busy("stream: %v", err)
	}
}

// streamHandler answers the calls on streams.
type streamHandler struct{ server *Server }

// Serve implements stream.Handler.
func (h streamHandler) Serve(ctx context.Context, c *stream.Call) {
	s := h.server
	a, err := wire.ParseAsk(c.Kind, c.Body)
	ctx, replayed := trace.WithAll(ctx, a.Requests), false
	if err != nil {
		err = contract.Malformed.Errorf("%w", err)
	} else {
		replayed, err = s.do(ctx, &a)
	}
	if err != nil {
		s.refusals.Note(ctx, wire.CallName(a.Kind), denial.Of(err).Kind(), err)
	}
	r := s.reply(&a, replayed, err)
	c.Reply(r.Size(), r.Append)
}

// Refuse implements stream.Handler.
func (h streamHandler) Refuse(c *stream.Call, reason error) {
	s := h.server
	refusal := errStopping
	if reason != stream.ErrStopping {
		refusal = s.busy("%s: %v", wire.CallName(c.Kind), reason)
	}
	caller, _, _ := wire.ParseCaller(c.Kind, c.Body)
	r := s.reply(&caller, false, refusal)
	c.Reply(r.Size(), r.Append)
}

// do runs a call. A panic fails the call alone, as in net/http, because the caller turns to the next node, where the
// same call would panic again.
func (s *Server) do(ctx context.Context, a *wire.Ask) (replayed bool, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			stack := string(debug.Stack())
			s.log.ErrorContext(ctx, "peer call panicked", "call", wire.CallName(a.Kind), "cause", cause, "stack", stack)
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	if refusal := s.refuseStranger(a.Cluster); refusal != nil {
		return false, refusal
	}
	if a.Kind == wire.KindApply {
		return false, s.apply(ctx, a)
	}
	batches, err := a.Written()
	if err != nil {
		return false, err
	}
	switch a.Kind {
	case wire.KindCheck:
		return s.Check(ctx, batches)
	case wire.KindUnderWay:
		return s.Look(late.UnderWay, a.Roster, batches)
	case wire.KindHeld:
		return s.Look(late.Held, a.Roster, batches)
	}
	if a.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.Wait)
		defer cancel()
	}
	if a.Kind == wire.KindAdmitByKey || a.Kind == wire.KindAdmitKnownByKey {
		return s.AdmitByKey(ctx, a.Kind == wire.KindAdmitKnownByKey, batches)
	}
	return s.Admit(ctx, a.Kind == wire.KindAdmitChecked, batches)
}

// apply stores the batches of a call. The store retains nothing of them, so their memory serves the next call.
func (s *Server) apply(ctx context.Context, a *wire.Ask) error {
	into, _ := s.rooms.Get().(*room.Room)
	if into == nil {
		into = new(room.Room)
	}
	batches, err := a.WrittenInto(into)
	if err == nil {
		err = s.Apply(ctx, batches)
	}
	into.Reset()
	s.rooms.Put(into)
	return err
}

// reply returns the answer to a call. As introduce, it reads the roster after the call's effect. A stranger is told
// no roster.
func (s *Server) reply(a *wire.Ask, replayed bool, err error) wire.Reply {
	r := wire.Reply{Store: s.identity()}
	switch {
	case err != nil:
		refusal := denial.Of(err)
		r.Outcome, r.Refusal = wire.Refused, refusal.Encode()
		if refusal.Kind() == contract.Stranger {
			return r
		}
	case replayed:
		r.Outcome = wire.Replayed
	}
	if roster := s.Roster(); roster.Hash() != a.Roster {
		r.Roster, _ = json.Marshal(roster)
	}
	return r
}

// identity returns the text in which this store introduces itself.
func (s *Server) identity() []byte {
	self := s.Self()
	last := s.lastIdentity.Load()
	if last == nil || last.store != self {
		last = &identity{wire.FormatStore(self), self}
		s.lastIdentity.Store(last)
	}
	return []byte(last.text)
}
