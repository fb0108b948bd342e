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
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/semaphore"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/fairshare"
	"flowring/internal/trace"
	"flowring/node/peer/denial"
	"flowring/node/peer/idle"
	"flowring/node/peer/refused"
	"flowring/node/peer/stream"
	"flowring/node/peer/wire"
	"flowring/node/replica/late"
	"flowring/ring/roster"
	"flowring/router/admission"
	"flowring/store"
	"flowring/store/digest"
)

// Handler is the node behind the server. It refuses with errors of package contract.
type Handler interface {
	Self() roster.Store
	Roster() roster.Roster
	Offer() compat.Offer
	Hello(ctx context.Context, from Hello) (Hello, error)
	// Admit stores batches at the write quorum. replayed reports that all batches were stored before. checked says
	// that their posting was checked as a whole. Check returns the refusal of Admit without storing.
	Admit(ctx context.Context, checked bool, batches []flow.Written) (replayed bool, err error)
	// AdmitByKey is Admit for batches of which the key and the hour decide. known says that an earlier attempt stored a
	// part of their posting.
	AdmitByKey(ctx context.Context, known bool, batches []flow.Written) (replayed bool, err error)
	Check(ctx context.Context, batches []flow.Written) (replayed bool, err error)
	// Apply keeps batches in this store for a write. A batch whose ID is there under another dot counts as kept. All
	// batches are on disk when it returns nil; after an error some may be. Apply and Check must not retain the Bytes,
	// because the server reuses their buffer.
	Apply(ctx context.Context, batches []flow.Written) error
	// Look answers a look for a request of a closed hour, whose batches have no flows. roster is the hash of the
	// caller's roster.
	Look(round late.Round, roster string, batches []flow.Written) (yes bool, err error)
	// Flows opens the flows of a slice. The server writes no flows of an answer whose tag the reader knows.
	Flows(ctx context.Context, s flow.Slice, wanted Wanted) (Answer, error)
	// Digest returns the digest of a slice in this store. With a roster hash it refuses, unless this roster has the
	// hash and makes this store a replica of the slice.
	Digest(ctx context.Context, s flow.Slice, roster string) (DigestReply, error)
	// Digests returns the digests of the slices of the hours from <= hour < to in this store.
	Digests(ctx context.Context, from, to flow.Hour) (wire.Digests, error)
	// Query adds the slices of a call up. The result writes the frames of the answer. The server closes it.
	Query(ctx context.Context, call *wire.QueryCall) (QueryAnswer, error)
	Missing(ctx context.Context, s flow.Slice, have digest.Digest, fn func(frame []byte) error) error
	// Intake stores the frames of Missing of another store.
	Intake(s flow.Slice) (*store.Intake, error)
	Summary(ctx context.Context) (map[flow.Slice][16]byte, error)
	// Secure copies every batch of this store until the write quorum of established stores has it.
	Secure(ctx context.Context) error
	// Forget takes a store off the roster, for an operator. Drain takes this store off.
	Forget(ctx context.Context, id roster.StoreID, force bool) error
	Drain(ctx context.Context) error
}

// Wanted is a reader's request for the flows of a slice.
type Wanted struct {
	contract.Ask
	JSON    bool // the flows as JSON, to pass them on to a client; otherwise in parts, to merge them
	Columns bool // the parts as columns, which nodes of cluster version 2 understand
	Here    bool // from the called store, even if another one has fewer gaps
}

// Answer is the flows of a slice, ready to be streamed.
type Answer interface {
	contract.Answer

	// Parts returns the flows in parts of any size, sorted by key over all parts. After an error the flows are
	// incomplete. The caller calls Parts once, or WriteTo once for an answer in JSON.
	Parts() iter.Seq2[*flow.Batch, error]

	// Whole reports whether all parts share one table of names.
	Whole() bool

	// Ready reports whether the first part is available at once.
	Ready() bool
}

// QueryAnswer is the groups of a query, ready to be streamed.
type QueryAnswer interface {
	io.WriterTo
	io.Closer
}

// ServerConfig bounds the calls under way.
type ServerConfig struct {
	MaxCalls  int // plain calls, which wait for no other node; 0: 256
	MaxRouted int // routed calls (admissions and reads), which call other nodes; 0: 256

	// MaxBuffered limits the bytes of the bodies of all calls, except small ones; at least the largest batch.
	MaxBuffered int64
}

// ServerDeps are the collaborators of the server.
type ServerDeps struct {
	Handler Handler
	Log     *slog.Logger
	// CheckCaller returns why the caller of a request with this context may not claim a node's name and advertised host;
	// nil: no caller is checked.
	CheckCaller func(ctx context.Context, name, host string) error
}

// Server answers peers. Plain and routed calls have separate slots, because a routed call waits for plain calls on
// other nodes: with shared slots, two nodes full of routed calls would wait for each other.
type Server struct {
	Handler
	checkCaller func(ctx context.Context, name, host string) error
	log         *slog.Logger
	refusals    *refused.Log
	plainSlots  chan struct{}
	routedSlots chan struct{}
	room        *semaphore.Weighted // of large bodies
	mux         *http.ServeMux
	calls       []string // method and name of each call

	streams      *stream.Server
	shares       fairshare.Counter // of the streams, by address
	lastIdentity atomic.Pointer[identity]
	rooms        sync.Pool // of *room.Room
	closed       atomic.Pointer[Error]
	refused      atomic.Uint64
	stalled      atomic.Uint64
}

// NewServer returns the handler of the peer port.
func NewServer(cfg ServerConfig, deps ServerDeps) *Server {
	s := &Server{Handler: deps.Handler, checkCaller: deps.CheckCaller, log: deps.Log, mux: http.NewServeMux()}
	s.refusals = refused.New(deps.Log)
	if s.checkCaller == nil {
		s.checkCaller = func(context.Context, string, string) error { return nil }
	}
	s.plainSlots = make(chan struct{}, orDefault(cfg.MaxCalls, 256))
	s.routedSlots = make(chan struct{}, orDefault(cfg.MaxRouted, 256))
	s.room = semaphore.NewWeighted(max(cfg.MaxBuffered, wire.MaxAsk))
	helloSlots := make(chan struct{}, 64) // of their own, because heartbeats close circuit breakers
	rareSlots := make(chan struct{}, 8)
	s.handle("POST", "hello", helloSlots, s.hello)
	s.handle("GET", "flows", s.routedSlots, s.flows)
	s.handle("GET", "digest", s.plainSlots, s.digest)
	s.handle("GET", "digests", s.plainSlots, s.digests)
	s.handle("POST", "query", s.routedSlots, s.query)
	s.handle("POST", "missing", s.plainSlots, s.missing)
	s.handle("POST", "give", s.plainSlots, s.give)
	s.handle("GET", "summary", s.plainSlots, s.summary)
	s.handle("POST", "secure", rareSlots, s.secure)
	s.handle("POST", "forget", rareSlots, s.forget)
	s.handle("POST", "drain", rareSlots, s.drain)
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
		refusal.Write(w)
		return
	}
	if claimed := r.Header.Get(headerNode); claimed != "" {
		name, host, _ := strings.Cut(claimed, " ")
		if err := s.checkCaller(r.Context(), name, host); err != nil {
			denial.Of(contract.Stranger.Errorf("%w", err)).Write(w)
			return
		}
	}
	s.mux.ServeHTTP(w, r)
}

// Close makes the server refuse all calls. No stream may exist yet.
func (s *Server) Close(why error) { s.closed.Store(denial.Of(why)) }

// Calls returns the method and name of each call of the port, such as "POST hello".
func (s *Server) Calls() []string { return slices.Clone(s.calls) }

// register adds a call to the port.
func (s *Server) register(method, name string, serve http.HandlerFunc) {
	s.calls = append(s.calls, method+" "+name)
	s.mux.HandleFunc(method+" "+prefix+name, serve)
}

// handle registers one call. It limits the calls under way and the time without a byte, and refuses strangers.
func (s *Server) handle(method, name string, slots chan struct{}, call func(http.ResponseWriter, *http.Request) error) {
	shares := &fairshare.Counter{Max: cap(slots)} // of this call, because a slow body holds its slot
	limit := idle.Timeout
	if name == "flows" || name == "query" {
		limit = idle.ReaderTimeout
	}
	s.register(method, name, func(out http.ResponseWriter, r *http.Request) {
		setOffer(out.Header(), s.Offer()) // before the writer sends signs of life with these headers
		w := idle.NewAnswerWriter(out, limit, s.noteStall)
		defer w.Begin()
		from := admission.ClientAddr(r.RemoteAddr)
		if !shares.Enter(from) {
			s.introduce(w, r)
			s.busy("%s: too many calls of %s are under way", name, from).Write(w)
			return
		}
		defer shares.Leave(from)
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			s.introduce(w, r)
			s.busy("%s: %d calls are under way", name, cap(slots)).Write(w)
			return
		}
		if isNode(r.Header) {
			if refusal := checkOffer(r.Header, s.Offer()); refusal != nil {
				refusal.Write(w)
				return
			}
		}
		theirs := r.Header.Get(headerCluster)
		if refusal := s.refuseStranger(theirs); refusal != nil && (name != "hello" || s.Roster().Cluster() != "") {
			refusal.Write(w)
			return
		}
		r = r.WithContext(trace.With(r.Context(), trace.OfCall(r.Header)))
		if r.Body != http.NoBody {
			r.Body = w.RequestBody(r.Body)
		}
		if err := call(w, r); err != nil {
			s.writeError(w, r, name, err)
		}
	})
}

// refuseStranger refuses callers of other clusters. A node without a cluster refuses members of any cluster, except
// their heartbeats: other calls are meant for the former node at this address.
func (s *Server) refuseStranger(theirs string) *Error {
	mine := s.Roster().Cluster()
	switch {
	case theirs == "" || mine == theirs:
		return nil
	case mine == "":
		return denial.New(contract.Stranger, "this node belongs to no cluster, the caller to %s", theirs)
	}
	return denial.New(contract.Stranger, "this node belongs to cluster %s, the caller to %s", mine, theirs)
}

// busy returns the refusal of a call without a free slot, and counts it.
func (s *Server) busy(format string, args ...any) *Error {
	s.refused.Add(1)
	return denial.New(contract.Busy, format, args...)
}

// Refused returns the number of calls and streams refused for lack of a slot.
func (s *Server) Refused() uint64 { return s.refused.Load() }

func (s *Server) noteStall() { s.stalled.Add(1) }

// Stalled returns the number of calls ended because the caller sent and took no byte.
func (s *Server) Stalled() uint64 { return s.stalled.Load() }

// introduce adds this store to the headers, and its roster if the caller has another one. It runs after the effect of a
// call, so that the roster is not older than the effect.
func (s *Server) introduce(w http.ResponseWriter, r *http.Request) {
	roster := s.Roster()
	w.Header().Set(headerStore, wire.FormatStore(s.Self()))
	if hash := roster.Hash(); hash != r.Header.Get(headerRoster) {
		if value, err := json.Marshal(roster); err == nil {
			w.Header().Set(headerRosterValue, string(value))
		}
	}
}

func (s *Server) writeError(w http.ResponseWriter, r *http.Request, name string, err error) {
	if errors.Is(err, errAnswerBegun) { // only an aborted connection can still tell the caller
		s.log.DebugContext(r.Context(), "peer answer cut short", "call", name, "error", err)
		panic(http.ErrAbortHandler)
	}
	refusal := denial.Of(err)
	s.refusals.Note(r.Context(), name, refusal.Kind(), err)
	if refusal.Kind() != contract.Stranger { // strangers get no roster
		s.introduce(w, r)
	}
	refusal.Write(w)
}

// errAnswerBegun marks an error after the first byte of an answer.
var errAnswerBegun = errors.New("the answer has begun")

func (s *Server) hello(w http.ResponseWriter, r *http.Request) error {
	var from Hello
	if err := json.UnmarshalRead(io.LimitReader(r.Body, maxHello), &from); err != nil {
		return contract.Malformed.Errorf("hello: %w", err)
	}
	_, host, _ := strings.Cut(r.Header.Get(headerNode), " ")
	if err := s.checkCaller(r.Context(), from.Store.Name, host); err != nil {
		return contract.Stranger.Errorf("%w", err)
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
		JSON: asked.Get("as") == asJSON, Columns: asked.Get("as") == asColumns,
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
	if answer.Whole() {
		w.Header().Set(headerNames, namesOfSlice)
	}
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
	case wanted.Columns:
		err = wire.WriteColumns(w, answer.Parts())
	default:
		err = wire.WriteBatches(w, answer.Parts())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errAnswerBegun, err)
	}
	return nil
}

// The values of the parameter as, for flows in JSON and in columns.
const asJSON, asColumns = "json", "columns"

func (s *Server) digest(w http.ResponseWriter, r *http.Request) error {
	slice, err := wire.ParseSlice(r.URL.Query().Get("slice"))
	if err != nil {
		return contract.Malformed.Errorf("%w", err)
	}
	reply, err := s.Digest(r.Context(), slice, r.URL.Query().Get("roster"))
	if err != nil {
		return err
	}
	s.introduce(w, r)
	if reply.TakingOver {
		w.Header().Add(headerDoubt, doubtTakingOver)
	}
	if reply.Recovering {
		w.Header().Add(headerDoubt, doubtRecovering)
	}
	w.Write(reply.Digest.Encode())
	return nil
}

func (s *Server) digests(w http.ResponseWriter, r *http.Request) error {
	from, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	if err != nil {
		return contract.Malformed.Errorf("from: %w", err)
	}
	to, err := strconv.ParseInt(r.URL.Query().Get("to"), 10, 64)
	if err != nil {
		return contract.Malformed.Errorf("to: %w", err)
	}
	digests, err := s.Digests(r.Context(), flow.Hour(from), flow.Hour(to))
	if err != nil {
		return err
	}
	s.introduce(w, r)
	w.Write(digests.Append(nil))
	return nil
}

func (s *Server) query(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxQuery))
	if err != nil {
		return contract.Malformed.Errorf("query: %w", err)
	}
	call, err := wire.ParseQueryCall(body)
	if err != nil {
		return contract.Malformed.Errorf("query: %w", err)
	}
	answer, err := s.Query(r.Context(), &call)
	if err != nil {
		return err
	}
	defer answer.Close()
	s.introduce(w, r)
	if _, err := answer.WriteTo(w); err != nil {
		return fmt.Errorf("%w: %w", errAnswerBegun, err)
	}
	return nil
}

func (s *Server) missing(w http.ResponseWriter, r *http.Request) error {
	slice, err := wire.ParseSlice(r.URL.Query().Get("slice"))
	if err != nil {
		return contract.Malformed.Errorf("%w", err)
	}
	body := &wire.RoomReader{Reader: r.Body, Room: s.room}
	defer body.Release()
	have, err := readDigest(body)
	switch {
	case errors.Is(err, stream.ErrNoRoom):
		return s.busy("missing: %v", err)
	case err != nil:
		return contract.Malformed.Errorf("%w", err)
	}
	s.introduce(w, r)
	err = s.Missing(r.Context(), slice, have, func(frame []byte) error { return wire.WriteFrame(w, frame) })
	if err == nil {
		err = wire.WriteFrame(w, nil)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errAnswerBegun, err)
	}
	return nil
}

// give stores the frames of the body.
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
	body := &wire.RoomReader{Reader: r.Body, Room: s.room}
	defer body.Release()
	err = wire.ReadFrames(bufio.NewReaderSize(body, 64<<10), nil, func(frame []byte) error {
		defer body.Release()
		return in.Add(frame)
	})
	if errors.Is(err, stream.ErrNoRoom) {
		err = s.busy("give: %v", err)
	}
	return s.writeEmpty(w, r, err)
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
	return s.writeEmpty(w, r, s.Secure(r.Context()))
}

func (s *Server) forget(w http.ResponseWriter, r *http.Request) error {
	id, err := roster.ParseStoreID(r.URL.Query().Get("store"))
	if err != nil {
		return contract.Malformed.Errorf("%w", err)
	}
	return s.writeEmpty(w, r, s.Forget(r.Context(), id, r.URL.Query().Get("force") == "true"))
}

func (s *Server) drain(w http.ResponseWriter, r *http.Request) error {
	return s.writeEmpty(w, r, s.Drain(r.Context()))
}

// writeEmpty writes an answer without a body, unless err is set.
func (s *Server) writeEmpty(w http.ResponseWriter, r *http.Request, err error) error {
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
