package decode

import (
	"encoding/binary"
	"time"
)

// kind is the meaning of a field, as far as a record needs it.
type kind uint8

const (
	skip kind = iota // any other field
	srcV4
	destV4
	srcV6
	destV6
	octets         // octetDeltaCount, IN_BYTES
	outOctets      // OUT_BYTES of v9; postOctetDeltaCount of IPFIX, the same bytes behind a middlebox
	totalOctets    // since the flow began
	initiator      // initiatorOctets
	responder      // responderOctets
	reverseOctets  // RFC 5103
	interval       // samplingInterval, samplerRandomInterval: one of n
	packetInterval // packets in a row that are sampled
	packetSpace    // packets between them
	sampled        // samplingSize of samplingPopulation
	population
	sampler // samplerId, selectorId
	direction
	startSeconds
	endSeconds
	startMilli
	endMilli
	startMicro
	endMicro
	startNano
	endNano
	startDelta // microseconds before the export
	endDelta
	startUptime
	endUptime
	bootMilli
	eventMilli
	kinds
)

// kindOf returns the kind of an element of IANA's registry, which has the field types of v9 too.
func kindOf(element uint16) kind {
	switch element {
	case 1:
		return octets
	case 23:
		return outOctets
	case 85:
		return totalOctets
	case 231:
		return initiator
	case 232:
		return responder
	case 8:
		return srcV4
	case 12:
		return destV4
	case 27:
		return srcV6
	case 28:
		return destV6
	case 61:
		return direction
	}
	if k := kindOfRate(element); k != skip {
		return k
	}
	return kindOfTime(element)
}

func kindOfRate(element uint16) kind {
	switch element {
	case 34, 50:
		return interval
	case 305:
		return packetInterval
	case 306:
		return packetSpace
	case 309:
		return sampled
	case 310:
		return population
	case 48, 302:
		return sampler
	}
	return skip
}

func kindOfTime(element uint16) kind {
	if element >= 150 && element <= 159 {
		return startSeconds + kind(element-150)
	}
	switch element {
	case 22:
		return startUptime
	case 21:
		return endUptime
	case 160:
		return bootMilli
	case 323:
		return eventMilli
	}
	return skip
}

// variable is the length of a field that stands before each value.
const variable = 0xffff

// field is a field of a template, or several that are skipped together.
type field struct {
	kind   kind
	length uint16 // or variable
}

// template is the layout of the records of a set.
type template struct {
	fields  []field
	least   int // bytes of the shortest record
	fixed   bool
	options bool
	both    bool // has octets and outOctets
	at      time.Time
}

// add adds a field.
func (t *template) add(k kind, length uint16) {
	n := int(length)
	if length == variable {
		n, t.fixed = 1, false
	}
	t.least += n
	last := len(t.fields) - 1
	if k == skip && length != variable && last >= 0 && t.fields[last].kind == skip &&
		t.fields[last].length != variable && int(t.fields[last].length)+n < variable {
		t.fields[last].length += length
		return
	}
	t.fields = append(t.fields, field{k, length})
}

const reversePEN = 29305 // of RFC 5103

// readTemplates reads a set of templates. It reports whether the set is well formed.
func (d *Decoder) readTemplates(at *domain, g Datagram, form Form, options bool, b []byte) bool {
	for len(b) >= 4 {
		id, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if id == 0 && n == 0 {
			return true // padding
		}
		if n == 0 && form == IPFIX { // withdrawn
			d.withdraw(at, id)
			b = b[4:]
			continue
		}
		if id < 256 {
			return false
		}
		t := &template{fixed: true, options: options, at: g.At}
		rest, ok := t.read(b[4:], form, n, options)
		if !ok {
			return false
		}
		b = rest
		d.learn(at, id, t)
	}
	return true
}

// read reads the fields of a template. n is the second number of its head: fields, or bytes of scopes in options of v9.
func (t *template) read(b []byte, form Form, n int, options bool) (rest []byte, ok bool) {
	scopes := 0
	if options {
		if len(b) < 2 {
			return nil, false
		}
		second := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if form == V9 {
			scopes, n = n/4, (n+second)/4
		}
	}
	for i := range n {
		if len(b) < 4 {
			return nil, false
		}
		element, length := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		b = b[4:]
		k := skip
		switch {
		case form == IPFIX && element&0x8000 != 0:
			if len(b) < 4 {
				return nil, false
			}
			if binary.BigEndian.Uint32(b) == reversePEN && element == 0x8001 {
				k = reverseOctets
			}
			b = b[4:]
		case i >= scopes: // scopes of v9 have types of their own
			k = kindOf(element)
		}
		t.add(k, length)
	}
	return b, true
}

// learn keeps a template, unless it is empty or there is no room.
func (d *Decoder) learn(at *domain, id uint16, t *template) {
	if len(t.fields) == 0 || t.least == 0 {
		return
	}
	var has [kinds]bool
	for _, f := range t.fields {
		has[f.kind] = true
	}
	t.both = has[octets] && has[outOctets]
	_, known := at.templates[id]
	if known && !d.first {
		return // a datagram that was held is older than the template
	}
	if len(t.fields) > d.cfg.MaxFields || !known && d.counts.Templates.Add(1) > int64(d.cfg.MaxTemplates) {
		if !known && len(t.fields) <= d.cfg.MaxFields {
			d.counts.Templates.Add(-1)
		}
		d.counts.TooMany.Add(1)
		return
	}
	at.templates[id] = t
	d.learnt = d.learnt || !known
}

// withdraw removes a template, or all of a kind: those have the IDs of their sets.
func (d *Decoder) withdraw(at *domain, id uint16) {
	for known, t := range at.templates {
		if known == id || id == ipfixTemplates && !t.options || id == ipfixOptions && t.options {
			delete(at.templates, known)
			d.counts.Templates.Add(-1)
		}
	}
}

// template returns a template that is not too old, or nil.
func (d *Decoder) template(at *domain, id uint16, now time.Time) *template {
	t := at.templates[id]
	if t != nil && now.Sub(t.at) > d.cfg.TemplateLifetime {
		delete(at.templates, id)
		d.counts.Templates.Add(-1)
		return nil
	}
	return t
}
