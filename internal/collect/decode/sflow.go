package decode

import (
	"encoding/binary"
	"net/netip"

	"flowring/flow/ingest"
)

// reader reads 32-bit numbers and opaque bytes in order. bad says that they ended too early.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) u32() uint32 {
	b := r.bytes(4)
	if r.bad {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

// bytes returns the next n bytes.
func (r *reader) bytes(n uint32) []byte {
	if r.bad || uint64(n) > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// block returns the next block: a format, a length, and as many bytes. Blocks are multiples of 4 bytes long.
func (r *reader) block() (format uint32, body reader) {
	format = r.u32()
	body.b = r.bytes(r.u32())
	return format, body
}

// SFlow returns the records of a datagram of sFlow v5. They are valid until the next call.
//
//	version u32 | address type u32 | address | sub agent u32 | sequence u32 | uptime u32 | samples u32
func (d *Decoder) SFlow(g Datagram) ([]Record, error) {
	d.records = d.records[:0]
	r := reader{b: g.Data}
	if version := r.u32(); r.bad {
		return nil, d.refuse(ErrMalformed)
	} else if version != 5 {
		return nil, d.refuse(ErrVersion)
	}
	var agent uint32
	switch r.u32() {
	case 1:
		agent = r.u32()
	case 2:
		for range 4 {
			agent = agent*31 + r.u32()
		}
	}
	id := uint64(agent)<<32 | uint64(r.u32())
	seq := r.u32()
	r.u32()
	samples := r.u32()
	if r.bad || uint64(samples)*8 > uint64(len(r.b)) {
		return nil, d.refuse(ErrMalformed)
	}
	at := d.domain(g, SFlow, id)
	if at == nil {
		return nil, d.refuse(ErrExporters)
	}
	for range samples {
		format, body := r.block()
		if r.bad || !d.sample(at, g, format, body) {
			return nil, d.refuse(ErrMalformed)
		}
	}
	d.follow(at, SFlow, seq, step{units: 1})
	d.counts.Datagrams[SFlow].Add(1)
	return d.records, nil
}

// The formats of samples and of their records.
const (
	flowSample     = 1
	expandedSample = 3
	rawHeader      = 1
	sampledIPv4    = 3
	sampledIPv6    = 4
)

// sample reads a sample of a packet. Others, such as counters of interfaces, are no records.
func (d *Decoder) sample(at *domain, g Datagram, format uint32, r reader) bool {
	if format != flowSample && format != expandedSample {
		return true
	}
	r.u32() // sequence
	source := uint64(r.u32())
	if format == expandedSample {
		source = source<<32 | uint64(r.u32())
	}
	rate := r.u32()
	r.u32() // pool
	drops := r.u32()
	ports := uint32(8)
	if format == expandedSample {
		ports = 16
	}
	r.bytes(ports)
	n := r.u32()
	if r.bad {
		return false
	}
	var found packet
	for range n {
		format, body := r.block()
		if r.bad {
			return false
		}
		if !found.ok || format == rawHeader { // several records of a sample describe one packet
			found.read(format, body)
		}
	}
	d.drop(at, source, drops)
	if !found.seen {
		return true
	}
	now := g.At.UnixNano()
	rec := Record{Record: ingest.Record{
		Src: ingest.End{Addr: found.src}, Dest: ingest.End{Addr: found.dest}, Tx: found.bytes,
		Rate: max(uint64(rate), 1), Start: now, End: now,
	}}
	if !found.ok {
		rec.Why = ingest.OtherKind
	}
	d.add(rec, g.At)
	return true
}

// drop follows the number of samples that a source has dropped.
func (d *Decoder) drop(at *domain, source uint64, drops uint32) {
	if at.drops == nil {
		at.drops = map[uint64]uint32{}
	}
	before, known := at.drops[source]
	if !known && len(at.drops) >= maxSamplers {
		return
	}
	if grown := drops - before; known && grown < 1<<31 {
		d.counts.Dropped.Add(uint64(grown))
	}
	at.drops[source] = drops
}

// packet is a sampled packet. ok says that it is IP; otherwise bytes are those of its frame.
type packet struct {
	seen, ok  bool
	src, dest netip.Addr
	bytes     uint64
}

// read reads a record of a sample.
func (p *packet) read(format uint32, r reader) {
	switch format {
	case rawHeader:
		protocol, length, stripped := r.u32(), r.u32(), r.u32()
		header := r.bytes(r.u32())
		if r.bad {
			return
		}
		p.seen = true
		frame := uint64(length) - min(uint64(length), uint64(stripped))
		if q, ok := ofHeader(protocol, header, frame); ok {
			*p = q
		} else if !p.ok {
			p.bytes = frame
		}
	case sampledIPv4, sampledIPv6:
		n := uint32(4)
		if format == sampledIPv6 {
			n = 16
		}
		length := r.u32()
		r.u32() // protocol
		src, dest := r.bytes(n), r.bytes(n)
		if r.bad {
			return
		}
		p.seen, p.ok, p.bytes = true, true, uint64(length)
		p.src, _ = netip.AddrFromSlice(src)
		p.dest, _ = netip.AddrFromSlice(dest)
	}
}

// The protocols of headers.
const (
	ethernet = 1
	ipv4     = 11
	ipv6     = 12
)

// ofHeader returns the packet of a header. frame is the length of the frame in bytes.
func ofHeader(protocol uint32, b []byte, frame uint64) (p packet, ok bool) {
	whole := len(b)
	switch protocol {
	case ethernet:
		if b, ok = behindEthernet(b); !ok {
			return p, false
		}
	case ipv4, ipv6:
	default:
		return p, false
	}
	left := frame - min(frame, uint64(whole-len(b))) // bytes without layer 2, for packets that do not tell
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		p = packet{true, true, ip4(b[12:]), ip4(b[16:]), uint64(binary.BigEndian.Uint16(b[2:]))}
	case len(b) >= 40 && b[0]>>4 == 6:
		p = packet{true, true, netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])), 0}
		if payload := binary.BigEndian.Uint16(b[4:]); payload > 0 {
			p.bytes = uint64(payload) + 40
		}
	default:
		return p, false
	}
	if p.bytes == 0 {
		p.bytes = left
	}
	return p, true
}

// behindEthernet returns the IP packet of a frame, behind tags of VLANs and labels of MPLS.
func behindEthernet(b []byte) ([]byte, bool) {
	if len(b) < 14 {
		return nil, false
	}
	kind := binary.BigEndian.Uint16(b[12:])
	b = b[14:]
	for kind == 0x8100 || kind == 0x88a8 || kind == 0x9100 {
		if len(b) < 4 {
			return nil, false
		}
		kind = binary.BigEndian.Uint16(b[2:])
		b = b[4:]
	}
	switch kind {
	case 0x0800, 0x86dd:
		return b, true
	case 0x8847, 0x8848:
		for len(b) >= 4 {
			last := b[2]&1 != 0
			b = b[4:]
			if last {
				return b, true
			}
		}
	}
	return nil, false
}
