package preset

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flowring/flow/ingest"
)

// small is a preset that changes replace lines of.
const small = `name: small
form: json
key: body
src: {name: ["{ns}/{app}", "{app}"], address: [ip, ip2]}
dest: {name: peer}
vpc: "{vpc}"
default_vpc: v
bytes: {tx: sent, rx: received}
rate: sampling
interval: {start: from, end: [to, seen], unit: s}
rules:
  - {when: {kind: [a, "{twin}"]}, set_aside: repeated}
  - {when: {end!: ["", x]}, keep: {made_at: receiver, tx: received}}
`

func parse(t *testing.T, text string) *Preset {
	t.Helper()
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// row makes a row of pairs of fields and values.
func row(p *Preset, pairs ...string) []string {
	values := make([]string, len(p.Fields()))
	for i := 0; i < len(pairs); i += 2 {
		if at := slices.Index(p.Fields(), pairs[i]); at >= 0 {
			values[at] = pairs[i+1]
		}
	}
	return values
}

func TestARowIsMapped(t *testing.T) {
	p := parse(t, small)
	base := []string{"app", "shop", "sent", "10", "to", "20"}
	for _, test := range []struct {
		name  string
		pairs []string
		check func(ingest.Record) bool
		why   ingest.Reason
	}{
		{"a template needs all of its fields", nil, func(r ingest.Record) bool { return r.Src.Name == "shop" && r.Dest.Name == "peer" }, 0},
		{"a template with two fields", []string{"ns", "eu"}, func(r ingest.Record) bool { return r.Src.Name == "eu/shop" }, 0},
		{"the first address", []string{"ip", "-", "ip2", "192.0.2.1"}, func(r ingest.Record) bool { return r.Src.Addr.String() == "192.0.2.1" }, 0},
		{"the rate", []string{"sampling", "50"}, func(r ingest.Record) bool { return r.Rate == 50 && r.Tx == 10 }, 0},
		{"no rate", nil, func(r ingest.Record) bool { return r.Rate == 1 }, 0},
		{"without a start the record is an instant", nil, func(r ingest.Record) bool { return r.Start == 20e9 && r.End == 20e9 }, 0},
		{"the second time", []string{"to", "0", "seen", "7"}, func(r ingest.Record) bool { return r.End == 7e9 }, 0},
		{"a rule by a value", []string{"kind", "a"}, nil, ingest.Repeated},
		{"a rule by another field", []string{"kind", "b", "twin", "b"}, nil, ingest.Repeated},
		{"an absent field equals no other absent field", nil, func(ingest.Record) bool { return true }, 0},
		{"a rule with a not", []string{"end", "y", "received", "3"}, func(r ingest.Record) bool { return r.MadeAt == ingest.AtReceiver && r.Tx == 3 && r.Rx == 0 }, 0},
		{"a rule with a not that does not hold", []string{"end", "x", "received", "3"}, func(r ingest.Record) bool { return r.MadeAt == ingest.Anywhere && r.Tx == 10 && r.Rx == 3 }, 0},
		{"no bytes", []string{"sent", ""}, nil, ingest.BadNumber},
		{"bytes as a decimal integer", []string{"sent", "1.5e3"}, func(r ingest.Record) bool { return r.Tx == 1500 }, 0},
		{"bytes with a fraction", []string{"sent", "1.5"}, nil, ingest.BadNumber},
		{"a decimal of 2^53", []string{"sent", "9007199254740992.0"}, nil, ingest.BadNumber},
		{"negative bytes", []string{"sent", "-1"}, nil, ingest.BadNumber},
		{"the largest integer", []string{"sent", "18446744073709551615"}, func(r ingest.Record) bool { return r.Tx == math.MaxUint64 }, 0},
		{"no time", []string{"to", ""}, nil, ingest.BadTime},
		{"a time with decimals", []string{"to", "20.5"}, func(r ingest.Record) bool { return r.End == 20_500_000_000 }, 0},
		{"a time that is none", []string{"to", "now"}, nil, ingest.BadTime},
		{"a time beyond all clocks", []string{"to", "9223372037"}, nil, ingest.BadTime},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, why, _ := p.Map(row(p, append(slices.Clone(base), test.pairs...)...))
			if why != test.why || why == ingest.Kept && !test.check(r) {
				t.Errorf("Map(%v) = %+v, %s", test.pairs, r, why)
			}
		})
	}
}

func TestARowThatIsSetAsideHasItsBytes(t *testing.T) {
	p := parse(t, small)
	for _, test := range []struct {
		pairs []string
		want  uint64
	}{
		{[]string{"kind", "a", "sent", "10", "received", "4", "sampling", "50"}, 700},
		{[]string{"kind", "a", "sent", "?"}, 0},
		{[]string{"kind", "a", "sent", "18446744073709551615", "received", "1"}, math.MaxUint64},
		{[]string{"sent", "10"}, 10}, // it has no time
	} {
		if _, why, got := p.Map(row(p, test.pairs...)); got != test.want || why == ingest.Kept {
			t.Errorf("bytes of %v = %d (%s), want %d", test.pairs, got, why, test.want)
		}
	}
}

func TestTimesOfAllUnits(t *testing.T) {
	for _, test := range []struct {
		text, unit string
		want       int64 // -1: refused
	}{
		{"1700000000", "s", 1700000000e9}, {"1700000000123", "ms", 1700000000123e6}, {"1700000000123456", "us", 1700000000123456e3},
		{"1700000000123456789", "ns", 1700000000123456789}, {"1700000000.123456789123", "s", 1700000000123456789},
		{"2023-11-14T22:13:20.123456789Z", "rfc3339", 1700000000123456789}, {"2023-11-14T23:13:20+01:00", "rfc3339", 1700000000e9},
		{"9999-01-01T00:00:00Z", "rfc3339", -1}, {"0001-01-01T00:00:00Z", "rfc3339", -1}, {"-1", "s", -1}, {"1e9", "s", -1}, {"1.x", "s", -1},
		{"9223372036854775806", "ns", 9223372036854775806}, {"9223372036854775807", "ns", -1}, {"9999999999999999999", "ns", -1},
		{"170000000012345678x", "ns", -1}, {"17000000001234567.5", "ns", 17000000001234567}, {"-170000000012345678", "ns", -1}, {"", "s", -1},
	} {
		got, ok := instant(test.text, test.unit)
		if !ok {
			got = -1
		}
		if got != test.want {
			t.Errorf("instant(%q, %s) = %d, want %d", test.text, test.unit, got, test.want)
		}
	}
}

func TestAFaultInAPresetIsNamed(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{"name: small", "name: Small", `name "Small": only`},
		{"name: small\n", "", "name is missing"},
		{"form: json", "form: xml", `form "xml": it is one of [json`},
		{"key: body", "key: row", `key "row"`},
		{"key: body", "key: records", "id is the template"},
		{"key: body", "key: records\nid: \"{a\"", "id: template"},
		{"key: body", "key: body\nenvelopes: [post]", "envelopes [post]: each is one of [firehose"},
		{"rate: sampling", "rates: sampling", "line 9: field rates not found"},
		{"rate: sampling", "rates: 1\nspeed: 2", "line 9: field rates not found; line 10: field speed not found"},
		{"name: peer", "app: peer", "line 5: field app not found"},
		{"{name: peer}", "peer", "line 5: cannot unmarshal !!str `peer`"},
		{"default_vpc: v\n", "", "default_vpc "},
		{"{app}\"]", "{app\"]", `src.name: template "{app": a field is a name in braces`},
		{`vpc: "{vpc}"`, `vpc: "vpc}"`, `vpc: template "vpc}": a } without a {`},
		{"dest: {name: peer}", "dest: {}", "dest needs a name or an address"},
		{"dest: {name: peer}", "dest: {name: peer, cut: hash}", `dest.cut "hash"`},
		{"tx: sent, ", "", "bytes.tx and interval.end"},
		{"unit: s", "unit: h", `interval.unit "h"`},
		{"repeated", "doubled", `line 12: unknown reason "doubled", known are [other-reporter`},
		{", set_aside: repeated", "", "line 12: a rule has either"},
		{"set_aside: repeated", "then: repeated", `line 12: a rule has when, set_aside and keep, not "then"`},
		{"made_at: receiver", "made: receiver", `line 13: keep has made_at, tx and rx, not "made"`},
		{"made_at: receiver", "made_at: home", `line 13: made_at "home"`},
		{"tx: received", "rx: received", "line 13: keep: rx without tx"},
		{"kind: [a,", "kind: [\"{\",", `line 12: template "{"`},
		{"rules:", "---\nrules:", "more than one document"},
	} {
		text := strings.Replace(small, test.old, test.new, 1)
		if text == small {
			t.Fatalf("%q is not in the preset", test.old)
		}
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("with %q: %v, want %s", test.new, err, test.want)
			continue
		}
		for _, inner := range []string{"\n", "yaml", "unmarshal errors", "preset."} {
			if strings.Contains(err.Error(), inner) {
				t.Errorf("with %q: the message has %q: %v", test.new, inner, err)
			}
		}
	}
	if _, err := Parse(make([]byte, maxFile+1)); err == nil {
		t.Error("a huge file is a preset")
	}
}

// TestTimesWithoutAZoneAreInUTC: nfdump and pmacct print local times.
func TestTimesWithoutAZoneAreInUTC(t *testing.T) {
	const second = 1_700_002_790
	for text, want := range map[string]int64{
		"2023-11-14 22:59:50": second * 1e9, "2023-11-14T22:59:50.250": second*1e9 + 250e6, "2023-11-14 22:59:50.000001": second*1e9 + 1e3,
		"2023-11-14T23:59:50+01:00": second * 1e9, "1700002790.5": second*1e9 + 500e6, "1700002790": second * 1e9,
	} {
		if got, ok := instant(text, datetime); got != want || !ok {
			t.Errorf("instant(%q) = %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "2023-11-14", "2023-13-14 22:59:50", "0000-00-00 00:00:00.000000", "1600-01-01 00:00:00", "22:59:50"} {
		if got, ok := instant(text, datetime); ok {
			t.Errorf("instant(%q) = %d, want no time", text, got)
		}
	}
}

func TestTheEmbeddedPresets(t *testing.T) {
	set := NewSet()
	want := []string{"aws-vpc", "beyla", "flp", "gcp-vpc", "goflow2", "goldmane", "nfdump", "nfdump-csv", "nfdump-csv-fast", "obi", "pmacct", "pmacct-csv"}
	if got := set.Names(); !slices.Equal(got, want) {
		t.Errorf("presets = %v, want %v", got, want)
	}
	for _, name := range want {
		p := set.Get(name)
		summary, _, _ := strings.Cut(p.About, "\n")
		if !strings.HasSuffix(summary, ".") || len(summary) > 110 {
			t.Errorf("%s: the first line of about is no summary: %q", name, summary)
		}
	}
}

// TestEachPresetSaysWhichLayerItsBytesAreOf: sums over packets, frames and payload differ by up to a third, so a reader
// must not mix them in one VPC.
func TestEachPresetSaysWhichLayerItsBytesAreOf(t *testing.T) {
	set := NewSet()
	layer := regexp.MustCompile(`(?m)^ *Bytes are (those of (IP packets|frames|payload)|as in the preset|those that nfcapd has stored)|See the preset`)
	vpcs := map[string]string{}
	for _, name := range set.Names() {
		p := set.Get(name)
		if !layer.MatchString(p.About) {
			t.Errorf("%s: about does not say which bytes count", name)
		}
		source, _, _ := strings.Cut(name, "-csv")
		source = strings.Replace(source, "nfdump", "goflow2", 1) // both have the records of NetFlow
		if other, used := vpcs[p.DefaultVPC]; used && other != source {
			t.Errorf("%s has the default VPC %s of %s, so that their bytes would be mixed", name, p.DefaultVPC, other)
		}
		vpcs[p.DefaultVPC] = source
	}
}

func TestAFileReplacesAPresetOfItsName(t *testing.T) {
	set := NewSet(parse(t, small), parse(t, strings.Replace(small, "small", "flp", 1)))
	if set.Get("small") == nil || set.Get("flp").DefaultVPC != "v" || set.Get("none") != nil {
		t.Errorf("presets = %v", set.Names())
	}
}

// FuzzParse maps rows of any preset that Parse accepts.
func FuzzParse(f *testing.F) {
	for _, p := range Builtin() {
		f.Add(p.Text, "1")
	}
	f.Add([]byte(small), "192.0.2.1")
	f.Fuzz(func(t *testing.T, content []byte, value string) {
		p, err := Parse(content)
		if err != nil {
			return
		}
		row := make([]string, len(p.Fields()))
		p.Map(row)
		for i := range row {
			row[i] = value
		}
		r, why, _ := p.Map(row)
		if again, whyAgain, _ := p.Map(row); again != r || why != whyAgain {
			t.Fatalf("one row has two outcomes: %+v and %+v", r, again)
		}
	})
}
