package decode

import (
	"encoding/binary"
	"slices"
	"time"
)

// The IDs of sets of templates.
const (
	v9Templates    = 0
	v9Options      = 1
	ipfixTemplates = 2
	ipfixOptions   = 3
)

// message is the head of a datagram of v9 or IPFIX.
//
//	v9:    version u16 | count u16 | uptime u32 | seconds u32 | sequence u32 | source u32
//	IPFIX: version u16 | length u16 | seconds u32 | sequence u32 | domain u32
type message struct {
	form     Form
	at       *domain
	uptime   uint32
	exported int64 // ns
	arrived  time.Time
	noBase   bool // a record has an uptime of IPFIX, and no field tells what it counts from
}

// sets reads a datagram of v9 or IPFIX. hold says that it may wait for a template or for the base of its uptimes.
func (d *Decoder) sets(g Datagram, form Form, hold bool) ([]Record, error) {
	m, seq, body, id, ok := head(g.Data, form)
	if !ok || !wellFormed(body) {
		return nil, d.refuse(ErrMalformed)
	}
	if m.at = d.domain(g, form, uint64(id)); m.at == nil {
		return nil, d.refuse(ErrExporters)
	}
	m.arrived = g.At
	for len(body) >= 4 {
		n := int(binary.BigEndian.Uint16(body[2:]))
		if !d.set(&m, g, binary.BigEndian.Uint16(body), body[4:n]) {
			return nil, d.refuse(ErrMalformed)
		}
		body = body[n:]
	}
	if d.first {
		d.counts.Datagrams[form].Add(1)
		d.judge(&m, seq)
	}
	if d.learnt && len(m.at.held) > 0 {
		d.ready = append(d.ready, m.at.held...)
		m.at.held = nil
	}
	if m.noBase && m.at.boot != 0 { // the base stands behind its uptimes
		return d.netFlow(g, false, hold)
	}
	if hold && (d.missing > 0 || m.noBase && !m.at.baseless) && d.hold(m.at, g) {
		return nil, nil
	}
	m.at.baseless = m.at.baseless || m.noBase
	d.counts.NoTemplate.Add(uint64(d.missing))
	m.at.counted = m.at.counted || len(d.records) > 0
	return d.records, nil
}

// judge follows the sequence number. That of IPFIX counts records, so a datagram without a template ends the count.
func (d *Decoder) judge(m *message, seq uint32) {
	switch {
	case m.form == V9:
		d.follow(m.at, V9, seq, step{units: 1})
	case d.missing > 0:
		m.at.seq.skip()
	default:
		data, all := uint32(d.data), uint32(d.data+d.options)
		d.follow(m.at, IPFIX, seq, step{all, false}, step{data, false}, step{all, true}, step{data, true})
	}
}

// hold keeps a datagram until its template or its base arrives. It reports whether there is room.
func (d *Decoder) hold(at *domain, g Datagram) bool {
	n := int64(len(g.Data))
	if d.counts.Held.Add(n) > int64(d.cfg.MaxHeld) {
		d.counts.Held.Add(-n)
		return false
	}
	g.Data = slices.Clone(g.Data)
	at.held = append(at.held, g)
	if d.first {
		d.counts.HeldTotal.Add(1)
	}
	return true
}

// head reads the head of a datagram. body has its sets.
func head(b []byte, form Form) (m message, seq uint32, body []byte, id uint32, ok bool) {
	m.form = form
	if form == V9 {
		if len(b) < 20 {
			return m, 0, nil, 0, false
		}
		m.uptime, m.exported = binary.BigEndian.Uint32(b[4:]), int64(binary.BigEndian.Uint32(b[8:]))*int64(time.Second)
		return m, binary.BigEndian.Uint32(b[12:]), b[20:], binary.BigEndian.Uint32(b[16:]), true
	}
	if len(b) < 16 {
		return m, 0, nil, 0, false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < 16 || n > len(b) {
		return m, 0, nil, 0, false
	}
	m.exported = int64(binary.BigEndian.Uint32(b[4:])) * int64(time.Second)
	return m, binary.BigEndian.Uint32(b[8:]), b[16:n], binary.BigEndian.Uint32(b[12:]), true
}

// wellFormed reports whether the lengths of sets fill a body, but for padding.
func wellFormed(body []byte) bool {
	for len(body) >= 4 {
		n := int(binary.BigEndian.Uint16(body[2:]))
		if n < 4 || n > len(body) {
			return false
		}
		body = body[n:]
	}
	return true
}

// set reads one set. It reports whether the set is well formed.
func (d *Decoder) set(m *message, g Datagram, id uint16, b []byte) bool {
	switch {
	case id == v9Templates && m.form == V9, id == ipfixTemplates && m.form == IPFIX:
		return d.readTemplates(m.at, g, m.form, false, b)
	case id == v9Options && m.form == V9, id == ipfixOptions && m.form == IPFIX:
		return d.readTemplates(m.at, g, m.form, true, b)
	case id < 256:
		return true // reserved
	}
	t := d.template(m.at, id, m.arrived)
	if t == nil {
		d.missing++
		return true
	}
	for len(b) >= t.least { // less is padding
		var v values
		n, ok := v.read(t, b)
		if !ok {
			return false
		}
		b = b[n:]
		if t.options {
			d.options++
			d.option(m.at, &v)
			continue
		}
		d.data++
		d.add(d.record(m, t, &v), m.arrived)
	}
	return true
}
