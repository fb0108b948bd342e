package yardstick

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router"
	"flowring/store"
)

// Memory returns Flowring's router with a store without a journal. Requests are decoded, added up, checked and folded
// as in a node, but nothing is encoded, written, replicated or proven.
func Memory() http.Handler {
	return router.New(router.Config{}, router.Deps{
		Cluster: &memory{store: store.New(store.Config{}, store.Deps{})},
		Log:     slog.New(slog.DiscardHandler),
	})
}

// memory is a cluster of one store, as the router sees it.
type memory struct {
	store *store.Store
	seq   atomic.Uint64
}

var _ router.Cluster = (*memory)(nil)

// Post implements router.Cluster.
func (m *memory) Post(_ context.Context, p *flow.Posting) (replayed bool, err error) {
	fresh := len(p.Batches) == 0
	for _, b := range p.Batches {
		b.Dot = flow.Dot{Origin: 1, Seq: m.seq.Add(1)}
		replay, err := m.store.Check(flow.Written{Batch: b})
		if err != nil {
			return false, err
		}
		fresh = fresh || !replay
		if err := m.store.Apply(flow.Written{Batch: b}); err != nil {
			return false, err
		}
	}
	return !fresh, nil
}

// Get implements router.Cluster.
func (m *memory) Get(_ context.Context, hour flow.Hour, _ contract.Ask) (contract.Answer, error) {
	reading, err := m.store.Read(flow.Slice{Hour: hour})
	if err != nil {
		return nil, err
	}
	return memoryAnswer{reading}, nil
}

// Members implements router.Cluster.
func (m *memory) Members() router.MembersView { return router.MembersView{} }

// Ready implements router.Cluster.
func (m *memory) Ready() error { return nil }

// ReadyToWrite implements router.Cluster.
func (m *memory) ReadyToWrite() error { return nil }

type memoryAnswer struct{ *store.Reading }

// Complete implements contract.Answer.
func (a memoryAnswer) Complete() contract.Completeness { return contract.Complete }

// Tag implements contract.Answer. There is no tag.
func (a memoryAnswer) Tag() contract.Tag { return "" }

// Close implements io.Closer.
func (a memoryAnswer) Close() error { return nil }

// WriteTo implements io.WriterTo, in pieces.
func (a memoryAnswer) WriteTo(w io.Writer) (written int64, err error) {
	const piece = 64 << 10
	buf := append(make([]byte, 0, piece+4096), '[')
	first := true
	var appender flow.Appender
	for r := range a.Records() {
		if len(buf) >= piece {
			n, err := w.Write(buf)
			written += int64(n)
			if err != nil {
				return written, err
			}
			buf = buf[:0]
		}
		if !first {
			buf = append(buf, ',')
		}
		first = false
		buf = appender.Append(buf, r)
	}
	n, err := w.Write(append(buf, "]\n"...))
	return written + int64(n), err
}
