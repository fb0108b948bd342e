package flow

import "slices"

// posting returns the batches, in order of first appearance. The builder must not be used afterwards.
func (b *builder) posting() *Posting {
	p := &Posting{Records: b.records, Batches: make([]*Batch, len(b.order))}
	for i, part := range b.order {
		p.Batches[i] = newBatch(Slice{Hour: part.hour}, part.flows)
	}
	filled := make([]int, len(b.order))
	for _, r := range b.rows {
		p.Batches[r.part].set(filled[r.part], r)
		filled[r.part]++
	}
	names := b.strings()
	if len(p.Batches) == 1 { // its names are those of the request, and in the right order
		p.Batches[0].Names = names
		return p
	}
	table := localTable{global: names, local: make([]uint32, len(names))}
	for _, batch := range p.Batches {
		table.localize(batch)
	}
	return p
}

// newBatch returns a batch with room for exactly n flows, its columns cut from two allocations.
func newBatch(slice Slice, n int) *Batch {
	indices, sums := make([]uint32, 3*n), make([]int64, 2*n)
	return &Batch{
		Slice: slice,
		Src:   indices[:n:n],
		Dest:  indices[n : 2*n : 2*n],
		VPC:   indices[2*n:],
		Tx:    sums[:n:n],
		Rx:    sums[n:],
	}
}

func (b *Batch) set(i int, r row) {
	b.Src[i], b.Dest[i], b.VPC[i] = r.src, r.dest, r.vpc
	b.Tx[i], b.Rx[i] = r.totals.BytesTx, r.totals.BytesRx
}

// localTable turns indices into a string table that all batches share into indices of a table of each batch's own.
type localTable struct {
	global []string
	local  []uint32 // per global name its index in the batch plus 1; 0: not in the batch; all 0 between batches
	used   []uint32 // the global names of the batch, in order of first appearance
}

// localize gives b its own names, in order of first appearance: source, destination, VPC, row by row.
func (t *localTable) localize(b *Batch) {
	for i := range b.Src {
		b.Src[i] = t.index(b.Src[i])
		b.Dest[i] = t.index(b.Dest[i])
		b.VPC[i] = t.index(b.VPC[i])
	}
	b.Names = make([]string, len(t.used))
	for i, global := range t.used {
		b.Names[i] = t.global[global]
		t.local[global] = 0
	}
	t.used = t.used[:0]
}

func (t *localTable) index(global uint32) uint32 {
	if t.local[global] == 0 {
		t.used = append(t.used, global)
		t.local[global] = uint32(len(t.used))
	}
	return t.local[global] - 1
}

// Hours returns the hours of the posting, ascending; never nil.
func (p *Posting) Hours() []Hour {
	hours := make([]Hour, 0, len(p.Batches))
	for _, b := range p.Batches {
		hours = append(hours, b.Slice.Hour)
	}
	slices.Sort(hours)
	return hours
}
