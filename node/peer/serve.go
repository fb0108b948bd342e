package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/internal/workers"
)

// accepted are the streams of a server.
type accepted struct {
	ctx     context.Context // ends the workers that are idle
	cancel  context.CancelFunc
	workers *workers.Workers // of the calls
	tasks   sync.Pool        // of *task
	said    atomic.Pointer[introduction]

	mu       sync.Mutex
	stopping bool // no stream and no call is begun any more
	all      map[*serving]struct{}
	wg       sync.WaitGroup // of the streams
}

const (
	maxStreams  = 1024        // of all callers
	partingTime = time.Second // how long callers have to close their streams once their calls are done
)

func (s *Server) initStreams() {
	s.accepted.all = map[*serving]struct{}{}
	s.accepted.ctx, s.accepted.cancel = context.WithCancel(context.Background())
	s.accepted.workers = workers.New(s.accepted.ctx)
	s.accepted.tasks.New = func() any {
		t := &task{server: s}
		t.run = t.serve
		return t
	}
	s.mux.HandleFunc("POST "+prefix+"stream", s.stream)
}

// serving is a stream as its server has it.
type serving struct {
	server *Server
	in     *watch
	out    outbox
	ctx    context.Context // of the calls; ends with the stream
	gone   chan struct{}   // closed when the stream has ended

	mu       sync.Mutex
	under    int           // calls under way
	stopping bool          // none is begun any more
	done     chan struct{} // closed when it is stopping and none is under way
}

// stream answers a call for a stream, and serves it.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	refusal := s.noStream()
	if r.Header.Get("Upgrade") != protocol {
		refusal = &Error{Code: Malformed, Detail: "stream: not " + protocol}
	}
	if refusal != nil {
		s.introduce(w, r)
		refusal.write(w)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.log.Error("peer call failed", "call", "stream", "error", err)
		return
	}
	defer conn.Close()
	if buffered.Reader.Buffered() > 0 { // nobody may speak before the answer
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := s.serveStream(ctx, conn); err != nil {
		s.log.Debug("peer stream ended", "peer", r.RemoteAddr, "error", err)
	}
}

// serveStream serves a connection that is asked to be a stream.
func (s *Server) serveStream(ctx context.Context, conn net.Conn) error {
	st := &serving{server: s, ctx: ctx, gone: make(chan struct{}), done: make(chan struct{})}
	st.in = newWatch(conn, st.unused)
	st.out.conn, st.out.stall = conn, stallTimeout
	err := conn.SetDeadline(time.Now().Add(stallTimeout))
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n")
	if err != nil {
		return err
	}
	if refusal := s.add(st); refusal != nil {
		return refusal
	}
	defer s.accepted.remove(st)
	return st.serve()
}

// noStream says why no stream is begun; nil: it is.
func (s *Server) noStream() *Error {
	s.accepted.mu.Lock()
	defer s.accepted.mu.Unlock()
	return s.whyNot()
}

// whyNot is noStream. The accepted streams are locked.
func (s *Server) whyNot() *Error {
	switch {
	case s.accepted.stopping:
		return errStopping
	case len(s.accepted.all) >= maxStreams:
		return s.busy("stream: there are %d", maxStreams)
	}
	return nil
}

func (s *Server) add(st *serving) *Error {
	a := &s.accepted
	a.mu.Lock()
	defer a.mu.Unlock()
	refusal := s.whyNot()
	if refusal == nil {
		a.all[st] = struct{}{}
		a.wg.Add(1)
	}
	return refusal
}

func (a *accepted) remove(st *serving) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, st)
	close(st.gone)
	a.wg.Done()
}

var errStopping = &Error{Code: Busy, Detail: "this node is stopping"}

// Shutdown tells callers that no call is begun any more, waits for those under way and for the callers to close their streams, and
// closes what is left. What ctx cuts short is closed at once. Every goroutine of the streams has ended when it returns.
func (s *Server) Shutdown(ctx context.Context) {
	a := &s.accepted
	a.mu.Lock()
	a.stopping = true
	for st := range a.all {
		a.workers.Run(func() { st.part(ctx) })
	}
	a.mu.Unlock()
	a.wg.Wait()
	a.cancel()
	a.workers.Wait()
}

// part ends a stream in peace.
func (st *serving) part(ctx context.Context) {
	defer st.close()
	defer context.AfterFunc(ctx, st.close)()
	st.stop()
	mine, err := st.out.put(ctx, frameStart, func(dst []byte, _ uint64) []byte {
		return appendHead(dst, frameHead{kind: kindFarewell})
	})
	if err != nil {
		return
	}
	if mine {
		st.out.drain()
	}
	select {
	case <-st.done:
	case <-st.gone:
		return
	case <-ctx.Done():
		return
	}
	late := time.NewTimer(partingTime)
	defer late.Stop()
	select {
	case <-late.C:
	case <-st.gone:
	case <-ctx.Done():
	}
}

func (st *serving) close() { st.out.conn.Close() }

func (st *serving) stop() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.stopping = true
	if st.under == 0 {
		close(st.done)
	}
}

// hold counts a call that is under way, until let. It reports false for one that may not be begun any more.
func (st *serving) hold() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.under++
	return !st.stopping
}

func (st *serving) let() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.under--
	if !st.stopping || st.under > 0 {
		return
	}
	select {
	case <-st.done: // it was a refusal since
	default:
		close(st.done)
	}
}

// unused reports whether no call is under way, and nothing was heard for long.
func (st *serving) unused(times int) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return times >= serverPatience && st.under == 0
}

// serve begins the calls of a stream until it ends.
func (st *serving) serve() error {
	for {
		h, err := st.in.next()
		if err != nil {
			return ended(err)
		}
		places := st.server.placesOf(h.kind)
		if places == nil || h.size > maxAsk {
			return fmt.Errorf("%s of %d bytes instead of a call", h.kind, h.size)
		}
		if err := st.begin(h, places); err != nil {
			return err
		}
	}
}

// ended returns nil for the ways in which a stream ends that was not in use.
func ended(err error) error {
	if err == io.EOF || errors.Is(err, net.ErrClosed) || err == errUnused {
		return nil
	}
	return err
}

// placesOf returns the places of a kind of call; nil: it is none.
func (s *Server) placesOf(kind frameKind) chan struct{} {
	switch kind {
	case kindAdmit, kindAdmitChecked:
		return s.routed
	case kindCheck, kindApply:
		return s.calls
	}
	return nil
}

// begin begins a call, or refuses it. It reads the rest of its frame.
func (st *serving) begin(h frameHead, places chan struct{}) error {
	if !st.hold() {
		return st.refuse(h, errStopping)
	}
	select {
	case places <- struct{}{}:
	default:
		return st.refuse(h, st.server.busy("%s: %d calls are under way", h.kind, cap(places)))
	}
	t := st.server.accepted.tasks.Get().(*task)
	t.st, t.head, t.places = st, h, places
	var err error
	if t.rest, err = st.in.rest(h, t.buffer()); err != nil {
		<-places
		st.let()
		return err
	}
	st.server.accepted.workers.Run(t.run)
	return nil
}

// refuse answers a call that is not begun, of which no more is read than who calls.
func (st *serving) refuse(h frameHead, refusal *Error) error {
	data, err := st.in.Peek(min(h.size, maxCaller))
	caller, _, _ := parseCaller(h.kind, data)
	r := st.server.reply(&caller, false, refusal)
	if err == nil {
		err = st.in.skip(h)
	}
	if err != nil {
		st.let()
		return noEOF(err)
	}
	mine, err := st.put(h.call, &r)
	if !mine {
		st.let()
		return err
	}
	st.server.accepted.workers.Run(func() {
		defer st.let()
		st.out.drain()
	})
	return nil
}

// maxCaller is how many bytes of a frame are looked at for who calls.
const maxCaller = 512

func (st *serving) put(call uint64, r *reply) (mine bool, err error) {
	return st.out.put(st.ctx, frameStart+r.size(), func(dst []byte, _ uint64) []byte { return r.append(dst, call) })
}

// task is one call as the server works on it. It is used again, with its buffer.
type task struct {
	server *Server
	run    func() // serve
	st     *serving
	head   frameHead
	places chan struct{}
	rest   []byte
}

// buffer returns where the rest of the frame may be read to. What is admitted is still sent to others when the call has returned.
func (t *task) buffer() []byte {
	if t.head.kind == kindAdmit || t.head.kind == kindAdmitChecked || cap(t.rest) > maxKept {
		return nil
	}
	return t.rest[:0]
}

// serve works on the call, and answers it.
func (t *task) serve() {
	st := t.st
	defer st.let()
	a, err := parseAsk(t.head.kind, t.rest)
	replayed := false
	if err != nil {
		err = &Error{Code: Malformed, Detail: err.Error()}
	} else {
		replayed, err = t.server.do(st.ctx, &a)
	}
	if err != nil && asError(err).Code == Internal && st.ctx.Err() == nil {
		t.server.log.Error("peer call failed", "call", a.kind.String(), "error", err)
	}
	r := t.server.reply(&a, replayed, err)
	mine, _ := st.put(t.head.call, &r) // it fails for a stream that has ended
	<-t.places
	if t.buffer() == nil {
		t.rest = nil
	}
	t.st = nil
	t.server.accepted.tasks.Put(t)
	if mine {
		st.out.drain()
	}
}

// do does what is asked. A panic fails the call alone, as it does in net/http: what makes one node panic would make the next one, which
// the caller turns to.
func (s *Server) do(ctx context.Context, a *ask) (replayed bool, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Error("peer call panicked", "call", a.kind.String(), "cause", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	if refusal := s.strange(a.cluster); refusal != nil {
		return false, refusal
	}
	batches, err := a.written()
	if err != nil {
		return false, err
	}
	switch a.kind {
	case kindCheck:
		return s.Check(ctx, batches)
	case kindApply:
		return false, s.Apply(ctx, batches)
	}
	if a.wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.wait)
		defer cancel()
	}
	return s.Admit(ctx, a.kind == kindAdmitChecked, batches)
}

// reply returns the answer to what was asked. It comes after the effect, as introduce does. Strangers are told no roster.
func (s *Server) reply(a *ask, replayed bool, err error) reply {
	r := reply{store: s.introduction()}
	switch {
	case err != nil:
		refusal := asError(err)
		r.outcome, r.refusal = outcomeRefused, refusal.encode()
		if refusal.Code == Stranger {
			return r
		}
	case replayed:
		r.outcome = outcomeReplayed
	}
	if roster := s.Roster(); roster.Hash() != a.roster {
		r.roster, _ = json.Marshal(roster)
	}
	return r
}

// introduction returns who speaks.
func (s *Server) introduction() []byte {
	self := s.Self()
	said := s.accepted.said.Load()
	if said == nil || said.store != self {
		said = &introduction{formatStore(self), self}
		s.accepted.said.Store(said)
	}
	return []byte(said.text)
}
