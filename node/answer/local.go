package answer

import (
	"context"
	"errors"
	"io"
	"iter"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/peer"
	"flowring/node/replica"
	"flowring/router/admission"
	"flowring/store/digest"
)

// Slice reads a slice at this node. It fails if the reading is less complete than wanted. The caller closes the answer.
func (r *Reader) Slice(ctx context.Context, s flow.Slice, wanted peer.Wanted) (peer.Answer, error) {
	var known replica.Known
	if len(wanted.Known) > 0 {
		known = func(d digest.Digest) bool { return wanted.Knows(tagOf(s, d)) }
	}
	read := r.Replicas.ReadUnlessBehind
	if wanted.Here || r.Disabled.Has(safeguard.ReadFuller) {
		read = r.Replicas.Read
	}
	reading, err := read(ctx, s, known)
	var behind *replica.BehindError
	if errors.As(err, &behind) {
		if answer, heard, err := r.readAt(ctx, behind.Addr, s, wanted); heard {
			return answer, err
		}
		reading, err = r.Replicas.Read(ctx, s, known)
	}
	if err != nil {
		return nil, err
	}
	if err := wanted.Need.Check(reading.Completeness, reading.Silent); err != nil {
		return nil, err
	}
	return &localAnswer{reading, s, tagOf(s, reading.Shown), r.CPUSlots, wanted.Columns}, nil
}

// readAt reads a slice at another store, without a further hop. It reports whether the store was heard.
func (r *Reader) readAt(
	ctx context.Context, addr string, s flow.Slice, wanted peer.Wanted,
) (answer peer.Answer, heard bool, err error) {
	wanted.Here = true
	answer, err = r.Client.Flows(ctx, addr, s, wanted)
	return answer, !peer.Unheard(err), err
}

// localAnswer is a reading of this node.
type localAnswer struct {
	*replica.Reading
	slice   flow.Slice
	tag     contract.Tag
	slots   admission.CPUSlots // for writing
	columns bool               // its parts may share their names
}

// Tag implements peer.Answer.
func (a *localAnswer) Tag() contract.Tag { return a.tag }

// Complete implements peer.Answer.
func (a *localAnswer) Complete() contract.Completeness { return a.Completeness }

// maxWholeNames is the largest number of names that all parts of a slice share. Their merge holds all of them in
// memory.
const maxWholeNames = 1 << 16

// Whole implements peer.Answer.
func (a *localAnswer) Whole() bool {
	return a.columns && a.Reading.Reading != nil && len(a.Names()) <= maxWholeNames
}

// Close implements io.Closer.
func (a *localAnswer) Close() error { return nil }

// Ready implements peer.Answer. Sorting up to fewFlows flows takes no noticeable time.
func (a *localAnswer) Ready() bool { return a.Reading.Reading == nil || a.Len() <= fewFlows }

const fewFlows = 1 << 16

// errNoFlows is the error of writing an answer without flows. Its reader has them already.
var errNoFlows = errors.New("the answer has no flows, because the reader has them already")

// Parts implements peer.Answer.
func (a *localAnswer) Parts() iter.Seq2[*flow.Batch, error] {
	return func(yield func(*flow.Batch, error) bool) {
		if a.Reading.Reading == nil {
			yield(nil, errNoFlows)
			return
		}
		a.Sort()
		a.slots.Acquire()
		defer a.slots.Release()
		parts := a.Reading.Parts
		if a.Whole() {
			parts = a.Reading.WholeParts
		}
		for part := range parts(a.slice, partFlows) {
			a.slots.Release()
			more := yield(part, nil)
			a.slots.Acquire()
			if !more {
				return
			}
		}
	}
}

// partFlows is the number of flows in a part: many in comparison to its names, and few enough to build in one CPU slot.
const partFlows = 4096

// WriteTo implements peer.Answer.
func (a *localAnswer) WriteTo(w io.Writer) (int64, error) {
	if a.Reading.Reading == nil {
		return 0, errNoFlows
	}
	a.Sort()
	out := newJSONArrayWriter(w, a.slots, a.Len())
	a.slots.Acquire()
	defer a.slots.Release()
	for r := range a.Records() {
		if err := out.add(r); err != nil {
			return out.written, err
		}
	}
	return out.end()
}
