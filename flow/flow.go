package flow

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"flowring/flow/field"
)

// Limits of the public contract.
const (
	MaxName  = field.MaxName  // bytes of UTF-8 in the name of an application or a VPC
	MaxBytes = field.MaxBytes // bytes_tx and bytes_rx of one record
)

// Hour identifies an hour. By convention it counts hours since the Unix epoch, but any signed integer is valid.
type Hour int64

// String returns h in decimal.
func (h Hour) String() string { return strconv.FormatInt(int64(h), 10) }

// Slice is a part of an hour and the unit of placement and replication. A cluster with one slice per hour uses only
// Index 0. A batch is in one slice as a whole; a flow may be in all slices of its hour.
type Slice struct {
	Hour  Hour
	Index uint32
}

// String returns the hour, followed by a slash and the index unless the index is 0.
func (s Slice) String() string {
	if s.Index == 0 {
		return s.Hour.String()
	}
	return fmt.Sprintf("%d/%d", s.Hour, s.Index)
}

// Compare orders slices by hour, then index.
func (s Slice) Compare(o Slice) int {
	return cmp.Or(cmp.Compare(s.Hour, o.Hour), cmp.Compare(s.Index, o.Index))
}

// Key identifies a flow within an hour.
type Key struct {
	SrcApp  string `json:"src_app"`
	DestApp string `json:"dest_app"`
	VPCID   string `json:"vpc_id"`
}

// Compare orders keys by source application, destination application and VPC, each by its bytes.
func (k Key) Compare(o Key) int {
	switch {
	case k.SrcApp != o.SrcApp:
		return strings.Compare(k.SrcApp, o.SrcApp)
	case k.DestApp != o.DestApp:
		return strings.Compare(k.DestApp, o.DestApp)
	}
	return strings.Compare(k.VPCID, o.VPCID)
}

// Totals are the bytes sent and received by a flow; both are non-negative.
type Totals struct {
	BytesTx int64 `json:"bytes_tx"`
	BytesRx int64 `json:"bytes_rx"`
}

// Add returns t + o. It reports a sum over 2^63-1 as saturated and returns 2^63-1 for it, so the result does not depend
// on the order of additions (P14).
func (t Totals) Add(o Totals) (sum Totals, saturated bool) {
	sum = Totals{t.BytesTx + o.BytesTx, t.BytesRx + o.BytesRx}
	if sum.BytesTx < 0 {
		sum.BytesTx, saturated = math.MaxInt64, true
	}
	if sum.BytesRx < 0 {
		sum.BytesRx, saturated = math.MaxInt64, true
	}
	return sum, saturated
}

// Record is one observation of a flow, reported by an agent. The JSON tags, here and in Key and Totals, are the fields
// of an answer; clients and tests use them. A node uses Decode and AppendRecord, which are faster and apply the rules
// of the contract.
type Record struct {
	Key
	Totals
	Hour Hour `json:"hour"`
}

// Dot is the identity of a batch in replication. Every start of a process draws a random Origin, and Seq counts up from
// 1 in each slice. Neither is persisted, so a disk rolled back to an old state cannot cause a reused dot (P9).
type Dot struct {
	Origin, Seq uint64
}

// String returns the origin in hexadecimal and the seq in decimal.
func (d Dot) String() string { return fmt.Sprintf("%016x.%d", d.Origin, d.Seq) }

// ID is a 128-bit hash. The zero ID means that there is none.
type ID [16]byte

// Slice returns the index of the slice for requests under the key with this hash, for hours of n slices; n is at least
// 1. The function is part of the identity of a cluster: every node of every version must compute the same index,
// because a retry must reach the slice of the first attempt (P2).
func (id ID) Slice(n int) uint32 { return uint32(binary.BigEndian.Uint64(id[:8]) % uint64(n)) }

// IsZero reports whether the ID is absent.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the ID in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }
