package flow

// Batch holds the content of one request for one hour, added up per flow. It is immutable once built. Memory, nodes and
// disks all use this one form. Flow i is
//
//	Names[Src[i]], Names[Dest[i]], Names[VPC[i]] with Tx[i], Rx[i] bytes
//
// Invariants:
//
//   - The five columns have the same length, at least 1.
//   - Every index is below len(Names).
//   - Names are distinct, of 1 to MaxName bytes of valid UTF-8, and all used. Their order is that of first appearance
//     (source, destination, VPC, row by row).
//   - Flows are distinct.
//   - Sums are 0 to 2^63-1.
type Batch struct {
	Slice Slice // the index is settled when the batch gets its dot
	Dot   Dot   // the replication identity, given once by the admitting node
	ID    ID    // the identity under an Idempotency-Key; zero without a key; see Identify
	Key   ID    // a hash over principal and key, which detects a key reused for other content; or zero

	// Posting is a hash over the content of the whole posting, because an owner may get only a part of it. It is zero
	// without a key. It is not part of the encoding; calls between nodes carry it separately.
	Posting ID

	Names          []string
	Src, Dest, VPC []uint32
	Tx, Rx         []int64

	columns []byte // the encoded content, if Identify has encoded it; else nil
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

// Totals returns the totals of flow i.
func (b *Batch) Totals(i int) Totals { return Totals{b.Tx[i], b.Rx[i]} }
