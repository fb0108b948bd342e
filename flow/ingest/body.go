package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"

	"flowring/flow"
)

// Body maps the records of one request. NewBody returns one. It serves one goroutine.
type Body struct {
	Counts  Counts
	engine  *Engine
	builder flow.PostingBuilder
	hash    hash.Hash
	rows    []byte // of records, not hashed yet
	total   uint64 // bytes of all kept records: a sum of a flow cannot exceed it
	parts   int
}

// NewBody returns a body with the expected number of records.
func (e *Engine) NewBody(expected int) *Body {
	b := &Body{engine: e, hash: sha256.New()}
	b.builder.AnyHour = true // hours that are made of times have no other unit
	b.builder.Reset(expected)
	return b
}

// Add maps a record. It keeps no part of it.
func (b *Body) Add(r *Record) Reason {
	m := b.engine.mapped(r)
	if m.why == Kept && addUp(b.total, m.bytes()) > math.MaxInt64 {
		m.why = TooLarge // the sum of a flow could exceed 2^63-1 (P14)
	}
	b.Counts.SetAside(m.why, m.bytes())
	b.write(&m)
	if m.why == Kept {
		b.total += m.bytes()
		m.emit(&b.Counts, b.emit)
	}
	return m.why
}

// SetAside counts a record that its preset sets aside, or that cannot be read.
func (b *Body) SetAside(why Reason, bytes uint64) {
	b.Counts.SetAside(why, bytes)
	b.write(&mapped{why: why, tx: bytes})
}

// emit adds a record of an hour. Add has checked names and sums, and hours have no other unit.
func (b *Body) emit(r flow.Record) {
	b.parts++
	if err := b.builder.Add([]byte(r.SrcApp), []byte(r.DestApp), []byte(r.VPCID), r.Totals, r.Hour); err != nil {
		panic("ingest: a checked record is refused: " + err.Error())
	}
}

// Parts returns the number of records of hours so far, before they are added up. A record has one for each hour that it
// crosses.
func (b *Body) Parts() int { return b.parts }

// hashAtOnce is the number of bytes after which rows are hashed, because a call of the hash costs as much as a row.
const hashAtOnce = 2 << 10

// write adds a record to the hash.
func (b *Body) write(m *mapped) {
	row := append(b.rows, byte(m.why))
	for _, name := range [...]string{m.key.SrcApp, m.key.DestApp, m.key.VPCID} {
		row = binary.AppendUvarint(row, uint64(len(name)))
		row = append(row, name...)
	}
	for _, n := range [...]uint64{m.tx, m.rx, uint64(m.start), uint64(m.end)} {
		row = binary.BigEndian.AppendUint64(row, n)
	}
	if len(row) >= hashAtOnce {
		b.hash.Write(row)
		row = row[:0]
	}
	b.rows = row
}

// Posting returns the kept records, added up, and a hash over all records in their order, with the reason of each one
// that was set aside. Equal hashes mean equal postings. The posting has no batches if no record was kept. The body must
// not be used afterwards.
func (b *Body) Posting() (p *flow.Posting, content [sha256.Size]byte) {
	b.hash.Write(b.rows)
	b.hash.Sum(content[:0])
	return b.builder.Posting(), content
}
