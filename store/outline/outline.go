package outline

import (
	"hash/maphash"

	"flowring/flow"
	"flowring/internal/hashseed"
	"flowring/store/digest"
	"flowring/store/pack"
	"flowring/store/snapshot"
	"flowring/store/table"
	"flowring/store/totals"
)

// Journal has the values of slices. Package store documents its methods.
type Journal interface {
	Load(s flow.Slice, fn func(value []byte) error) error
	Pieces(s flow.Slice, fn func(data []byte) error) error
}

// Outline is the fold of a slice without its flows.
type Outline struct {
	Dots   digest.Digest // of the batches in the fold
	Totals totals.Totals // Flows counts a flow once for the snapshot and once for each batch
	Bytes  int           // of the values that were read

	seeds  [4]uint64
	names  maphash.Seed
	print  fingerprint
	hashes []uint64             // of the names of the batch that is being added
	ids    map[flow.ID]struct{} // of the batches: those with one ID count once (P2)
}

// fingerprint is the fingerprint of a fold.
type fingerprint struct{ tx, rx uint64 }

// Of reads a slice. The fold has the snapshot, if head is not nil, and the batches outside of it, or, if only is not
// nil, those of them in only. The errors are those of the journal and of the decoders.
func Of(j Journal, s flow.Slice, head *snapshot.Head, only *digest.Digest) (*Outline, error) {
	o := &Outline{names: maphash.MakeSeed(), ids: map[flow.ID]struct{}{}}
	hashseed.Draw(o.seeds[:])
	if head != nil {
		o.Dots = head.Digest.Clone()
		if err := head.EachPiece(o.counting(j.Pieces), o.addPiece); err != nil {
			return o, err
		}
	}
	err := o.counting(j.Load)(s, func(encoded []byte) error {
		batches, err := pack.Batches(encoded)
		for i := range batches {
			if b := &batches[i]; only == nil || only.Has(b.Dot) {
				o.add(b)
			}
		}
		return err
	})
	return o, err
}

// counting returns each with a count of the bytes.
func (o *Outline) counting(
	each func(flow.Slice, func([]byte) error) error,
) func(flow.Slice, func([]byte) error) error {
	return func(s flow.Slice, fn func([]byte) error) error {
		return each(s, func(data []byte) error {
			o.Bytes += len(data)
			return fn(data)
		})
	}
}

func (o *Outline) addPiece(p snapshot.Piece) error {
	for _, pair := range p.IDs {
		o.ids[pair.ID] = struct{}{}
	}
	if p.Flows != nil {
		o.addFlows(p.Flows)
	}
	return nil
}

func (o *Outline) add(b *flow.Batch) {
	o.Dots.Add(b.Dot)
	if !b.ID.IsZero() {
		if _, known := o.ids[b.ID]; known {
			return
		}
		o.ids[b.ID] = struct{}{}
	}
	o.addFlows(b)
}

func (o *Outline) addFlows(b *flow.Batch) {
	o.hashNames(b.Names)
	for i := range b.Len() {
		t := b.Totals(i)
		o.print.add(o.hash(b.Src[i], b.Dest[i], b.VPC[i]), t)
		o.Totals.Add([]flow.Totals{t})
	}
}

// matches reports whether the view has the totals of the fold. It is false for some views with saturated totals, and
// with other flows without bytes it may be true.
func (o *Outline) matches(v *table.View) bool {
	o.hashNames(v.Names())
	var print fingerprint
	for keys, sums := range v.Columns() {
		for i, k := range keys {
			print.add(o.hash(k.Src, k.Dest, k.VPC), sums[i])
		}
	}
	return print == o.print
}

func (p *fingerprint) add(hash uint64, t flow.Totals) {
	p.tx += hash * uint64(t.BytesTx)
	p.rx += hash * uint64(t.BytesRx)
}

func (o *Outline) hashNames(names []string) {
	o.hashes = o.hashes[:0]
	for _, name := range names {
		o.hashes = append(o.hashes, maphash.String(o.names, name))
	}
}

// hash returns the hash of a key, by the numbers of its names.
func (o *Outline) hash(src, dest, vpc uint32) uint64 {
	apps := hashseed.Mix(o.hashes[src]^o.seeds[0], o.hashes[dest]^o.seeds[1])
	return hashseed.Mix(apps^o.seeds[2], o.hashes[vpc]^o.seeds[3]) | 1
}
