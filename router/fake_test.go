package router

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
)

// fake is a Cluster of one map. A hook replaces the method of its name.
type fake struct {
	onPost     func(ctx context.Context, p *flow.Posting) (bool, error)
	onGet      func(ctx context.Context, hour flow.Hour, ask contract.Ask) (contract.Answer, error)
	onQuery    func(ctx context.Context, spec *query.Spec, ask contract.Ask) (contract.Rows, error)
	onHours    func(ctx context.Context, from, to flow.Hour, ask contract.Ask) (contract.Hours, error)
	onNames    func(ctx context.Context, ask contract.NamesAsk) (contract.Names, error)
	ready      error
	unwritable error
	members    MembersView

	mu     sync.Mutex
	hours  map[flow.Hour]map[flow.Key]flow.Totals
	byKey  map[keyOfHour]flow.ID // the ID of the first batch of an hour with a key
	posted int                   // number of applied postings
}

func newFake() *fake {
	return &fake{hours: map[flow.Hour]map[flow.Key]flow.Totals{}, byKey: map[keyOfHour]flow.ID{}, members: exampleMembers()}
}

func (f *fake) Post(ctx context.Context, p *flow.Posting) (bool, error) {
	if f.onPost != nil {
		return f.onPost(ctx, p)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	replayed := true
	for _, b := range p.Batches {
		before, ok := f.byKey[keyOfHour{b.Key, b.Slice.Hour}]
		if ok && before != b.ID {
			return false, contract.KeyReused
		}
		replayed = replayed && ok
	}
	if replayed {
		return true, nil
	}
	return false, f.apply(p)
}

// keyOfHour identifies a request at the owner of an hour, which does not see other hours.
type keyOfHour struct {
	key  flow.ID
	hour flow.Hour
}

func (f *fake) apply(p *flow.Posting) error {
	for _, b := range p.Batches {
		for i := range b.Len() {
			if _, saturated := f.hours[b.Slice.Hour][b.FlowKey(i)].Add(b.Totals(i)); saturated {
				return fmt.Errorf("hour %d: %w", b.Slice.Hour, contract.Overflow)
			}
		}
	}
	f.posted++
	for _, b := range p.Batches {
		if !b.Key.IsZero() {
			f.byKey[keyOfHour{b.Key, b.Slice.Hour}] = b.ID
		}
		if f.hours[b.Slice.Hour] == nil {
			f.hours[b.Slice.Hour] = map[flow.Key]flow.Totals{}
		}
		for i := range b.Len() {
			totals := f.hours[b.Slice.Hour]
			totals[b.FlowKey(i)], _ = totals[b.FlowKey(i)].Add(b.Totals(i))
		}
	}
	return nil
}

func (f *fake) Get(ctx context.Context, hour flow.Hour, ask contract.Ask) (contract.Answer, error) {
	if f.onGet != nil {
		return f.onGet(ctx, hour, ask)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	array := []byte{'['}
	for i, k := range slices.SortedFunc(maps.Keys(f.hours[hour]), flow.Key.Compare) {
		if i > 0 {
			array = append(array, ',')
		}
		array = flow.AppendRecord(array, flow.Record{Key: k, Totals: f.hours[hour][k], Hour: hour})
	}
	answer := &fakeAnswer{complete: contract.Complete, tag: contract.Tag(fmt.Sprintf("%x", sha256.Sum256(array))[:22]), chunks: []string{string(array), "]\n"}}
	if ask.Knows(answer.tag) {
		answer.chunks, answer.err = nil, errors.New("there is nothing to write")
	}
	return answer, nil
}

func (f *fake) applied() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.posted
}

func (f *fake) Members() MembersView { return f.members }
func (f *fake) Ready() error         { return f.ready }

func (f *fake) ReadyToWrite() error { return f.unwritable }

// fakeAnswer writes its chunks, then fails with err.
type fakeAnswer struct {
	complete contract.Completeness
	tag      contract.Tag
	chunks   []string
	err      error
	closed   bool
}

func (a *fakeAnswer) Complete() contract.Completeness { return a.complete }
func (a *fakeAnswer) Tag() contract.Tag               { return a.tag }
func (a *fakeAnswer) Close() error                    { a.closed = true; return nil }
func (a *fakeAnswer) WriteTo(w io.Writer) (n int64, err error) {
	for _, c := range a.chunks {
		m, err := io.WriteString(w, c)
		if n += int64(m); err != nil {
			return n, err
		}
	}
	return n, a.err
}

func exampleMembers() MembersView {
	addresses := Addresses{HTTP: "127.0.0.1:8080", Peer: "127.0.0.1:8081", Gossip: "127.0.0.1:7946"}
	return MembersView{
		Cluster: "c", Node: "n1",
		Members: []Member{{Name: "n1", State: "alive", Store: "s1", Established: true, Addresses: addresses, Partitions: 1021}},
		Ring:    RingView{1021, 100, 3, 1, 1, "v"},
	}
}

var discard = slog.New(slog.DiscardHandler)

// handlerFor returns the complete handler of a cluster, with the registry behind /metrics.
func handlerFor(cfg Config, cluster Cluster) (http.Handler, *prometheus.Registry) {
	reg := prometheus.NewRegistry()
	return described.Handler(New(cfg, Deps{
		Cluster:  cluster,
		Admin:    &operators{},
		Log:      discard,
		Metrics:  promhttp.HandlerFor(reg, promhttp.HandlerOpts{}),
		Registry: reg,
	})), reg
}

// serve starts a server with the handler. It ends with the test.
func serve(t *testing.T, cfg Config, cluster Cluster) (url string, reg *prometheus.Registry) {
	t.Helper()
	h, reg := handlerFor(cfg, cluster)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return srv.URL, reg
}
