package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/internal/trace"
	"flowring/node/replica/proof"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// Reading is the content of a slice and its completeness.
type Reading struct {
	*store.Reading               // nil if all readers of the round know the flows already
	Shown          digest.Digest // the judged batches, which are those of the reading
	Completeness   contract.Completeness
	Silent         []string // labels of the silent stores, sorted
}

// Known reports whether a reader already has the flows of a slice, as they are with the batches of a digest. nil: the
// reader does not.
type Known func(digest.Digest) bool

// knownToAll returns a Known for all readers of a round.
func knownToAll(wishes []Known) Known {
	return func(d digest.Digest) bool {
		return !slices.ContainsFunc(wishes, func(known Known) bool { return known == nil || !known(d) })
	}
}

// Read reads a slice as completely as possible, within ctx. Package proof has the rule by which the reading is judged.
// The batches of the answer must be on W stores because the next complete read may otherwise miss a batch of this one
// (push_back in docs/model).
//
// A reader that has the flows, by known, may get a reading without flows. The store then does not copy the totals and
// does not load a cold slice.
func (r *Replicas) Read(ctx context.Context, s flow.Slice, known Known) (*Reading, error) {
	return r.reads.Join(ctx, s, known,
		func(all []Known) (*Reading, error) { return r.read(ctx, s, knownToAll(all), false) })
}

// ReadUnlessBehind is like Read. It fails with a *BehindError if another store lacks less of the slice and this store
// would have to fetch more than a read has time for, for example while the hour moves here. The caller then asks the
// other store for a Read.
func (r *Replicas) ReadUnlessBehind(ctx context.Context, s flow.Slice, known Known) (*Reading, error) {
	return r.readsUnlessBehind.Join(ctx, s, known, func(all []Known) (*Reading, error) {
		return r.read(ctx, s, knownToAll(all), true)
	})
}

// BehindError says that another store lacks less of a slice than this one.
type BehindError = proof.BehindError

// maxPull is the largest number of batches to pull in a read if another store lacks fewer. Each batch costs an fsync.
const maxPull = 64

// read makes one round. In addition to the load of a cold slice it takes ReadWait for digests and pulls, and
// DigestWait for pushes. It outlives reader, the context of its first reader.
func (r *Replicas) read(reader context.Context, s flow.Slice, known Known, unlessBehind bool) (*Reading, error) {
	p, life := r.newPoll(s, nil), trace.Shared(r.ctx, reader)
	asking, cancel := context.WithTimeout(life, r.ReadWait)
	defer cancel()
	if err := p.askAll(asking); err != nil {
		return nil, err
	}
	first := p.First()
	if unlessBehind {
		if err := first.Fuller(p.own().Digest, maxPull); err != nil {
			return nil, err
		}
	}
	reading, err := p.pullAndRead(asking, known)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s, err)
	}
	if unlessBehind {
		if err := first.Fuller(reading.Shown, 0); err != nil {
			return nil, err
		}
	}
	// The time of the pushes starts here, because the load of a large hour takes long.
	pushing, cancel := context.WithTimeout(life, r.DigestWait)
	defer cancel()
	p.push(pushing, reading.Shown)
	if err := p.checkExpired(); err != nil {
		return nil, err
	}
	reading.Completeness, reading.Silent = p.Completeness(reading.Shown, r.isDoubtful(s))
	return reading, nil
}

// pullAndRead pulls missing batches, then reads. Meanwhile this store may have dropped its copy, because its replicas
// hold it too: then it pulls once more. A store counts as silent if some of its batches are still not in the reading
// (P4).
func (p *poll) pullAndRead(ctx context.Context, known Known) (*Reading, error) {
	for again := false; ; again = true {
		p.pull(ctx)
		reading, err := p.r.readLocal(p.Slice, known)
		if err != nil {
			return nil, err
		}
		p.own().Digest = reading.Shown
		missed := maps.Clone(p.All)
		maps.DeleteFunc(missed, func(_ roster.StoreID, v *proof.Reply) bool { return !reading.Shown.Lacks(v.Digest) })
		if len(missed) == 0 || p.r.Disabled.Has(safeguard.ShowHeard) {
			return reading, nil
		}
		if again {
			maps.DeleteFunc(p.All, func(id roster.StoreID, _ *proof.Reply) bool { return missed[id] != nil })
			return reading, nil
		}
	}
}

// readLocal returns the content of this store, without the flows if they are known.
func (r *Replicas) readLocal(s flow.Slice, known Known) (*Reading, error) {
	shown, err := r.Store.Digest(s)
	if errors.Is(err, contract.Expired) && r.Disabled.Has(safeguard.SayExpired) {
		return &Reading{Reading: new(store.Reading)}, nil
	}
	if err != nil || known(shown) {
		return &Reading{Shown: shown}, err
	}
	reading, err := r.Store.Read(s)
	if err != nil {
		return nil, err
	}
	return &Reading{Reading: reading, Shown: reading.Digest()}, nil
}
