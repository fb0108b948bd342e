package decode

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// now is the time of the exports and arrivals of the tests.
var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

var exporter = netip.MustParseAddrPort("192.0.2.1:5000")

func settings() Config {
	return Config{
		MaxExporters: 10, MaxTemplates: 20, MaxFields: 100, MaxHeld: 10_000, HoldFor: 30 * time.Second,
		TemplateLifetime: time.Hour, MaxAhead: 5 * time.Minute, Rate: 1, OutBytes: true,
	}
}

func decoder() (*Decoder, *Counts) {
	counts := new(Counts)
	return NewDecoder(settings(), counts), counts
}

func at(data []byte) Datagram { return Datagram{From: exporter, At: now, Data: data} }

// value is a field of a template with its value in a record. pen is of IPFIX alone.
type value struct {
	element uint16
	value   []byte
	pen     uint32
	vary    bool // with a variable length
}

func num(element uint16, length int, n uint64) value {
	b := binary.BigEndian.AppendUint64(nil, n)
	return value{element: element, value: b[8-length:]}
}

func ip(element uint16, text string) value {
	return value{element: element, value: netip.MustParseAddr(text).AsSlice()}
}

func u16(b []byte, n int) []byte    { return binary.BigEndian.AppendUint16(b, uint16(n)) }
func u32(b []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(b, n) }

// set returns a set with an ID.
func set(id int, body []byte) []byte { return append(u16(u16(nil, id), len(body)+4), body...) }

// layout returns the fields of a template.
func layout(fields []value) (b []byte) {
	for _, f := range fields {
		n := len(f.value)
		if f.vary {
			n = variable
		}
		b = u16(u16(b, int(f.element)), n)
		if f.pen != 0 {
			b = u32(b, f.pen)
		}
	}
	return b
}

// templateSet returns a set with a template for fields.
func templateSet(form Form, id int, fields ...value) []byte {
	setID := v9Templates
	if form == IPFIX {
		setID = ipfixTemplates
	}
	return set(setID, append(u16(u16(nil, id), len(fields)), layout(fields)...))
}

// optionsSet returns a set with a template for options, with a scope of 4 bytes before the fields.
func optionsSet(form Form, id int, fields ...value) []byte {
	if form == V9 {
		b := u16(u16(u16(nil, id), 4), 4*len(fields))
		return set(v9Options, append(u16(u16(b, 1), 4), layout(fields)...))
	}
	b := u16(u16(u16(nil, id), len(fields)+1), 1)
	return set(ipfixOptions, append(u16(u16(b, 149), 4), layout(fields)...))
}

// row returns a record.
func row(fields ...value) (b []byte) {
	for _, f := range fields {
		if f.vary {
			b = append(b, byte(len(f.value)))
		}
		b = append(b, f.value...)
	}
	return b
}

func dataSet(id int, fields ...value) []byte { return set(id, row(fields...)) }

func optionData(id int, fields ...value) []byte {
	return set(id, append(make([]byte, 4), row(fields...)...))
}

// uptime is that of the exporter of v9 at the time now.
const uptime = 1_000_000

// v9 returns a datagram. Its count is 1, whatever its sets are.
func v9(seq uint32, sets ...[]byte) []byte {
	b := u32(u32(u32(u32(u16(u16(nil, 9), 1), uptime), uint32(now.Unix())), seq), 7)
	for _, s := range sets {
		b = append(b, s...)
	}
	return b
}

func ipfix(seq uint32, sets ...[]byte) []byte {
	n := 16
	for _, s := range sets {
		n += len(s)
	}
	b := u32(u32(u32(u16(u16(nil, 10), n), uint32(now.Unix())), seq), 7)
	for _, s := range sets {
		b = append(b, s...)
	}
	return b
}

// messageOf returns a datagram of v9 or IPFIX.
func messageOf(form Form, seq uint32, sets ...[]byte) []byte {
	if form == V9 {
		return v9(seq, sets...)
	}
	return ipfix(seq, sets...)
}

// v5 returns a datagram with a record for each number of bytes.
func v5(seq uint32, sampling int, first, last uint32, bytes ...uint32) []byte {
	b := u32(u32(u32(u32(u16(u16(nil, 5), len(bytes)), uptime), uint32(now.Unix())), 0), seq)
	b = u16(u16(b, 0), sampling)
	for i, n := range bytes {
		r := append([]byte{10, 0, 0, byte(i), 10, 0, 1, byte(i)}, make([]byte, 40)...)
		binary.BigEndian.PutUint32(r[20:], n)
		binary.BigEndian.PutUint32(r[24:], first)
		binary.BigEndian.PutUint32(r[28:], last)
		b = append(b, r...)
	}
	return b
}

// pair are the addresses and bytes of most records.
func pair(bytes uint64) []value {
	return []value{ip(8, "10.0.0.1"), ip(12, "10.0.0.2"), num(1, 4, bytes)}
}

// with returns pair with more fields.
func with(bytes uint64, more ...value) []value { return append(pair(bytes), more...) }

// one decodes datagrams and returns the only record of all.
func one(t *testing.T, d *Decoder, datagrams ...[]byte) Record {
	t.Helper()
	all := every(t, d, datagrams...)
	if len(all) != 1 {
		t.Fatalf("%d records, want one", len(all))
	}
	return all[0]
}

// every decodes datagrams and returns all records, with those of held datagrams.
func every(t *testing.T, d *Decoder, datagrams ...[]byte) (all []Record) {
	t.Helper()
	for i, data := range datagrams {
		records, err := d.NetFlow(at(data))
		if err != nil {
			t.Fatalf("datagram %d: %v", i, err)
		}
		all = append(all, records...)
		for {
			records, ok := d.Release()
			if !ok {
				break
			}
			all = append(all, records...)
		}
	}
	return all
}

func eachForm(t *testing.T, test func(t *testing.T, form Form)) {
	for _, form := range []Form{V9, IPFIX} {
		t.Run(form.String(), func(t *testing.T) { test(t, form) })
	}
}
