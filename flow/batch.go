package flow

// Batch is what one request says about one hour, added up per flow. It is immutable once built, and the one shape used in
// memory, between nodes and on disk. Flow i is
//
//	Names[Src[i]], Names[Dest[i]], Names[VPC[i]] with Tx[i], Rx[i] bytes
//
// Invariants: the five columns have one length, at least 1; every index is below len(Names); names are distinct, 1 to MaxName
// bytes of valid UTF-8, in order of first appearance (source, destination, VPC, row by row), none unused; flows are distinct;
// sums are 0 to 2^63-1.
type Batch struct {
	Slice Slice // which of an hour's is settled when it gets its dot
	Dot   Dot   // replication identity, given once by the node that admits the batch
	ID    ID    // identity under an Idempotency-Key: a hash over principal, key, hour and content; zero without a key
	Key   ID    // hash over principal and key, to notice a key reused for other content; zero without a key

	// Posting is a hash of the content of the whole posting, of which an owner may get a part. It is zero without a key, and not
	// encoded: calls between nodes carry it.
	Posting ID

	Names          []string
	Src, Dest, VPC []uint32
	Tx, Rx         []int64

	columns []byte // the content as encoded, where Identify had to encode it; nil: it has not
}

// Written is a batch with its encoding.
type Written struct {
	*Batch
	Bytes []byte
}

// Len returns the number of flows.
func (b *Batch) Len() int { return len(b.Src) }

// FlowKey returns the key of flow i.
func (b *Batch) FlowKey(i int) Key {
	return Key{b.Names[b.Src[i]], b.Names[b.Dest[i]], b.Names[b.VPC[i]]}
}

// Totals returns what flow i moved.
func (b *Batch) Totals(i int) Totals { return Totals{b.Tx[i], b.Rx[i]} }
