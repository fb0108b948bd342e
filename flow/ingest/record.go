package ingest

import (
	"net/netip"
)

// Record is one record of another program. Its names, numbers and times are as the source has them.
type Record struct {
	Src, Dest  End
	VPC        string // empty: none in the record
	Tx, Rx     uint64 // bytes from Src to Dest, and back, before Rate
	Rate       uint64 // one of Rate packets was counted; 0 means 1
	Start, End int64  // nanoseconds since 1970; the interval is (Start, End]
	MadeAt     MadeAt
	Answer     bool // the record says that Dest began the conversation
}

// End is one end of a record.
type End struct {
	Name string     // of the source, cut; empty: none
	Addr netip.Addr // the zero Addr: unknown
}

// MadeAt is the place where a record was made.
type MadeAt uint8

// The places.
const (
	Anywhere   MadeAt = iota // only one observer reports the bytes
	AtSender                 // the record counts
	AtReceiver               // the record counts if the sender is not observed
	AtOneEnd                 // the record does not say which: it counts unless both ends are observed
)

// Names maps addresses to names.
type Names interface {
	// Lookup returns the name of an address; ok is false if it has none.
	Lookup(addr netip.Addr) (n Name, ok bool)
}

// Name is the name of an address.
type Name struct {
	App string
	VPC string // empty: none
}
