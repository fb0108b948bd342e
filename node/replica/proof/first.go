package proof

import (
	"maps"
	"slices"

	"flowring/ring/roster"
	"flowring/store/digest"
)

// BehindError says that another store lacks less of a slice than this one.
type BehindError struct {
	Fuller roster.Store
	Addr   string // of its node
}

// Error names the other store.
func (e *BehindError) Error() string { return e.Fuller.Name + " lacks less of the hour" }

// First is the replies of a round before any pull.
type First struct {
	rule   *Rule
	others []Reply
	union  digest.Digest // of all digests, this store's included
}

// First returns the replies so far.
func (r *Replies) First() First {
	f := First{rule: r.Rule}
	for _, id := range slices.Sorted(maps.Keys(r.All)) {
		v := r.All[id]
		f.union = f.union.Union(v.Digest)
		if v.Addr != "" {
			f.others = append(f.others, *v)
		}
	}
	return f
}

// Fuller returns a *BehindError with the store that lacks least, if this store, with the digest own, lacks more
// batches than that store and more than tolerated.
func (f First) Fuller(own digest.Digest, tolerated uint64) error {
	least := f.union.Minus(own).Count()
	if least <= tolerated {
		return nil
	}
	var fuller error
	for _, v := range f.others {
		if lacks := f.union.Minus(v.Digest).Count(); lacks < least && f.rule.Counts(v.From) && !v.Recovering {
			least, fuller = lacks, &BehindError{v.From, v.Addr}
		}
	}
	return fuller
}
