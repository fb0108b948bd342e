package decode

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"flowring/flow/ingest"
)

const second = int64(time.Second)

// softflowd's v9 counts records in the header and leaves out templates and options. A reader that takes the count for
// the number of sets stops early, and loses datagrams without an error.
func TestTheCountOfTheHeaderIsNotUsed(t *testing.T) {
	d, _ := decoder()
	r := one(t, d, v9(0, templateSet(V9, 256, pair(0)...), templateSet(V9, 257, pair(0)...), dataSet(257, pair(9)...)))
	if r.Tx != 9 {
		t.Errorf("bytes = %d, want 9", r.Tx)
	}
}

func TestADatagramWaitsForItsTemplate(t *testing.T) {
	eachForm(t, func(t *testing.T, form Form) {
		d, c := decoder()
		data := messageOf(form, 0, dataSet(256, pair(5)...))
		if got := every(t, d, data); len(got) > 0 || c.Held.Load() != int64(len(data)) {
			t.Fatalf("without a template: %d records, %d bytes held", len(got), c.Held.Load())
		}
		if r := one(t, d, messageOf(form, 1, templateSet(form, 256, pair(0)...))); r.Tx != 5 {
			t.Errorf("bytes = %d, want 5", r.Tx)
		}
		if c.Held.Load() != 0 || c.HeldTotal.Load() != 1 || c.NoTemplate.Load() != 0 {
			t.Errorf("held %d, in total %d, lost %d", c.Held.Load(), c.HeldTotal.Load(), c.NoTemplate.Load())
		}
	})
}

// The known sets of a datagram wait with the others, so that it counts as a whole or not at all.
func TestADatagramIsNotCutByAMissingTemplate(t *testing.T) {
	d, c := decoder()
	every(t, d, v9(0, templateSet(V9, 256, pair(0)...)))
	if got := every(t, d, v9(1, dataSet(256, pair(1)...), dataSet(257, pair(2)...))); len(got) > 0 {
		t.Fatalf("%d records of a datagram that waits", len(got))
	}
	records, ok := d.Expire(now.Add(29 * time.Second))
	if ok {
		t.Fatalf("released %d records too early", len(records))
	}
	records, ok = d.Expire(now.Add(30 * time.Second))
	if !ok || len(records) != 1 || records[0].Tx != 1 || c.NoTemplate.Load() != 1 || c.Held.Load() != 0 {
		t.Errorf("at the end: %v, %d records, %d sets lost, %d bytes held", ok, len(records), c.NoTemplate.Load(), c.Held.Load())
	}
	if _, ok := d.Expire(now.Add(30 * time.Second)); ok {
		t.Error("released twice")
	}
}

// Two datagrams that have templates themselves and wait for a third template must not release each other for ever.
func TestHeldDatagramsWithTemplatesEnd(t *testing.T) {
	d, c := decoder()
	a := v9(0, templateSet(V9, 256, pair(0)...), dataSet(300, pair(1)...))
	b := v9(1, templateSet(V9, 257, pair(0)...), dataSet(300, pair(2)...))
	if got := every(t, d, a, b); len(got) != 0 || c.Held.Load() != int64(len(a)+len(b)) {
		t.Fatalf("%d records, %d bytes held", len(got), c.Held.Load())
	}
	if got := every(t, d, v9(2, templateSet(V9, 300, pair(0)...))); len(got) != 2 || c.Held.Load() != 0 {
		t.Errorf("%d records, %d bytes held, want 2 and 0", len(got), c.Held.Load())
	}
}

// A held datagram whose template has another layout since is refused. It ends neither the wait of others nor their count.
func TestAHeldDatagramThatIsRefusedHidesNoOther(t *testing.T) {
	d, c := decoder()
	every(t, d, v9(0, templateSet(V9, 256, pair(0)...)))
	every(t, d, v9(1, dataSet(256, pair(1)...), dataSet(300, pair(2)...)), v9(2, dataSet(300, pair(3)...)))
	every(t, d, v9(3, templateSet(V9, 256, value{element: 82, vary: true}, num(1, 8, 0))))
	ended := 0
	for _, ok := d.Expire(now.Add(time.Minute)); ok; _, ok = d.Expire(now.Add(time.Minute)) {
		ended++
	}
	if ended != 2 || c.Malformed.Load() != 1 || c.NoTemplate.Load() != 1 || c.Held.Load() != 0 {
		t.Errorf("%d datagrams ended, %d refused, %d sets lost, %d bytes held, want 2, 1, 1 and 0",
			ended, c.Malformed.Load(), c.NoTemplate.Load(), c.Held.Load())
	}
}

func TestHeldBytesAreBounded(t *testing.T) {
	cfg := settings()
	cfg.MaxHeld = 50
	c := new(Counts)
	d := NewDecoder(cfg, c)
	data := v9(0, dataSet(256, pair(5)...)) // 36 bytes
	if got := every(t, d, data, data); len(got) > 0 || c.Held.Load() != int64(len(data)) || c.NoTemplate.Load() != 1 {
		t.Errorf("%d records, %d bytes held, %d sets lost", len(got), c.Held.Load(), c.NoTemplate.Load())
	}
}

// An exporter that comes back with another port keeps its templates. Another address or domain has its own.
func TestTemplatesBelongToTheAddressAndDomain(t *testing.T) {
	d, c := decoder()
	every(t, d, v9(0, templateSet(V9, 256, pair(0)...)))
	g := at(v9(1, dataSet(256, pair(5)...)))
	g.From = netip.AddrPortFrom(exporter.Addr(), 6000)
	if r, err := d.NetFlow(g); err != nil || len(r) != 1 {
		t.Errorf("from another port: %d records, %v", len(r), err)
	}
	if r, _ := d.NetFlow(at(g.Data)); len(r) != 1 || c.Shared.Load() != 1 {
		t.Errorf("from the earlier port: %d records, %d warnings, want 1 and 1", len(r), c.Shared.Load())
	}
	g.From = netip.MustParseAddrPort("192.0.2.2:5000")
	if r, _ := d.NetFlow(g); len(r) != 0 {
		t.Errorf("from another address: %d records", len(r))
	}
	g.From, g.Data[19] = exporter, 8
	if r, _ := d.NetFlow(g); len(r) != 0 {
		t.Errorf("of another domain: %d records", len(r))
	}
	g.From = netip.AddrPortFrom(netip.MustParseAddr("::ffff:192.0.2.1"), 5000) // as a socket of both families reports it
	g.Data[19] = 7
	if r, _ := d.NetFlow(g); len(r) != 1 {
		t.Errorf("from the same address within IPv6: %d records", len(r))
	}
}

func TestTemplatesAreReplacedWithdrawnAndForgotten(t *testing.T) {
	d, c := decoder()
	every(t, d, ipfix(0, templateSet(IPFIX, 256, pair(0)...), templateSet(IPFIX, 257, pair(0)...)))
	longer := with(7, num(2, 4, 1))
	if r := one(t, d, ipfix(0, templateSet(IPFIX, 256, longer...), dataSet(256, longer...))); r.Tx != 7 {
		t.Errorf("bytes by the new layout = %d", r.Tx)
	}
	if c.Templates.Load() != 2 {
		t.Errorf("%d templates, want 2", c.Templates.Load())
	}
	every(t, d, ipfix(1, set(ipfixTemplates, u16(u16(nil, 256), 0))))
	if got := every(t, d, ipfix(1, dataSet(256, longer...))); len(got) > 0 || c.Templates.Load() != 1 {
		t.Errorf("after the withdrawal: %d records, %d templates", len(got), c.Templates.Load())
	}
	every(t, d, ipfix(1, set(ipfixTemplates, u16(u16(nil, ipfixTemplates), 0))))
	if c.Templates.Load() != 0 {
		t.Errorf("after the withdrawal of all: %d templates", c.Templates.Load())
	}
	every(t, d, ipfix(1, templateSet(IPFIX, 256, pair(0)...)))
	old := at(ipfix(1, dataSet(256, pair(1)...)))
	old.At = now.Add(61 * time.Minute)
	if r, _ := d.NetFlow(old); len(r) > 0 {
		t.Errorf("with a template that is too old: %d records", len(r))
	}
	for ok := true; ok; _, ok = d.Expire(now.Add(10 * time.Hour)) {
	}
	if c.Templates.Load() != 0 || c.Exporters.Load() != 0 || len(d.domains) != 0 {
		t.Errorf("after hours of silence: %d templates, %d exporters", c.Templates.Load(), c.Exporters.Load())
	}
}

func TestExportersAndTemplatesAreBounded(t *testing.T) {
	cfg := settings()
	cfg.MaxExporters, cfg.MaxTemplates, cfg.MaxFields = 1, 2, 3
	c := new(Counts)
	d := NewDecoder(cfg, c)
	every(t, d, v9(0, templateSet(V9, 256, pair(0)...), templateSet(V9, 257, pair(0)...), templateSet(V9, 258, pair(0)...)))
	if c.Templates.Load() != 2 || c.TooMany.Load() != 1 {
		t.Errorf("%d templates, %d refused, want 2 and 1", c.Templates.Load(), c.TooMany.Load())
	}
	every(t, d, v9(0, templateSet(V9, 256, with(0, num(21, 4, 0))...)))
	if c.Templates.Load() != 2 || c.TooMany.Load() != 2 {
		t.Errorf("a template with many fields: %d templates, %d refused, want 2 and 2", c.Templates.Load(), c.TooMany.Load())
	}
	if _, err := d.NetFlow(at(v5(0, 0, 0, 0, 1))); !errors.Is(err, ErrExporters) || c.Refused.Load() != 1 {
		t.Errorf("a second exporter: %v, %d refused", err, c.Refused.Load())
	}
}

// The uptime wraps after 49.7 days. Arithmetic in 64 bits puts a flow from before the wrap 49.7 days into the future.
func TestTimesOfUptimesWrap(t *testing.T) {
	base := now.UnixNano()
	for _, test := range []struct {
		name          string
		first, uptime uint32
		want          int64
	}{
		{"before", uptime - 5000, uptime, base - 5*second},
		{"at the export", uptime, uptime, base},
		{"a little later, because two clocks are read", uptime + 3, uptime, base + 3*ms},
		{"before the wrap", 1<<32 - 2000, 1000, base - 3*second},
		{"seven days before", uptime, uptime + 7*86400*1000, base - 7*86400*second},
		{"45 days before", uptime, uptime + 45*86400*1000, base - 45*86400*second},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := before(test.first, test.uptime, base); got != test.want {
				t.Errorf("before = %v, want %v", time.Duration(got-base), time.Duration(test.want-base))
			}
		})
	}
	d, _ := decoder()
	fields := with(1, num(22, 4, 1<<32-2000), num(21, 4, uptime))
	r := one(t, d, v9(0, templateSet(V9, 256, fields...), dataSet(256, fields...)))
	if want := base - (uptime+2000)*ms; r.Start != want || r.End != base || r.NoTime {
		t.Errorf("v9: interval %d to %d, want %d to %d", r.Start, r.End, want, base)
	}
	r = one(t, d, v5(0, 0, 1<<32-2000, uptime, 1))
	if want := base - (uptime+2000)*ms; r.Start != want || r.End != base {
		t.Errorf("v5: interval %d to %d, want %d to %d", r.Start, r.End, want, base)
	}
}

func TestEveryFieldOfATimeIsReadInBothForms(t *testing.T) {
	start, end := now.Add(-90*time.Second), now.Add(-30*time.Second)
	ntp := func(at time.Time) uint64 { return uint64(at.Unix()+2208988800)<<32 | 1<<31 }
	half := second / 2
	eachForm(t, func(t *testing.T, form Form) {
		for name, test := range map[string]struct {
			fields     []value
			start, end int64
		}{
			"seconds":      {[]value{num(150, 4, uint64(start.Unix())), num(151, 4, uint64(end.Unix()))}, start.UnixNano(), end.UnixNano()},
			"milliseconds": {[]value{num(152, 8, uint64(start.UnixMilli())), num(153, 8, uint64(end.UnixMilli()))}, start.UnixNano(), end.UnixNano()},
			"microseconds": {[]value{num(154, 8, ntp(start)), num(155, 8, ntp(end))}, start.UnixNano() + half, end.UnixNano() + half},
			"nanoseconds":  {[]value{num(156, 8, ntp(start)), num(157, 8, ntp(end))}, start.UnixNano() + half, end.UnixNano() + half},
			"deltas":       {[]value{num(158, 4, 90e6), num(159, 4, 30e6)}, start.UnixNano(), end.UnixNano()},
			"the end":      {[]value{num(153, 8, uint64(end.UnixMilli()))}, end.UnixNano(), end.UnixNano()},
			"an event":     {[]value{num(323, 8, uint64(end.UnixMilli()))}, end.UnixNano(), end.UnixNano()},
		} {
			d, _ := decoder()
			fields := with(1, test.fields...)
			r := one(t, d, messageOf(form, 0, templateSet(form, 256, fields...), dataSet(256, fields...)))
			if r.Start != test.start || r.End != test.end || r.NoTime {
				t.Errorf("%s: interval %d to %d, want %d to %d", name, r.Start, r.End, test.start, test.end)
			}
		}
	})
}

// Uptimes in IPFIX have no base but the time of the start, which options or the record tell. A datagram waits for it.
// Without it the time of the export counts, the record says so, and later ones do not wait.
func TestUptimesInIPFIXNeedTheStart(t *testing.T) {
	fields := with(1, num(22, 4, 1000), num(21, 4, 4000))
	boot := uint64(now.Add(-time.Minute).UnixMilli())
	option := num(160, 8, boot)
	template, options := templateSet(IPFIX, 256, fields...), optionsSet(IPFIX, 300, option)
	right := func(r Record) bool {
		return !r.NoTime && r.Start == now.UnixNano()-59*second && r.End == now.UnixNano()-56*second
	}
	d, c := decoder()
	if got := every(t, d, ipfix(0, template, dataSet(256, fields...))); len(got) > 0 || c.Held.Load() == 0 {
		t.Errorf("without the start: %+v, want a datagram that waits", got)
	}
	if r := one(t, d, ipfix(1, options, optionData(300, option))); !right(r) || c.Held.Load() != 0 {
		t.Errorf("the start comes in another datagram: %+v", r)
	}
	if r := one(t, d, ipfix(1, dataSet(256, fields...))); !right(r) {
		t.Errorf("the start is known: %+v", r)
	}
	d, _ = decoder()
	if r := one(t, d, ipfix(0, template, dataSet(256, fields...), options, optionData(300, option))); !right(r) {
		t.Errorf("the start stands behind the record: %+v", r)
	}
	with160 := append(slices.Clone(fields), option)
	if r := one(t, d, ipfix(0, templateSet(IPFIX, 257, with160...), dataSet(257, with160...))); !right(r) {
		t.Errorf("the record tells the start: %+v", r)
	}

	d, _ = decoder()
	with0 := append(slices.Clone(fields), num(160, 8, 0))
	if r := one(t, d, ipfix(0, templateSet(IPFIX, 257, with0...), dataSet(257, with0...), options, optionData(300, option))); !right(r) {
		t.Errorf("the record has a start of 0: %+v", r)
	}

	d, c = decoder()
	every(t, d, ipfix(0, template, dataSet(256, fields...)))
	got, ok := d.Expire(now.Add(time.Minute))
	if !ok || len(got) != 1 || !got[0].NoTime || got[0].Start != now.UnixNano() || got[0].End != now.UnixNano() || c.NoTemplate.Load() != 0 {
		t.Errorf("no start comes: %+v, %d sets lost", got, c.NoTemplate.Load())
	}
	if r := one(t, d, ipfix(1, dataSet(256, fields...))); !r.NoTime || c.Held.Load() != 0 {
		t.Errorf("none has come: %+v, %d bytes wait, want none", r, c.Held.Load())
	}
}

func TestARecordFarInTheFutureIsSetAside(t *testing.T) {
	d, _ := decoder()
	for minutes, want := range map[int]ingest.Reason{4: ingest.Kept, 6: ingest.Future} {
		fields := with(1, num(153, 8, uint64(now.Add(time.Duration(minutes)*time.Minute).UnixMilli())))
		if r := one(t, d, v9(0, templateSet(V9, 256, fields...), dataSet(256, fields...))); r.Why != want {
			t.Errorf("%d minutes ahead: %s, want %s", minutes, r.Why, want)
		}
	}
}

// OUT_BYTES and the elements of RFC 5103 never overwrite IN_BYTES, whichever comes later.
func TestBytesOfTheOtherDirectionNeverOverwrite(t *testing.T) {
	in, out := num(1, 4, 100), num(23, 4, 7)
	zero := num(23, 4, 0)
	reverse := value{element: 0x8001, pen: reversePEN, value: []byte{0, 0, 0, 9}}
	other := value{element: 0x8001, pen: 4242, value: []byte{0, 0, 0, 9}}
	for _, test := range []struct {
		name   string
		form   Form
		ignore bool
		fields []value
		tx, rx uint64
		why    ingest.Reason
	}{
		{"IN_BYTES first", V9, false, []value{in, out}, 100, 7, ingest.Kept},
		{"OUT_BYTES first", V9, false, []value{out, in}, 100, 7, ingest.Kept},
		{"OUT_BYTES is zero", V9, false, []value{in, zero}, 100, 0, ingest.Kept},
		{"OUT_BYTES is ignored", V9, true, []value{in, out}, 100, 0, ingest.Kept},
		{"OUT_BYTES alone", V9, true, []value{out}, 7, 0, ingest.Kept},
		{"the bytes behind a middlebox are the same", IPFIX, false, []value{in, out}, 100, 0, ingest.Kept},
		{"a biflow", IPFIX, false, []value{in, reverse}, 100, 9, ingest.Kept},
		{"a biflow, other order", IPFIX, false, []value{reverse, in}, 100, 9, ingest.Kept},
		{"another enterprise", IPFIX, false, []value{in, other}, 100, 0, ingest.Kept},
		{"initiator and responder", V9, false, []value{num(231, 4, 5), num(232, 8, 6)}, 5, 6, ingest.Kept},
		{"a running total", IPFIX, false, []value{num(85, 8, 5)}, 5, 0, ingest.Cumulative},
		{"no bytes", IPFIX, false, []value{num(233, 1, 5)}, 0, 0, ingest.OtherKind},
		{"a counter of 1 byte", V9, false, []value{num(1, 1, 200)}, 200, 0, ingest.Kept},
		{"a counter of 3 bytes", V9, false, []value{num(1, 3, 1<<24-1)}, 1<<24 - 1, 0, ingest.Kept},
		{"a counter of 8 bytes", V9, false, []value{num(1, 8, 1<<60)}, 1 << 60, 0, ingest.Kept},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := settings()
			cfg.OutBytes = !test.ignore
			d := NewDecoder(cfg, new(Counts))
			fields := append([]value{ip(8, "10.0.0.1"), ip(12, "10.0.0.2")}, test.fields...)
			r := one(t, d, messageOf(test.form, 0, templateSet(test.form, 256, fields...), dataSet(256, fields...)))
			if r.Tx != test.tx || r.Rx != test.rx || r.Why != test.why {
				t.Errorf("bytes = %d and %d (%s), want %d and %d (%s)", r.Tx, r.Rx, r.Why, test.tx, test.rx, test.why)
			}
		})
	}
}

// The field flowDirection is no direction with softflowd: it is 0 where the source is the smaller number.
func TestNothingIsSetAsideByDirectionUnlessAskedFor(t *testing.T) {
	for _, test := range []struct {
		setting  Direction
		says     uint64
		setAside bool
	}{{BothDirections, 0, false}, {BothDirections, 1, false}, {Ingress, 0, false}, {Ingress, 1, true}, {Egress, 0, true}, {Egress, 1, false}} {
		cfg := settings()
		cfg.Direction = test.setting
		d := NewDecoder(cfg, new(Counts))
		fields := with(1, num(61, 1, test.says))
		r := one(t, d, v9(0, templateSet(V9, 256, fields...), dataSet(256, fields...)))
		if (r.Why == ingest.Repeated) != test.setAside {
			t.Errorf("setting %d, record %d: %s", test.setting, test.says, r.Why)
		}
	}
}

func TestAddressesOfBothFamilies(t *testing.T) {
	d, _ := decoder()
	six := []value{ip(27, "2001:db8::1"), ip(28, "2001:db8::2"), num(1, 4, 5)}
	r := one(t, d, ipfix(0, templateSet(IPFIX, 256, six...), dataSet(256, six...)))
	if r.Src.Addr.String() != "2001:db8::1" || r.Dest.Addr.String() != "2001:db8::2" {
		t.Errorf("ends = %v, %v", r.Src.Addr, r.Dest.Addr)
	}
	mixed := append([]value{ip(8, "0.0.0.0"), ip(12, "0.0.0.0")}, six...)
	r = one(t, d, ipfix(1, templateSet(IPFIX, 257, mixed...), dataSet(257, mixed...)))
	if r.Src.Addr.String() != "2001:db8::1" {
		t.Errorf("source beside zeros = %v", r.Src.Addr)
	}
}

func TestValuesOfVariableLength(t *testing.T) {
	d, _ := decoder()
	fields := append([]value{{element: 82, value: []byte("eth0"), vary: true}}, pair(5)...)
	r := one(t, d, ipfix(0, templateSet(IPFIX, 256, fields...), dataSet(256, fields...)))
	if r.Tx != 5 || r.Src.Addr.String() != "10.0.0.1" {
		t.Errorf("record behind a name = %+v", r)
	}
	long := append([]byte{255, 1, 0}, make([]byte, 256)...)
	r = one(t, d, ipfix(1, set(256, append(long, row(pair(6)...)...))))
	if r.Tx != 6 {
		t.Errorf("record behind a long name = %+v", r)
	}
}

func TestMalformedDatagramsAreRefusedAsAWhole(t *testing.T) {
	good := v9(0, templateSet(V9, 256, pair(0)...), dataSet(256, pair(5)...))
	for name, data := range map[string][]byte{
		"empty":                 {},
		"a head of v9":          good[:19],
		"a cut set":             good[:len(good)-1],
		"a set of length 3":     append(append([]byte{}, good...), 1, 0, 0, 3),
		"a template of ID 255":  v9(0, templateSet(V9, 255, pair(0)...)),
		"a cut v5":              v5(0, 0, 0, 0, 1, 2)[:24+95],
		"a cut head of v5":      v5(0, 0, 0, 0)[:23],
		"IPFIX, too long":       ipfix(0, dataSet(256, pair(1)...))[:20],
		"a cut variable length": ipfix(0, templateSet(IPFIX, 256, value{element: 82, vary: true}), set(256, []byte{9, 1})),
	} {
		d, c := decoder()
		if r, err := d.NetFlow(at(data)); !errors.Is(err, ErrMalformed) || len(r) > 0 || c.Malformed.Load() != 1 {
			t.Errorf("%s: %d records, %v, counted %d", name, len(r), err, c.Malformed.Load())
		}
	}
	d, c := decoder()
	if _, err := d.NetFlow(at([]byte{0, 8, 0, 0})); !errors.Is(err, ErrVersion) || c.Unknown.Load() != 1 {
		t.Errorf("v8: %v", err)
	}
	padded := append(append([]byte{}, good...), 0, 0)
	if r := one(t, d, padded); r.Tx != 5 {
		t.Errorf("padding behind the sets: %+v", r)
	}
}
