package flow

// Cutter makes batches of flows whose names are numbered. It serves one goroutine.
type Cutter struct{ table localTable }

// NewCutter returns a cutter for the names by number.
func NewCutter(names []string) *Cutter {
	return &Cutter{localTable{global: names, local: make([]uint32, len(names))}}
}

// Batch returns a batch of n flows, at least 1 and distinct, with no identity: flow returns the numbers of the source, the
// destination and the VPC of flow i, and its totals.
func (c *Cutter) Batch(s Slice, n int, flow func(i int) (names [3]uint32, t Totals)) *Batch {
	b := newBatch(s, n)
	for i := range n {
		names, t := flow(i)
		b.set(i, row{triple: triple{src: names[0], dest: names[1], vpc: names[2]}, totals: t})
	}
	c.table.localize(b)
	return b
}
