package decode

import (
	"encoding/binary"
	"net/netip"
	"time"

	"flowring/flow/ingest"
)

// values are the fields of one record.
type values struct {
	seen      uint64 // bit k: the record has kind k
	num       [kinds]uint64
	src, dest [2]netip.Addr // IPv4 and IPv6
}

func (v *values) has(k kind) bool { return v.seen>>k&1 != 0 }

// read reads the first record of b. It returns its length, and false if b is too short.
func (v *values) read(t *template, b []byte) (n int, ok bool) {
	at := 0
	for _, f := range t.fields {
		length := int(f.length)
		if f.length == variable {
			if length, at, ok = variableLength(b, at); !ok {
				return 0, false
			}
		}
		if length > len(b)-at {
			return 0, false
		}
		if f.kind != skip {
			v.set(f.kind, b[at:at+length])
		}
		at += length
	}
	return at, true
}

// variableLength reads the length of a value: one byte, or 255 and two more.
func variableLength(b []byte, at int) (length, next int, ok bool) {
	if at >= len(b) {
		return 0, 0, false
	}
	if b[at] < 255 {
		return int(b[at]), at + 1, true
	}
	if at+3 > len(b) {
		return 0, 0, false
	}
	return int(binary.BigEndian.Uint16(b[at+1:])), at + 3, true
}

// set sets a field. A value of a length that its kind cannot have is ignored.
func (v *values) set(k kind, b []byte) {
	switch k {
	case srcV4, destV4, srcV6, destV6:
		a, ok := netip.AddrFromSlice(b)
		if !ok || a.Is4() != (k == srcV4 || k == destV4) {
			return
		}
		switch k {
		case srcV4:
			v.src[0] = a
		case destV4:
			v.dest[0] = a
		case srcV6:
			v.src[1] = a
		default:
			v.dest[1] = a
		}
	default:
		if len(b) == 0 || len(b) > 8 {
			return
		}
		var n uint64
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		v.num[k] = n
	}
	v.seen |= 1 << k
}

// addresses returns the addresses of a record. Some templates have both forms, and zeros in the one that does not hold.
func (v *values) addresses() (src, dest netip.Addr) {
	if v.has(srcV6) && (!v.has(srcV4) || v.src[0].IsUnspecified() && v.dest[0].IsUnspecified()) {
		return v.src[1], v.dest[1]
	}
	return v.src[0], v.dest[0]
}

// record makes a record of its fields.
func (d *Decoder) record(m *message, t *template, v *values) Record {
	var r Record
	r.Src.Addr, r.Dest.Addr = v.addresses()
	r.Tx, r.Rx, r.Why = d.bytes(m.form, t, v)
	r.Start, r.End, r.NoTime = m.times(v)
	r.Rate, r.NoRate = d.rate(m.at, v)
	if v.has(direction) && r.Why == ingest.Kept {
		if v.num[direction] == 0 && d.cfg.Direction == Egress || v.num[direction] == 1 && d.cfg.Direction == Ingress {
			r.Why = ingest.Repeated
		}
	}
	return r
}

// bytes returns the bytes in both directions. A field never overwrites another one.
func (d *Decoder) bytes(form Form, t *template, v *values) (tx, rx uint64, why ingest.Reason) {
	switch {
	case v.has(octets):
		tx = v.num[octets]
		if t.both && form == V9 && d.cfg.OutBytes {
			rx = v.num[outOctets]
		}
	case v.has(initiator), v.has(responder):
		return v.num[initiator], v.num[responder], ingest.Kept
	case v.has(outOctets):
		tx = v.num[outOctets]
	case v.has(totalOctets):
		return v.num[totalOctets], 0, ingest.Cumulative
	case !v.has(reverseOctets):
		return 0, 0, ingest.OtherKind
	}
	if v.has(reverseOctets) {
		rx = v.num[reverseOctets]
	}
	return tx, rx, ingest.Kept
}

// times returns the interval of a record.
func (m *message) times(v *values) (start, end int64, noTime bool) {
	start, hasStart := m.time(v, startSeconds)
	end, hasEnd := m.time(v, endSeconds)
	switch {
	case hasStart && hasEnd:
		return start, end, false
	case hasEnd:
		return end, end, false
	case hasStart:
		return start, start, false
	case v.has(eventMilli):
		at := int64(v.num[eventMilli]) * ms
		return at, at, false
	}
	return m.exported, m.exported, true
}

// maxMilli is the largest time in milliseconds since 1970 that counts: it fits in 63 bits of ns.
const maxMilli = uint64(1<<63-1) / 1e6

// time returns the start or the end of a record, by the finest field that it has. first is startSeconds or endSeconds.
func (m *message) time(v *values, first kind) (ns int64, ok bool) {
	of := func(k kind) kind { return k + first - startSeconds }
	switch {
	case v.has(of(startNano)):
		return ofNTP(v.num[of(startNano)]), true
	case v.has(of(startMicro)):
		return ofNTP(v.num[of(startMicro)]), true
	case v.has(of(startMilli)) && v.num[of(startMilli)] <= maxMilli:
		return int64(v.num[of(startMilli)]) * ms, true
	case v.has(of(startSeconds)) && v.num[of(startSeconds)] <= maxMilli/1000:
		return int64(v.num[of(startSeconds)]) * int64(time.Second), true
	case v.has(of(startDelta)):
		return m.exported - int64(uint32(v.num[of(startDelta)]))*int64(time.Microsecond), true
	case v.has(of(startUptime)):
		return m.ofUptime(v, uint32(v.num[of(startUptime)]))
	}
	return 0, false
}

// hasBoot reports whether a field tells the time of the start. 0 tells none.
func (v *values) hasBoot() bool {
	return v.has(bootMilli) && v.num[bootMilli] > 0 && v.num[bootMilli] <= maxMilli
}

// ofUptime returns the time of an uptime. IPFIX needs the time of the start for it.
func (m *message) ofUptime(v *values, uptime uint32) (ns int64, ok bool) {
	if m.form == V9 {
		return before(uptime, m.uptime, m.exported), true
	}
	boot := m.at.boot
	if v.hasBoot() {
		boot = int64(v.num[bootMilli]) * ms
	}
	if boot == 0 {
		m.noBase = true
		return 0, false
	}
	now := (m.exported - boot) / ms
	return before(uptime, uint32(now), boot+now*ms), true
}

// rate returns the sampling rate of a record. unknown says that its sampler is not known.
func (d *Decoder) rate(at *domain, v *values) (rate uint64, unknown bool) {
	if rate := v.rate(); rate > 0 {
		return rate, false
	}
	if id := v.num[sampler]; v.has(sampler) && id != 0 {
		if rate := at.rates[id]; rate > 0 {
			return rate, false
		}
		if at.rate == 0 {
			return d.cfg.Rate, true
		}
	}
	switch {
	case at.rate > 0:
		return at.rate, false
	case v.has(sampler) || len(at.rates) == 0:
		return d.cfg.Rate, false
	case len(at.rates) == 1: // records need not name the only sampler
		for _, rate := range at.rates {
			return rate, false
		}
	}
	return d.cfg.Rate, true
}

// rate returns the rate that fields tell, or 0. One of n is n; s of p is p/s, and i packets after s others (i+s)/i.
func (v *values) rate() uint64 {
	switch {
	case v.has(interval) && v.num[interval] > 0:
		return v.num[interval]
	case v.has(packetInterval) && v.num[packetInterval] > 0 && v.has(packetSpace):
		return ratio(v.num[packetInterval]+v.num[packetSpace], v.num[packetInterval])
	case v.has(sampled) && v.num[sampled] > 0 && v.has(population):
		return ratio(v.num[population], v.num[sampled])
	}
	return 0
}

// ratio returns a/b, rounded, and at least 1.
func ratio(a, b uint64) uint64 {
	q := a / b
	if a%b >= b-a%b {
		q++
	}
	return max(q, 1)
}

// maxSamplers bounds the samplers of a domain.
const maxSamplers = 1024

// option takes the facts of an options record: the rate of a sampler or of the exporter, and the time of its start.
func (d *Decoder) option(at *domain, v *values) {
	if v.hasBoot() {
		d.learnt = d.learnt || at.boot == 0
		at.boot = int64(v.num[bootMilli]) * ms
	}
	rate := v.rate()
	if rate == 0 {
		return
	}
	if id := v.num[sampler]; v.has(sampler) && id != 0 {
		if before := at.rates[id]; before != rate && (before != 0 || at.counted) {
			d.counts.NewRate.Add(1)
		}
		if len(at.rates) < maxSamplers || at.rates[id] > 0 {
			at.rates[id] = rate
		}
		return
	}
	if at.rate != rate && (at.rate != 0 || at.counted && rate != d.cfg.Rate) {
		d.counts.NewRate.Add(1)
	}
	at.rate = rate
}
