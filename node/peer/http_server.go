package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer/idle"
	"flowring/node/peer/stream"
	"flowring/node/peer/wire"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// Handler is what the server asks of its node. Refusals are *Error.
type Handler interface {
	Self() roster.Store
	Roster() roster.Roster
	Hello(ctx context.Context, from Hello) (Hello, error)
	// Admit stores batches as the write quorum asks; replayed says that all of them were seen before. checked says
	// that they are part of a posting that was checked as a whole. Check says whether Admit would refuse.
	Admit(ctx context.Context, checked bool, batches []flow.Written) (replayed bool, err error)
	Check(ctx context.Context, batches []flow.Written) (replayed bool, err error)
	// Apply keeps batches here for a write: an ID held under another dot is as good as held. All of them are on disk
	// when it returns nil; after an error some may be. The Bytes are those of a buffer that is used again, here as
	// for Check: they must not be retained.
	Apply(ctx context.Context, batches []flow.Written) error
	// Flows opens a slice's flows. Nothing is written of an answer whose tag is wanted.Known.
	Flows(ctx context.Context, s flow.Slice, wanted Wanted) (Answer, error)
	// Digest says what is held of a slice. With a roster hash it answers only if that is its roster and this store is
	// one of the slice's replicas by it.
	Digest(ctx context.Context, s flow.Slice, roster string) (Voice, error)
	Missing(ctx context.Context, s flow.Slice, have digest.Digest, fn func(frame []byte) error) error
	// Intake takes in what Missing gives elsewhere.
	Intake(s flow.Slice) (*store.Intake, error)
	Summary(ctx context.Context) (map[flow.Slice][16]byte, error)
	// Secure puts every batch held here on as many established stores as the write quorum asks.
	Secure(ctx context.Context) error
	// Forget takes a store off the roster, as an operator asks; Drain does so with this store.
	Forget(ctx context.Context, id roster.StoreID, force bool) error
	Drain(ctx context.Context) error
}

// Wanted is a reader's request for the flows of a slice.
type Wanted struct {
	contract.Ask
	JSON bool // as they are answered to clients, to be passed on; else in parts, to be merged
	Here bool // from the store that is asked, even if another one lacks less
}

// Answer is a slice's flows, ready to be streamed.
type Answer interface {
	contract.Answer

	// Parts returns the flows, sorted by key, in parts of as many as one likes. After an error there is nothing more:
	// what came before it is not all. It may be called once, and instead of it WriteTo, of an answer that was wanted
	// in JSON.
	Parts() iter.Seq2[*flow.Batch, error]

	// Ready reports whether the first part comes at once.
	Ready() bool
}

// ServerConfig bounds what peers may ask at once.
type ServerConfig struct {
	MaxCalls  int // calls under way that wait for no other node; 0: 256
	MaxRouted int // admissions and reads under way, which themselves call others; 0: 256
}

// ServerDeps are the collaborators of the server.
type ServerDeps struct {
	Handler Handler
	Log     *slog.Logger
}

// Server answers peers. The two bounds are apart because a routed call waits for plain calls on other nodes: were
// they one, two nodes full of routed calls would wait for each other.
type Server struct {
	Handler
	log    *slog.Logger
	calls  chan struct{}
	routed chan struct{}
	mux    *http.ServeMux

	streams      *stream.Server
	lastIdentity atomic.Pointer[identity]
	closed       atomic.Pointer[Error]
	refused      atomic.Uint64
	stalled      atomic.Uint64
}

// NewServer returns the handler of the peer port.
func NewServer(cfg ServerConfig, deps ServerDeps) *Server {
	s := &Server{Handler: deps.Handler, log: deps.Log, mux: http.NewServeMux()}
	s.calls = make(chan struct{}, orDefault(cfg.MaxCalls, 256))
	s.routed = make(chan struct{}, orDefault(cfg.MaxRouted, 256))
	hellos := make(chan struct{}, 64) // never behind data: a greeting is what closes circuit breakers
	rare := make(chan struct{}, 8)
	s.handle("POST", "hello", hellos, s.hello)
	s.handle("GET", "flows", s.routed, s.flows)
	s.handle("GET", "digest", s.calls, s.digest)
	s.handle("POST", "missing", s.calls, s.missing)
	s.handle("POST", "give", s.calls, s.give)
	s.handle("GET", "summary", s.calls, s.summary)
	s.handle("POST", "secure", rare, s.secure)
	s.handle("POST", "forget", rare, s.forget)
	s.handle("POST", "drain", rare, s.drain)
	s.initStreams()
	return s
}

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refusal := s.closed.Load(); refusal != nil {
		refusal.write(w)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Close makes the server refuse every call from now on. It must come before the first stream.
func (s *Server) Close(why error) { s.closed.Store(asError(why)) }

// handle routes one call: who speaks is said, strangers are refused, places are bounded, and so is the time without a
// byte.
func (s *Server) handle(method, name string, places chan struct{}, call func(http.ResponseWriter, *http.Request) error) {
	limit := idle.Timeout
	if name == "flows" {
		limit = idle.ReaderTimeout
	}
	s.mux.HandleFunc(method+" "+prefix+name, func(out http.ResponseWriter, r *http.Request) {
		w := idle.NewAnswerWriter(out, limit, s.stall)
		defer w.Begin()
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			s.introduce(w, r)
			s.busy("%s: %d calls are under way", name, cap(places)).write(w)
			return
		}
		theirs := r.Header.Get(headerCluster)
		if refusal := s.strange(theirs); refusal != nil && (name != "hello" || s.Roster().Cluster() != "") {
			refusal.write(w)
			return
		}
		if r.Body != http.NoBody {
			r.Body = w.RequestBody(r.Body)
		}
		if err := call(w, r); err != nil {
			s.fail(w, r, name, err)
		}
	})
}

// strange refuses callers of other clusters. At a node of no cluster a member of one has no more to do than to greet
// it: the call is meant for a node that was at this address before.
func (s *Server) strange(theirs string) *Error {
	mine := s.Roster().Cluster()
	switch {
	case theirs == "" || mine == theirs:
		return nil
	case mine == "":
		return newError(contract.Stranger, "this node belongs to no cluster, the caller to %s", theirs)
	}
	return newError(contract.Stranger, "this node belongs to cluster %s, the caller to %s", mine, theirs)
}

// busy refuses a call for which there is no place.
func (s *Server) busy(format string, args ...any) *Error {
	s.refused.Add(1)
	return newError(contract.Busy, format, args...)
}

// Refused returns how many calls, and streams, were refused as there were too many.
func (s *Server) Refused() uint64 { return s.refused.Load() }

func (s *Server) stall() { s.stalled.Add(1) }

// Stalled returns how many calls were given up because the caller sent and took no byte.
func (s *Server) Stalled() uint64 { return s.stalled.Load() }

// introduce says who answers, and what roster it has where the caller's differs. It comes after the effect of a call
// and before its answer, so that the roster is one that the effect was made under, or a later one.
func (s *Server) introduce(w http.ResponseWriter, r *http.Request) {
	roster := s.Roster()
	w.Header().Set(headerStore, wire.FormatStore(s.Self()))
	if hash := roster.Hash(); hash != r.Header.Get(headerRoster) {
		if value, err := json.Marshal(roster); err == nil {
			w.Header().Set(headerRosterValue, string(value))
		}
	}
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, name string, err error) {
	if errors.Is(err, errStreaming) { // the answer has begun: only cutting it off says that it is not whole
		s.log.Debug("peer answer cut short", "call", name, "error", err)
		panic(http.ErrAbortHandler)
	}
	refusal := asError(err)
	if refusal.row() == contract.Internal && r.Context().Err() == nil {
		s.log.Error("peer call failed", "call", name, "error", err)
	}
	if refusal.row() != contract.Stranger { // who is told no roster
		s.introduce(w, r)
	}
	refusal.write(w)
}

// errStreaming marks an error after the first byte of an answer.
var errStreaming = errors.New("answer under way")

func (s *Server) hello(w http.ResponseWriter, r *http.Request) error {
	var from Hello
	if err := json.UnmarshalRead(io.LimitReader(r.Body, maxHello), &from); err != nil {
		return contract.Malformed.Errorf("hello: %w", err)
	}
	answer, err := s.Hello(r.Context(), from)
	if err != nil {
		return err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	w.Header().Set(headerStore, wire.FormatStore(s.Self()))
	w.Write(body)
	return nil
}

func (s *Server) flows(w http.ResponseWriter, r *http.Request) error {
	slice, err := wire.ParseSlice(r.URL.Query().Get("slice"))
	if err != nil {
		return contract.Malformed.Errorf("%w", err)
	}
	asked := r.URL.Query()
	wanted := Wanted{
		Ask:  contract.Ask{Need: contract.ParseNeed(asked.Get("need")), Known: wire.ParseTags(asked.Get("known"))},
		JSON: asked.Get("as") == asJSON,
		Here: asked.Get("here") == "true",
	}
	answer, err := s.Flows(r.Context(), slice, wanted)
	if err != nil {
		return err
	}
	defer answer.Close()
	s.introduce(w, r)
	w.Header().Set(headerComplete, answer.Complete().String())
	w.Header().Set(headerTag, string(answer.Tag()))
	if wanted.Knows(answer.Tag()) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if !answer.Ready() { // the caller need not ask another store meanwhile
		err = http.NewResponseController(w).Flush()
	}
	switch {
	case err != nil:
	case wanted.JSON:
		_, err = answer.WriteTo(w)
	default:
		err = writeParts(w, answer)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errStreaming, err)
	}
	return nil
}

// asJSON asks for flows in JSON.
const asJSON = "json"

// writeParts writes the flows of an answer as frames, as many at a time as there are in sendBuffer.
func writeParts(w io.Writer, answer Answer) error {
	var buf []byte
	for part, err := range answer.Parts() {
		if err != nil {
			return err
		}
		if buf = wire.AppendFrame(buf, part); len(buf) < sendBuffer {
			continue
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
	}
	_, err := w.Write(wire.AppendEnd(buf))
	return err
}

// sendBuffer is how many bytes of an answer are sent at a time, and more: for fewer, to call the kernel would cost
// more than to copy.
const sendBuffer = 128 << 10

func (s *Server) digest(w http.ResponseWriter, r *http.Request) error {
	slice, err := wire.ParseSlice(r.URL.Query().Get("slice"))
	if err != nil {
		return contract.Malformed.Errorf("%w", err)
	}
	voice, err := s.Digest(r.Context(), slice, r.URL.Query().Get("roster"))
	if err != nil {
		return err
	}
	s.introduce(w, r)
	if voice.TakingOver {
		w.Header().Add(headerDoubt, doubtTakingOver)
	}
	if voice.Recovering {
		w.Header().Add(headerDoubt, doubtRecovering)
	}
	w.Write(voice.Digest.Encode())
	return nil
}

func (s *Server) missing(w http.ResponseWriter, r *http.Request) error {
	slice, err := wire.ParseSlice(r.URL.Query().Get("slice"))
	if err != nil {
		return contract.Malformed.Errorf("%w", err)
	}
	have, err := readDigest(r.Body)
	if err != nil {
		return contract.Malformed.Errorf("%w", err)
	}
	s.introduce(w, r)
	err = s.Missing(r.Context(), slice, have, func(frame []byte) error { return wire.WriteFrame(w, frame) })
	if err == nil {
		err = wire.WriteFrame(w, nil)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errStreaming, err)
	}
	return nil
}

// give takes in a stream of frames.
func (s *Server) give(w http.ResponseWriter, r *http.Request) error {
	slice, err := wire.ParseSlice(r.URL.Query().Get("slice"))
	if err != nil {
		return contract.Malformed.Errorf("%w", err)
	}
	in, err := s.Intake(slice)
	if err != nil {
		return err
	}
	defer in.Close()
	err = wire.ReadFrames(bufio.NewReaderSize(r.Body, 64<<10), nil, in.Add)
	return s.done(w, r, err)
}

func (s *Server) summary(w http.ResponseWriter, r *http.Request) error {
	sums, err := s.Summary(r.Context())
	if err != nil {
		return err
	}
	s.introduce(w, r)
	for slice, sum := range sums {
		wire.WriteSum(w, slice, sum)
	}
	return nil
}

func (s *Server) secure(w http.ResponseWriter, r *http.Request) error {
	return s.done(w, r, s.Secure(r.Context()))
}

func (s *Server) forget(w http.ResponseWriter, r *http.Request) error {
	id, err := roster.ParseStoreID(r.URL.Query().Get("store"))
	if err != nil {
		return contract.Malformed.Errorf("%w", err)
	}
	return s.done(w, r, s.Forget(r.Context(), id, r.URL.Query().Get("force") == "true"))
}

func (s *Server) drain(w http.ResponseWriter, r *http.Request) error {
	return s.done(w, r, s.Drain(r.Context()))
}

// done answers a call whose answer has no body.
func (s *Server) done(w http.ResponseWriter, r *http.Request, err error) error {
	if err == nil {
		s.introduce(w, r)
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func readDigest(r io.Reader) (digest.Digest, error) {
	data, err := io.ReadAll(io.LimitReader(r, wire.MaxBatch))
	if err != nil {
		return digest.Digest{}, fmt.Errorf("digest: %w", err)
	}
	return digest.Parse(data)
}
