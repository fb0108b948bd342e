package ingest

import (
	"cmp"
	"math"
	"math/bits"
	"net/netip"

	"flowring/flow"
	"flowring/flow/field"
)

// External is the default placeholder for an end without a name.
const External = "external"

// Engine has the settings of the four operations. It is immutable once it is used.
type Engine struct {
	Names         Names          // nil: no address has a name
	NamesFirst    bool           // the name of an address comes before a name of the source
	HideAddresses bool           // an address without a name becomes the placeholder
	Placeholder   string         // for an end without a name and an address; empty: the record is set aside
	VPC           string         // for records without one; never empty
	Observed      []netip.Prefix // the hosts in these ranges report their own traffic, and so do addresses with a name
	FromInitiator bool           // a record whose Dest began is turned round
}

// Private returns the private ranges, which are observed unless a setting says otherwise: RFC 1918 and RFC 4193.
func Private() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fc00::/7"),
	}
}

// mapped is a record with the result of the first three operations.
type mapped struct {
	key        flow.Key
	tx, rx     uint64 // with the sampling rate
	start, end int64
	why        Reason
}

// bytes returns the bytes of both directions. It is at most 2^64-1.
func (m *mapped) bytes() uint64 { return addUp(m.tx, m.rx) }

// Map maps one record, counts it, and emits a record for each hour, or several if one would exceed flow.MaxBytes. It
// emits nothing if the record is set aside.
func (e *Engine) Map(r *Record, c *Counts, emit func(flow.Record)) Reason {
	m := e.mapped(r)
	c.SetAside(m.why, m.bytes())
	if m.why == Kept {
		m.emit(c, emit)
	}
	return m.why
}

// mapped does the first three operations.
func (e *Engine) mapped(r *Record) (m mapped) {
	m.start, m.end = r.Start, r.End
	if m.tx, m.rx, m.why = scaled(r); m.why != Kept {
		return m
	}
	src, srcName, srcNamed := e.name(&r.Src)
	dest, destName, destNamed := e.name(&r.Dest)
	m.key = flow.Key{SrcApp: src, DestApp: dest, VPCID: cmp.Or(r.VPC, srcName.VPC, destName.VPC, e.VPC)}
	if e.FromInitiator && r.Answer {
		m.key.SrcApp, m.key.DestApp = m.key.DestApp, m.key.SrcApp
		m.tx, m.rx = m.rx, m.tx
	}
	srcObserved := srcNamed || e.isObserved(r.Src.Addr)
	switch {
	case r.MadeAt == AtReceiver && srcObserved:
		m.why = OtherReporter
	case r.MadeAt == AtOneEnd && srcObserved && (destNamed || e.isObserved(r.Dest.Addr)):
		m.why = UnknownReporter
	case src == "" || dest == "" || m.key.VPCID == "":
		m.why = NoName
	case field.NameFault(src) != "" || field.NameFault(dest) != "" || field.NameFault(m.key.VPCID) != "":
		m.why = BadName
	}
	return m
}

// Bytes returns the bytes of both directions times the sampling rate, and at most 2^64-1: the bytes that Map counts.
func (r *Record) Bytes() uint64 {
	tx, rx, _ := scaled(r)
	return addUp(tx, rx)
}

// scaled returns the bytes of a record times its sampling rate.
func scaled(r *Record) (tx, rx uint64, why Reason) {
	rate := max(r.Rate, 1)
	over, tx := bits.Mul64(r.Tx, rate)
	over2, rx := bits.Mul64(r.Rx, rate)
	if over != 0 || over2 != 0 {
		return math.MaxUint64, 0, TooLarge
	}
	if tx > math.MaxInt64 || rx > math.MaxInt64 {
		return tx, rx, TooLarge
	}
	return tx, rx, Kept
}

// name returns the name of an end. named reports whether its address has a name.
func (e *Engine) name(end *End) (name string, of Name, named bool) {
	addr := end.Addr.Unmap().WithZone("")
	if e.Names != nil && addr.IsValid() {
		of, named = e.Names.Lookup(addr)
	}
	first, second := end.Name, of.App
	if e.NamesFirst {
		first, second = second, first
	}
	name = cmp.Or(first, second)
	if name == "" && addr.IsValid() && !e.HideAddresses {
		name = addr.String()
	}
	return cmp.Or(name, e.Placeholder), of, named
}

// isObserved reports whether the host with an address reports its own traffic.
func (e *Engine) isObserved(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, p := range e.Observed {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
