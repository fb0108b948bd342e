package decode

import (
	"encoding/binary"
	"errors"
	"testing"

	"flowring/flow/ingest"
)

func block(format uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	return append(u32(u32(nil, format), uint32(len(body))), body...)
}

// sflow returns a datagram.
func sflow(seq uint32, samples ...[]byte) []byte {
	b := u32(u32(u32(u32(u32(u32(u32(nil, 5), 1), 0xc0000201), 0), seq), 1000), uint32(len(samples)))
	for _, s := range samples {
		b = append(b, s...)
	}
	return b
}

// sample returns a sample of a packet at a rate, with records.
func sample(rate, drops uint32, records ...[]byte) []byte {
	b := u32(u32(u32(u32(u32(u32(u32(u32(nil, 1), 2), rate), 999), drops), 1), 2), uint32(len(records)))
	for _, r := range records {
		b = append(b, r...)
	}
	return block(flowSample, b)
}

func expanded(rate uint32, records ...[]byte) []byte {
	b := u32(u32(u32(u32(u32(u32(nil, 1), 0), 2), rate), 999), 0)
	b = u32(u32(u32(u32(u32(b, 0), 1), 0), 2), uint32(len(records)))
	for _, r := range records {
		b = append(b, r...)
	}
	return block(expandedSample, b)
}

// raw returns a record with the header of a frame.
func raw(protocol, frame uint32, header []byte) []byte {
	b := u32(u32(u32(u32(nil, protocol), frame), 4), uint32(len(header)))
	return block(rawHeader, append(b, header...))
}

func packetV4(length int) []byte {
	b := make([]byte, 28)
	b[0] = 0x45
	binary.BigEndian.PutUint16(b[2:], uint16(length))
	copy(b[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	return b
}

func packetV6(payload int) []byte {
	b := make([]byte, 48)
	b[0] = 0x60
	binary.BigEndian.PutUint16(b[4:], uint16(payload))
	b[8], b[23], b[24], b[39] = 0xfd, 1, 0xfd, 2
	return b
}

func frame(kind int, tags []byte, packet []byte) []byte {
	b := append(make([]byte, 12), tags...)
	return append(u16(b, kind), packet...)
}

// The length of a frame has layer 2 and its checksum: 1,518 bytes for an IP packet of 1,500. NetFlow counts 1,500.
func TestSFlowCountsIPBytes(t *testing.T) {
	v4 := append(append(u32(u32(nil, 700), 6), 10, 0, 0, 1, 10, 0, 0, 2), make([]byte, 16)...)
	for _, test := range []struct {
		name   string
		record []byte
		bytes  uint64
		src    string
	}{
		{"IPv4 in Ethernet", raw(ethernet, 1518, frame(0x0800, nil, packetV4(1500))), 1500, "10.0.0.1"},
		{"IPv4 behind a VLAN", raw(ethernet, 1522, frame(0x0800, []byte{0x81, 0, 0, 5}, packetV4(1500))), 1500, "10.0.0.1"},
		{"IPv4 behind MPLS", raw(ethernet, 1522, frame(0x8847, nil, append([]byte{0, 0, 1, 64}, packetV4(1500)...))), 1500, "10.0.0.1"},
		{"IPv6", raw(ethernet, 1518, frame(0x86dd, nil, packetV6(1460))), 1500, "fd00::1"},
		{"IPv4 without layer 2", raw(ipv4, 1504, packetV4(1500)), 1500, "10.0.0.1"},
		{"a packet that does not tell its length", raw(ethernet, 70018, frame(0x0800, nil, packetV4(0))), 70000, "10.0.0.1"},
		{"fields of IPv4", block(sampledIPv4, v4), 700, "10.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, s := range [][]byte{sample(100, 0, test.record), expanded(100, test.record)} {
				d, _ := decoder()
				records, err := d.SFlow(at(sflow(0, s)))
				if err != nil || len(records) != 1 {
					t.Fatalf("%d records, %v", len(records), err)
				}
				r := records[0]
				if r.Tx != test.bytes || r.Rate != 100 || r.Src.Addr.String() != test.src || r.Why != ingest.Kept || r.End != now.UnixNano() {
					t.Errorf("record = %+v, want %d bytes from %s", r, test.bytes, test.src)
				}
			}
		})
	}
}

// Several records of a sample describe one packet, and counters describe none.
func TestASampleIsOneRecord(t *testing.T) {
	v4 := append(append(u32(u32(nil, 1500), 6), 10, 0, 0, 1, 10, 0, 0, 2), make([]byte, 16)...)
	both := sample(10, 0, block(sampledIPv4, v4), block(1001, make([]byte, 16)), raw(ethernet, 1518, frame(0x0800, nil, packetV4(1500))))
	arp := sample(10, 0, raw(ethernet, 64, frame(0x0806, nil, make([]byte, 46))))
	counters := block(2, make([]byte, 100))
	d, _ := decoder()
	records, err := d.SFlow(at(sflow(0, both, counters, arp)))
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v, want 2", len(records), err)
	}
	if records[0].Tx != 1500 || records[0].Why != ingest.Kept || records[1].Why != ingest.OtherKind || records[1].Tx != 60 {
		t.Errorf("records = %+v", records)
	}
}

func TestSFlowReportsLosses(t *testing.T) {
	d, c := decoder()
	for i, drops := range []uint32{5, 5, 9} {
		if _, err := d.SFlow(at(sflow(uint32(i*2), sample(10, drops)))); err != nil {
			t.Fatal(err)
		}
	}
	if c.Missing[SFlow].Load() != 2 || c.Dropped.Load() != 4 {
		t.Errorf("missing %d, dropped %d, want 2 and 4", c.Missing[SFlow].Load(), c.Dropped.Load())
	}
}

func TestMalformedSFlowIsRefusedAsAWhole(t *testing.T) {
	good := sflow(0, sample(10, 0, raw(ethernet, 1518, frame(0x0800, nil, packetV4(1500)))), sample(10, 0))
	for n := range len(good) {
		d, c := decoder()
		if r, err := d.SFlow(at(good[:n])); !errors.Is(err, ErrMalformed) || len(r) > 0 || c.Malformed.Load() != 1 {
			t.Fatalf("cut at %d: %d records, %v", n, len(r), err)
		}
	}
	d, _ := decoder()
	if _, err := d.SFlow(at(u32(nil, 4))); !errors.Is(err, ErrVersion) {
		t.Errorf("v4: %v", err)
	}
}

func FuzzSFlow(f *testing.F) {
	f.Add(sflow(0, sample(10, 0, raw(ethernet, 1518, frame(0x0800, nil, packetV4(1500)))), expanded(1, raw(ipv6, 99, packetV6(9)))))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, c := decoder()
		records, err := d.SFlow(at(data))
		if (err != nil) != (c.Malformed.Load()+c.Unknown.Load() == 1) || err != nil && len(records) > 0 {
			t.Fatalf("%d records, %v", len(records), err)
		}
	})
}

// FuzzNetFlow gives a decoder two datagrams of any bytes, and holds its state to its bounds.
func FuzzNetFlow(f *testing.F) {
	fields := with(1, num(48, 2, 3), num(153, 8, 5))
	options := []value{num(48, 2, 3), num(50, 4, 64)}
	for _, form := range []Form{V9, IPFIX} {
		f.Add(messageOf(form, 0, templateSet(form, 256, fields...), optionsSet(form, 300, options...), optionData(300, options...)),
			messageOf(form, 1, dataSet(256, fields...)))
		f.Add(messageOf(form, 1, dataSet(256, fields...)), messageOf(form, 0, templateSet(form, 256, fields...)))
	}
	f.Add(v5(0, 10, 1, 2, 3), v5(1, 10, 1, 2, 3))
	uptimes, boot, none := with(1, num(22, 4, 1000), num(21, 4, 4000)), num(160, 8, 1<<40), num(160, 8, 0)
	start := func(of value) []byte { return optionData(300, of) }
	f.Add(ipfix(0, templateSet(IPFIX, 256, uptimes...), dataSet(256, uptimes...)),
		ipfix(1, optionsSet(IPFIX, 300, boot), start(boot), start(none)))
	f.Add(ipfix(0, templateSet(IPFIX, 256, uptimes...), dataSet(256, uptimes...), optionsSet(IPFIX, 300, boot), start(boot), start(none)),
		ipfix(1, dataSet(256, uptimes...), optionsSet(IPFIX, 301, none)))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d, c := decoder()
		for _, data := range [][]byte{a, b, a} {
			d.NetFlow(at(data))
			for n := 0; ; n++ {
				if _, ok := d.Release(); !ok {
					break
				}
				if n > 10 {
					t.Fatal("held datagrams release each other for ever")
				}
			}
		}
		cfg := settings()
		if c.Held.Load() < 0 || c.Held.Load() > int64(cfg.MaxHeld) || c.Templates.Load() > int64(cfg.MaxTemplates) ||
			c.Exporters.Load() > int64(cfg.MaxExporters) {
			t.Fatalf("held %d, templates %d, exporters %d", c.Held.Load(), c.Templates.Load(), c.Exporters.Load())
		}
		late := now.Add(cfg.HoldFor)
		for ok := true; ok; _, ok = d.Expire(late) {
		}
		for ok := true; ok; _, ok = d.Expire(late.Add(3 * cfg.TemplateLifetime)) {
		}
		if c.Held.Load() != 0 || c.Templates.Load() != 0 || c.Exporters.Load() != 0 {
			t.Fatalf("after all: held %d, templates %d, exporters %d", c.Held.Load(), c.Templates.Load(), c.Exporters.Load())
		}
	})
}
