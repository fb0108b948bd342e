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

// Hour identifies an hour. It is opaque: hours since the Unix epoch by convention, any signed integer in fact.
type Hour int64

// String returns h in decimal.
func (h Hour) String() string { return strconv.FormatInt(int64(h), 10) }

// Slice is a part of an hour: the unit of placement and replication. A cluster with one slice per hour uses Index 0 alone. What a
// request says about an hour is in one slice as a whole; a flow may be in all of them.
type Slice struct {
	Hour  Hour
	Index uint32
}

// String returns the hour, and the slice's index behind a slash unless it is 0.
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

// Totals are what a flow moved, in bytes; both are non-negative.
type Totals struct {
	BytesTx int64 `json:"bytes_tx"`
	BytesRx int64 `json:"bytes_rx"`
}

// Add returns t + o. A sum over 2^63-1 becomes exactly that, in any order of adding alike, and saturated says so (P14).
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

// Record is one observation of a flow, as an agent reports it. The JSON tags, here and in Key and Totals, are the fields of an
// answer; clients and tests use them. A node uses Decode and AppendRecord, which are faster and apply the rules of the contract.
type Record struct {
	Key
	Totals
	Hour Hour `json:"hour"`
}

// Dot is a batch's identity for replication. Origin is drawn at random at every process start and Seq counts up from 1 per
// slice, so neither is persisted and a disk rolled back to an old state cannot reuse one (P9).
type Dot struct {
	Origin, Seq uint64
}

// String returns the origin in hexadecimal and the seq in decimal.
func (d Dot) String() string { return fmt.Sprintf("%016x.%d", d.Origin, d.Seq) }

// ID is a 128-bit hash; the zero ID means none.
type ID [16]byte

// Slice returns which of n slices of an hour, at least 1, takes what is sent under a key of this hash. It is part of the cluster's
// identity: every node, of every version, must compute the same, for the same request must find itself (P2).
func (id ID) Slice(n int) uint32 { return uint32(binary.BigEndian.Uint64(id[:8]) % uint64(n)) }

// IsZero reports whether the ID is absent.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the ID in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }
