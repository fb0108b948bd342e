package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/node/replica/late"
	"flowring/node/replica/owners"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// world is a cluster without a network: every store is real and in memory, and the test decides the answers of its
// node. The address of a node is its name.
type world struct {
	mu      sync.Mutex
	roster  roster.Roster
	sites   map[string]*site // by name
	self    string           // whose Replicas are tested
	version compat.Version   // on in the cluster; 0: compat.Newest
	sent    []string         // frames that Missing has sent, by address and slice
	waits   bool             // BeginAdmit has to wait
}

// site is one node and its store.
type site struct {
	roster.Store
	held *store.Store

	unheard    bool          // its last call failed
	gone       bool          // and so did those before
	busy       bool          // another attempt of each request is under way
	hang       bool          // it does not answer before the caller gives up
	idle       bool          // its bodies, sent or received, stop and end the call after 4 s
	slow       time.Duration // before each frame that it sends
	cut        int           // the frames of a body before it breaks off; 0: all
	hangs      string        // likewise, at the calls of this name
	fails      string        // calls of this name break off
	fail       error         // of every call, without an effect
	lost       bool          // calls have their effect, and fail
	before     func()        // runs before the effect of each Apply or Digest
	then       func()        // runs after each Digest
	answers    roster.Store  // the store that answers instead of this site's
	replayed   bool          // the result of Admit and Check
	full       error         // the refusal of Check; a later admission succeeds
	takingOver bool          // part of every Digest
	recovering bool          // part of every Digest
	asked      []string      // calls, in order
	batches    []flow.Batch  // seen by Admit, Check and Apply
}

// errRefused is a refused connection: the call cannot have had an effect.
var errRefused = errors.New("connection refused")

var errBroken = errors.New("connection reset")

// errIdle is a body without a byte for 4 s.
var errIdle = errors.New("idle")

// idles waits as long as the client of a vanished peer.
func (s *site) idles(ctx context.Context) error {
	select {
	case <-time.After(4 * time.Second):
		return errIdle
	case <-ctx.Done():
		return ctx.Err()
	}
}

func unheard(err error) bool {
	return errors.Is(err, errIdle) || errors.Is(err, errRefused) || errors.Is(err, context.DeadlineExceeded)
}

// newWorld returns established stores on nodes of these names; the first is the one tested.
func newWorld(names ...string) *world {
	w := &world{sites: map[string]*site{}, self: names[0]}
	for _, name := range names {
		w.add(name, true)
	}
	return w
}

func (w *world) add(name string, established bool) *site {
	s := &site{
		Store: roster.Store{ID: roster.NewStoreID(), Name: name, Established: established},
		held:  store.New(store.Config{}, store.Deps{Journal: newMemory()}),
	}
	w.sites[name] = s
	w.mark(s.Store)
	return s
}

func (w *world) mark(s roster.Store) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.roster = w.roster.With(s)
}

// Self implements Cluster.
func (w *world) Self() roster.Store {
	s, _ := w.Roster().Get(w.sites[w.self].ID)
	return s
}

// Roster implements Cluster.
func (w *world) Roster() roster.Roster {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.roster
}

// Ring implements Cluster.
func (w *world) Version() compat.Version { return cmp.Or(w.version, compat.Newest) }

func (w *world) Ring() *ring.Ring { return ring.New(w.Roster().Members(), 1) }

// Addr implements Cluster.
func (w *world) Addr(id roster.StoreID) string {
	for name, s := range w.sites {
		if s.ID == id {
			return name
		}
	}
	return ""
}

// Heard implements Peers.
func (w *world) Heard(addr string) bool { return !w.sites[addr].unheard }

// Gone implements Peers.
func (w *world) Gone(addr string) bool { return w.sites[addr].gone }

// call records a call and decides whether it has an effect.
func (w *world) call(ctx context.Context, addr, name string, batches ...[]byte) (*site, error) {
	s := w.sites[addr]
	w.mu.Lock()
	s.asked = append(s.asked, name)
	for _, batch := range batches {
		if b, err := flow.ParseBatch(batch); err == nil {
			s.batches = append(s.batches, *b)
		}
	}
	w.mu.Unlock()
	if s.fails == name {
		return s, errBroken
	}
	if s.hang || s.hangs == name {
		<-ctx.Done()
		return s, ctx.Err()
	}
	return s, s.fail
}

// after decides whether the caller learns of an effect.
func (s *site) after() (roster.Store, error) {
	from := s.Store
	if s.answers != (roster.Store{}) {
		from = s.answers
	}
	if s.lost {
		return roster.Store{}, errBroken
	}
	return from, nil
}

func (s *site) keep(batch []byte) error {
	b, err := flow.ParseBatch(batch)
	if err == nil {
		err = s.held.Apply(flow.Written{Batch: b, Bytes: batch})
	}
	return err
}

// Admit implements Peers.
func (w *world) Admit(ctx context.Context, addr string, _ bool, posting flow.ID, batches ...[]byte) (bool, error) {
	s, err := w.call(ctx, addr, "admit", batches...)
	for _, batch := range batches {
		if err == nil {
			err = s.keep(batch)
		}
	}
	if err == nil {
		_, err = s.after()
	}
	return s.replayed, err
}

// BeginAdmit implements Peers, by Admit in another goroutine.
func (w *world) BeginAdmit(
	ctx context.Context, addr string, checked bool, posting flow.ID, batches ...[]byte,
) owners.Pending {
	if w.waits {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &pendingAdmit{arrived: make(chan struct{}, 1), cancel: cancel}
	go func() {
		defer cancel()
		p.replayed, p.err = w.Admit(ctx, addr, checked, posting, batches...)
		p.arrived <- struct{}{}
	}()
	return p
}

type pendingAdmit struct {
	arrived  chan struct{}
	cancel   func()
	replayed bool
	err      error
}

func (p *pendingAdmit) Arrived() <-chan struct{} { return p.arrived }
func (p *pendingAdmit) Result() (bool, error)    { return p.replayed, p.err }
func (p *pendingAdmit) GiveUp(error)             { p.cancel() }

// Look implements Peers.
func (w *world) Look(
	ctx context.Context, addr string, round late.Round, _ flow.ID, batches ...[]byte,
) (from roster.Store, yes bool, err error) {
	s, err := w.call(ctx, addr, "look", batches...)
	if err == nil {
		from, err = s.after()
	}
	if err != nil || round == late.UnderWay {
		return from, s.busy, err
	}
	for _, batch := range batches {
		b, err := flow.ParseBatch(batch)
		if err != nil {
			return from, false, err
		}
		if held, err := s.held.Holds(flow.Written{Batch: b}); held || err != nil {
			return from, held, err
		}
	}
	return from, false, nil
}

// AdmitByKey implements Peers.
func (w *world) AdmitByKey(ctx context.Context, addr string, _ bool, batches ...[]byte) (bool, error) {
	return w.Admit(ctx, addr, false, flow.ID{}, batches...)
}

// Check implements Peers.
func (w *world) Check(ctx context.Context, addr string, posting flow.ID, batches ...[]byte) (bool, error) {
	s, err := w.call(ctx, addr, "check", batches...)
	if err == nil {
		err = s.full
	}
	return s.replayed, err
}

// Apply implements Peers.
func (w *world) Apply(ctx context.Context, addr string, batches ...[]byte) (roster.Store, error) {
	s, err := w.call(ctx, addr, "apply", batches...)
	if err != nil {
		return roster.Store{}, err
	}
	if s.before != nil {
		s.before()
	}
	for _, batch := range batches {
		if err := s.keep(batch); err != nil {
			return roster.Store{}, err
		}
	}
	return s.after()
}

// Digest implements Peers.
func (w *world) Digest(ctx context.Context, addr string, sl flow.Slice, roster string) (DigestReply, error) {
	s, err := w.call(ctx, addr, "digest", nil)
	if err != nil {
		return DigestReply{}, err
	}
	if s.before != nil {
		s.before()
	}
	if roster != "" && roster != w.Roster().Hash() {
		return DigestReply{}, errors.New("another roster")
	}
	d, err := s.held.Digest(sl)
	if err != nil {
		return DigestReply{}, err
	}
	from, err := s.after()
	if s.then != nil {
		s.then()
	}
	return DigestReply{From: from, Digest: d, TakingOver: s.takingOver, Recovering: s.recovering}, err
}

// Secure implements Peers.
func (w *world) Secure(ctx context.Context, addr string) (roster.Store, error) {
	s, err := w.call(ctx, addr, "secure", nil)
	if err != nil {
		return roster.Store{}, err
	}
	return s.after()
}

// Missing implements Peers.
func (w *world) Missing(ctx context.Context, addr string, sl flow.Slice, have digest.Digest, fn func([]byte) error) error {
	s, err := w.call(ctx, addr, "missing", nil)
	if err != nil {
		return err
	}
	frames := 0
	return s.held.Missing(sl, have, func(frame []byte) error {
		switch frames++; {
		case s.idle:
			return s.idles(ctx)
		case s.cut > 0 && frames > s.cut:
			return errBroken
		}
		time.Sleep(s.slow)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.mu.Lock()
		w.sent = append(w.sent, addr+" "+sl.String())
		w.mu.Unlock()
		return fn(frame)
	})
}

// Give implements Peers.
func (w *world) Give(ctx context.Context, addr string, sl flow.Slice, frames func(func([]byte) error) error) (roster.Store, error) {
	s, err := w.call(ctx, addr, "give", nil)
	if err != nil {
		return roster.Store{}, err
	}
	if s.idle {
		return roster.Store{}, s.idles(ctx)
	}
	in := s.held.Intake(sl)
	defer in.Close()
	if err := frames(in.Add); err != nil {
		return roster.Store{}, err
	}
	return s.after()
}

// Summary implements Peers.
func (w *world) Summary(ctx context.Context, addr string) (roster.Store, map[flow.Slice][16]byte, error) {
	s, err := w.call(ctx, addr, "summary", nil)
	if err != nil {
		return roster.Store{}, nil, err
	}
	sums := map[flow.Slice][16]byte{}
	for _, sl := range s.held.Slices() {
		d, err := s.held.Digest(sl)
		if err != nil {
			return roster.Store{}, nil, err
		}
		sums[sl] = d.Sum()
	}
	from, err := s.after()
	return from, sums, err
}

// written returns a batch as Admit takes it.
func written(b *flow.Batch) []flow.Written { return []flow.Written{{Batch: b, Bytes: b.Encode()}} }

// replicas returns the Replicas of the world's own node.
func (w *world) replicas(t testing.TB, cfg Config) *Replicas {
	t.Helper()
	r := New(77, cfg, Deps{
		Log: slog.New(slog.DiscardHandler), Cluster: w, Peers: w, Store: w.sites[w.self].held,
		NotSent: func(err error) bool { return errors.Is(err, errRefused) || refused(err) }, Silent: unheard,
	})
	r.MarkRecovered()
	r.settle(w.Ring())
	t.Cleanup(r.Stop)
	return r
}

// holders returns the names of the nodes with a dot of a slice, sorted.
func (w *world) holders(t testing.TB, s flow.Slice, dot flow.Dot) []string {
	t.Helper()
	var names []string
	for name, site := range w.sites {
		if d, err := site.held.Digest(s); err != nil {
			t.Fatal(err)
		} else if d.Has(dot) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// sliceOf returns a slice whose list begins with the nodes of these names.
func (w *world) sliceOf(t testing.TB, first ...string) flow.Slice {
	t.Helper()
	on := w.Ring()
	for hour := range flow.Hour(20000) {
		if s := (flow.Slice{Hour: hour}); slices.Equal(on.Candidates(s)[:len(first)], first) {
			return s
		}
	}
	t.Fatalf("no slice is placed on %v", first)
	return flow.Slice{}
}

// batchOf returns a batch of a slice, with one flow of tx bytes, and a dot.
func batchOf(t testing.TB, s flow.Slice, dot flow.Dot, tx int64) *flow.Batch {
	t.Helper()
	p := posting(t, tx, s)
	p.Batches[0].Dot = dot
	return p.Batches[0]
}

// posting returns a posting with a batch for each slice.
func posting(t testing.TB, tx int64, in ...flow.Slice) *flow.Posting {
	t.Helper()
	var records []flow.Record
	for _, s := range in {
		records = append(records, flow.Record{
			Key: flow.Key{SrcApp: "s", DestApp: "d", VPCID: "v"}, Totals: flow.Totals{BytesTx: tx}, Hour: s.Hour,
		})
	}
	p, err := flow.AddUp(records)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// put stores a batch at a site.
func (s *site) put(t testing.TB, b *flow.Batch) {
	t.Helper()
	if err := s.keep(b.Encode()); err != nil {
		t.Fatal(err)
	}
}

func dot(seq uint64) flow.Dot { return flow.Dot{Origin: 5, Seq: seq} }

// show returns a list of names as in a message.
func show(names []string) string { return fmt.Sprint(names) }
