package ingest

import (
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
)

// mapOf is a Names of single addresses.
type mapOf map[string]Name

func (m mapOf) Lookup(a netip.Addr) (Name, bool) {
	n, ok := m[a.String()]
	return n, ok
}

func engine() *Engine {
	return &Engine{
		Names:       mapOf{"192.0.2.1": {App: "web", VPC: "vpc-a"}, "2001:db8::1": {App: "db"}},
		Placeholder: External, VPC: "default", Observed: Private(),
	}
}

func addr(text string) End { return End{Addr: netip.MustParseAddr(text)} }

// run maps one record.
func run(e *Engine, r Record) (out []flow.Record, c Counts, why Reason) {
	why = e.Map(&r, &c, func(f flow.Record) { out = append(out, f) })
	return out, c, why
}

func TestNames(t *testing.T) {
	cut := func(change func(*Engine)) *Engine {
		e := engine()
		change(e)
		return e
	}
	long := strings.Repeat("x", flow.MaxName+1)
	for _, test := range []struct {
		name   string
		engine *Engine
		src    End
		vpc    string
		want   string // src app and VPC; or the reason
	}{
		{"a name of the source comes first", engine(), End{Name: "shop", Addr: netip.MustParseAddr("192.0.2.1")}, "", "shop vpc-a"},
		{"an address has the name of the file", engine(), addr("192.0.2.1"), "", "web vpc-a"},
		{"an IPv4 address within IPv6 is the same address", engine(), addr("::ffff:192.0.2.1"), "", "web vpc-a"},
		{"an IPv6 address has a name", engine(), addr("2001:db8::1"), "", "db default"},
		{"an unknown address stays an address", engine(), addr("198.51.100.7"), "", "198.51.100.7 default"},
		{"a zone is no part of an address", engine(), addr("fe80::1%eth0"), "", "fe80::1 default"},
		{"an end without name and address has the placeholder", engine(), End{}, "", "external default"},
		{"the VPC of the record comes first", engine(), addr("192.0.2.1"), "vpc-b", "web vpc-b"},
		{"the file may come first", cut(func(e *Engine) { e.NamesFirst = true }), End{Name: "shop", Addr: netip.MustParseAddr("192.0.2.1")}, "", "web vpc-a"},
		{"addresses may be hidden", cut(func(e *Engine) { e.HideAddresses = true }), addr("198.51.100.7"), "", "external default"},
		{"an end without any name", cut(func(e *Engine) { e.Placeholder = "" }), End{}, "", "no-name"},
		{"a name that is too long", engine(), End{Name: long}, "", "bad-name"},
		{"a name that is no UTF-8", engine(), End{Name: "\xff"}, "", "bad-name"},
		{"a VPC that is too long", engine(), addr("192.0.2.1"), long, "bad-name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _, why := run(test.engine, Record{Src: test.src, Dest: End{Name: "peer"}, VPC: test.vpc, Tx: 1, Start: 0, End: 1})
			got := why.String()
			if why == Kept {
				got = out[0].SrcApp + " " + out[0].VPCID
			}
			if got != test.want {
				t.Errorf("name of %+v = %s, want %s", test.src, got, test.want)
			}
		})
	}
}

func TestARecordOfTheReceiverCountsOnlyIfItsSenderIsNotObserved(t *testing.T) {
	for _, test := range []struct {
		name string
		src  string
		at   MadeAt
		want Reason
	}{
		{"the sender's own record", "10.0.0.1", AtSender, Kept},
		{"the receiver's record of an observed sender", "10.0.0.1", AtReceiver, OtherReporter},
		{"the receiver's record of an observed sender, within IPv6", "::ffff:10.0.0.1", AtReceiver, OtherReporter},
		{"the receiver's record of an IPv6 sender", "fd00::1", AtReceiver, OtherReporter},
		{"the receiver's record of a sender with a name", "192.0.2.1", AtReceiver, OtherReporter},
		{"the receiver's record of a sender outside", "198.51.100.7", AtReceiver, Kept},
		{"the record of a single observer", "10.0.0.1", Anywhere, Kept},
		{"a record of either end, both observed", "10.0.0.1", AtOneEnd, UnknownReporter},
		{"a record of either end, one observed", "198.51.100.7", AtOneEnd, Kept},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, c, why := run(engine(), Record{Src: addr(test.src), Dest: addr("10.0.0.2"), Tx: 7, MadeAt: test.at, End: 1})
			if why != test.want {
				t.Fatalf("record of %s = %s, want %s", test.src, why, test.want)
			}
			if want := (Sum{1, 7}); why != Kept && c.Aside[why] != want {
				t.Errorf("set aside = %+v, want %+v", c.Aside[why], want)
			}
		})
	}
}

func TestARecordIsTurnedOnlyIfAskedFor(t *testing.T) {
	r := Record{Src: End{Name: "server"}, Dest: End{Name: "client"}, Tx: 5, Rx: 2, Answer: true, End: 1}
	for _, turn := range []bool{false, true} {
		e := engine()
		e.FromInitiator = turn
		out, _, _ := run(e, r)
		want := flow.Record{Key: flow.Key{SrcApp: "server", DestApp: "client", VPCID: "default"}, Totals: flow.Totals{BytesTx: 5, BytesRx: 2}}
		if turn {
			want.SrcApp, want.DestApp, want.BytesTx, want.BytesRx = "client", "server", 2, 5
		}
		if len(out) != 1 || out[0] != want {
			t.Errorf("record with FromInitiator=%v = %+v, want %+v", turn, out, want)
		}
	}
}

func TestBytesAreScaledOnceAndNeverWrap(t *testing.T) {
	for _, test := range []struct {
		name         string
		tx, rx, rate uint64
		want         uint64 // tx; 0: too large
	}{
		{"no rate is one", 10, 0, 0, 10},
		{"a rate", 10, 0, 50, 500},
		{"the largest number", math.MaxInt64, math.MaxInt64, 1, math.MaxInt64},
		{"over 63 bits", math.MaxInt64 + 1, 0, 1, 0},
		{"over 64 bits", 1 << 63, 0, 4, 0},
		{"the other direction is over 64 bits", 1, 1 << 63, 4, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, c, why := run(engine(), Record{Src: addr("192.0.2.1"), Dest: addr("192.0.2.2"), Tx: test.tx, Rx: test.rx, Rate: test.rate, End: 1})
			var sum uint64
			for _, f := range out {
				sum += uint64(f.BytesTx)
			}
			if sum != test.want || (why == TooLarge) != (test.want == 0) {
				t.Errorf("%d bytes at rate %d = %d (%s), want %d", test.tx, test.rate, sum, why, test.want)
			}
			if why == TooLarge && (c.Aside[TooLarge].Records != 1 || c.Aside[TooLarge].Bytes < math.MaxInt64) {
				t.Errorf("set aside = %+v, want one record of at least 2^63-1 bytes", c.Aside[TooLarge])
			}
		})
	}
}

func TestAnIntervalIsSharedOutToItsHours(t *testing.T) {
	const h, m = hour, hour / 60
	for _, test := range []struct {
		name       string
		start, end int64
		want       []int64 // hour, bytes of 100; ...
		note       Note
	}{
		{"within an hour", 5 * m, 6 * m, []int64{0, 100}, NumberOfNotes},
		{"over the edge", 50 * m, 70 * m, []int64{0, 50, 1, 50}, NumberOfNotes},
		{"the rest is in the last hour", 59 * m, 62 * m, []int64{0, 33, 1, 67}, NumberOfNotes},
		{"three hours", 30 * m, 150 * m, []int64{0, 25, 1, 50, 2, 25}, NumberOfNotes},
		{"an interval that ends on the hour", 30 * m, h, []int64{0, 100}, NumberOfNotes},
		{"an instant on the hour", h, h, []int64{1, 100}, NumberOfNotes},
		{"before 1970", -30 * m, 30 * m, []int64{-1, 50, 0, 50}, NumberOfNotes},
		{"a share below one byte is no record", h - 1, h + h/2, []int64{1, 100}, NumberOfNotes},
		{"the end is before the start", 3 * h, h, []int64{1, 100}, EndsTooEarly},
		{"longer than a day", h, 25*h + 1, []int64{25, 100}, LongInterval},
		{"the longest possible", math.MinInt64, math.MaxInt64, []int64{math.MaxInt64 / h, 100}, LongInterval},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, c, _ := run(engine(), Record{Src: addr("192.0.2.1"), Dest: addr("192.0.2.2"), Tx: 100, Start: test.start, End: test.end})
			var got []int64
			for _, f := range out {
				got = append(got, int64(f.Hour), f.BytesTx)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("hours of (%d, %d] = %v, want %v", test.start, test.end, got, test.want)
			}
			for n := range NumberOfNotes {
				if (c.Notes[n] == 1) != (n == test.note) {
					t.Errorf("note %s = %d", n, c.Notes[n])
				}
			}
		})
	}
}

func TestADayHasAtMost25Parts(t *testing.T) {
	out, _, _ := run(engine(), Record{Src: addr("192.0.2.1"), Dest: addr("192.0.2.2"), Tx: 1 << 40, Start: hour / 2, End: hour/2 + maxSplit})
	if len(out) != 25 {
		t.Errorf("parts of a day = %d, want 25", len(out))
	}
}

func TestAPartOverTheLimitOfARecordBecomesSeveral(t *testing.T) {
	out, c, _ := run(engine(), Record{Src: addr("192.0.2.1"), Dest: addr("192.0.2.2"), Tx: 2*flow.MaxBytes + 5, Rx: 7, End: 1})
	var tx, rx uint64
	for _, f := range out {
		if f.BytesTx > flow.MaxBytes || f.BytesRx > flow.MaxBytes {
			t.Errorf("record %+v exceeds %d", f, uint64(flow.MaxBytes))
		}
		tx, rx = tx+uint64(f.BytesTx), rx+uint64(f.BytesRx)
	}
	if len(out) != 3 || tx != 2*flow.MaxBytes+5 || rx != 7 || c.Kept.Records != 1 {
		t.Errorf("%d records with %d and %d bytes, want 3 with all", len(out), tx, rx)
	}
}

// anyRecord draws a record with all kinds of times, sizes and ends.
func anyRecord(t *rapid.T) Record {
	end := rapid.SampledFrom([]End{{}, {Name: "a"}, {Name: "\xff"}, addr("10.1.2.3"), addr("192.0.2.1"), addr("203.0.113.9"), addr("2001:db8::1")})
	small := rapid.OneOf(rapid.Uint64Max(5), rapid.Uint64Max(1<<40), rapid.Uint64())
	start := rapid.OneOf(rapid.Int64Range(0, 30*hour), rapid.Int64()).Draw(t, "start")
	long := rapid.OneOf(rapid.Int64Range(-hour, 30*hour), rapid.Int64Range(0, 10)).Draw(t, "length")
	r := Record{
		Src: end.Draw(t, "src"), Dest: end.Draw(t, "dest"), Tx: small.Draw(t, "tx"), Rx: small.Draw(t, "rx"),
		Rate: rapid.SampledFrom([]uint64{0, 1, 50, 1 << 32}).Draw(t, "rate"), Start: start, End: start + long,
		MadeAt: MadeAt(rapid.IntRange(0, 3).Draw(t, "at")), Answer: rapid.Bool().Draw(t, "answer"),
	}
	if r.End < start != (long < 0) {
		r.End = start // the sum wrapped
	}
	return r
}

// TestWhatIsStoredIsWhatIsKept compares the engine with sums of big integers: the sum stored is the sum kept, each hour
// has its share, and records and bytes kept and set aside are those received.
func TestWhatIsStoredIsWhatIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, c, sum := engine(), Counts{}, big.NewInt(0)
		e.FromInitiator = rapid.Bool().Draw(t, "turn")
		received, kept := big.NewInt(0), big.NewInt(0)
		n := rapid.IntRange(0, 10).Draw(t, "records")
		for range n {
			r := anyRecord(t)
			parts := map[flow.Hour]*big.Int{}
			why := e.Map(&r, &c, func(f flow.Record) {
				if f.BytesTx < 0 || f.BytesRx < 0 || f.BytesTx > flow.MaxBytes || f.BytesRx > flow.MaxBytes {
					t.Fatalf("record %+v is out of range", f)
				}
				bytes := new(big.Int).Add(big.NewInt(f.BytesTx), big.NewInt(f.BytesRx))
				sum.Add(sum, bytes)
				if parts[f.Hour] == nil {
					parts[f.Hour] = new(big.Int)
				}
				parts[f.Hour].Add(parts[f.Hour], bytes)
			})
			rate := new(big.Int).SetUint64(max(r.Rate, 1))
			all := new(big.Int).Add(new(big.Int).SetUint64(r.Tx), new(big.Int).SetUint64(r.Rx))
			all.Mul(all, rate)
			received.Add(received, all)
			if why == Kept {
				kept.Add(kept, all)
			}
			checkParts(t, r, all, parts)
		}
		if sum.Cmp(kept) != 0 {
			t.Fatalf("stored %s bytes, kept %s", sum, kept)
		}
		checkCounts(t, &c, n, received, kept)
	})
}

// checkParts holds the parts of a record to the proportion, up to a byte for each direction.
func checkParts(t *rapid.T, r Record, all *big.Int, parts map[flow.Hour]*big.Int) {
	if len(parts) > 25 {
		t.Fatalf("%+v has %d hours", r, len(parts))
	}
	length := r.End - r.Start
	if length <= 0 || length > maxSplit || len(parts) < 2 {
		return
	}
	for h, bytes := range parts {
		from, to := max(r.Start, int64(h)*hour), min(r.End, int64(h+1)*hour)
		exact := new(big.Int).Mul(all, big.NewInt(to-from))
		exact.Div(exact, big.NewInt(length))
		if off := exact.Sub(bytes, exact); off.CmpAbs(big.NewInt(52)) > 0 { // the last hour has the rests of 25 hours and 2 directions
			t.Fatalf("hour %d of %+v has %s bytes, which is off by %s", h, r, bytes, off)
		}
	}
}

func checkCounts(t *rapid.T, c *Counts, n int, received, kept *big.Int) {
	records, bytes := c.Kept.Records, c.Kept.Bytes
	for why := range Reasons() {
		records += c.Aside[why].Records
		bytes = addUp(bytes, c.Aside[why].Bytes)
	}
	if records != uint64(n) || c.Received.Records != uint64(n) || bytes != c.Received.Bytes {
		t.Fatalf("kept and set aside %d records and %d bytes, received %+v, want %d records", records, bytes, c.Received, n)
	}
	if received.BitLen() < 63 && received.Uint64() != c.Received.Bytes {
		t.Fatalf("received %d bytes, want %s", c.Received.Bytes, received)
	}
	if kept.BitLen() < 64 && kept.Uint64() != c.Kept.Bytes {
		t.Fatalf("kept %d bytes, want %s", c.Kept.Bytes, kept)
	}
}

func TestAReasonIsReadBack(t *testing.T) {
	seen := 0
	for r := range Reasons() {
		if back, ok := ParseReason(r.String()); !ok || back != r || r.String() == "" {
			t.Errorf("ParseReason(%q) = %v, %v", r, back, ok)
		}
		seen++
	}
	if _, ok := ParseReason("kept"); ok || seen != int(reasons)-1 {
		t.Errorf("kept is a reason, or %d are listed", seen)
	}
}

func TestAppNamesWithHashesAreCut(t *testing.T) {
	for name, want := range map[string]string{
		"frontend-78cb8f69c8-*":     "frontend",
		"frontend-78cb8f69c8-x2x7p": "frontend",
		"node-agent-*":              "node-agent",
		"node-agent-x2x7p":          "node-agent-x2x7p",
		"my-shop":                   "my-shop",
		"shop-db-*":                 "shop-db",
		"a-server-tests":            "a-server-tests",
		"pub":                       "pub",
		"-*":                        "-*",
		"":                          "",
	} {
		if got := Workload(name); got != want {
			t.Errorf("Workload(%q) = %q, want %q", name, got, want)
		}
	}
}
