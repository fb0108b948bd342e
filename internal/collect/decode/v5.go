package decode

import (
	"encoding/binary"
	"net/netip"
	"time"

	"flowring/flow/ingest"
)

// version5 reads NetFlow v5: a header of 24 bytes and records of 48.
//
//	version u16 | count u16 | uptime u32 | seconds u32 | nanoseconds u32 | sequence u32 | engine u16 | sampling u16
func (d *Decoder) version5(g Datagram) ([]Record, error) {
	const head, each = 24, 48
	b := g.Data
	if len(b) < head {
		return nil, d.refuse(ErrMalformed)
	}
	count := int(binary.BigEndian.Uint16(b[2:]))
	if len(b) < head+count*each {
		return nil, d.refuse(ErrMalformed)
	}
	at := d.domain(g, V5, uint64(binary.BigEndian.Uint16(b[20:])))
	if at == nil {
		return nil, d.refuse(ErrExporters)
	}
	uptime := binary.BigEndian.Uint32(b[4:])
	now := int64(binary.BigEndian.Uint32(b[8:]))*int64(time.Second) + int64(binary.BigEndian.Uint32(b[12:]))
	rate := uint64(binary.BigEndian.Uint16(b[22:]) & 0x3fff) // the upper two bits are the mode
	if rate <= 1 {
		rate = d.cfg.Rate
	}
	d.follow(at, V5, binary.BigEndian.Uint32(b[16:]), step{units: uint32(count)}, step{uint32(count), true})
	for i := range count {
		r := b[head+i*each:][:each]
		d.add(Record{Record: ingest.Record{
			Src: ingest.End{Addr: ip4(r)}, Dest: ingest.End{Addr: ip4(r[4:])},
			Tx: uint64(binary.BigEndian.Uint32(r[20:])), Rate: rate,
			Start: before(binary.BigEndian.Uint32(r[24:]), uptime, now),
			End:   before(binary.BigEndian.Uint32(r[28:]), uptime, now),
		}}, g.At)
	}
	d.counts.Datagrams[V5].Add(1)
	return d.records, nil
}

func ip4(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) }
