package flow

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// scan returns the scanner after it has read a body.
func scan(t *testing.T, body string) *scanner {
	t.Helper()
	var b builder
	b.reset(0)
	s := new(scanner)
	s.reset([]byte(body), &b)
	if !s.array() {
		t.Fatalf("the scanner leaves the whole of %.200s to strict", body)
	}
	return s
}

// What is slower by a multiple is noticed by no other test.
func TestPlainRecordsAreLeftToNoOther(t *testing.T) {
	spread := strings.NewReplacer("{", "{\n\t", ",", " ,\n\t", ":", " : ", "}", "\n}")
	for name, body := range map[string]string{
		"compact":              "[" + good + "," + good + "," + good + "]",
		"indented":             "[\n" + spread.Replace(good+","+good+","+good) + "\n]\n",
		"other fields":         "[" + with("{", `{"a":"b","c":1,"d":-0.5e3,"e":null,"f":"é",`) + "]",
		"other names":          "[" + with("src_app", "src_ip", "dest_app", "dest_ip", "vpc_id", "vpc") + "]",
		"UTF-8":                "[" + with("foo", "日本語") + "]",
		"names of 256 bytes":   "[" + with("foo", strings.Repeat("x", 256)) + "]",
		"numbers of 16 digits": "[" + with("100", "9007199254740991", "20", "9999999999999999") + "]",
		"changing shapes":      "[" + good + "," + with("{", `{"a":1,`) + "," + with(":", ": ") + "," + good + "]",
	} {
		if s := scan(t, body); s.strict != nil {
			t.Errorf("%s: a record of %s was left to strict", name, body)
		}
	}
	if s := scan(t, "["+good+","+with("foo", `f\u006fo`)+","+good+"]"); s.strict == nil || s.build.records != 3 || len(s.build.rows) != 1 {
		t.Errorf("a record with an escape was not left to strict, or not added like the others")
	}
}

func TestRecordsOfOneShapeAreReadInOneGo(t *testing.T) {
	s := scan(t, "["+good+"]")
	s.body, s.closed, s.build.records = []byte("["+strings.Repeat(good+",", 4)+with("foo", `f\u006fo`)+"]"), 0, 0
	first := s.repeat(1)
	if end, want := s.repeat(first+1), 4*(len(good)+1); end != want || s.build.records != 4 {
		t.Errorf("repeat ends at %d with %d records, want %d, 4: before the record that is not plain", end, s.build.records, want)
	}
}

func TestDecodingAllocatesNothingForARecord(t *testing.T) {
	var d Decoder
	for _, n := range []int{5, 1000} {
		text := body(typical(n))
		if got := testing.AllocsPerRun(20, func() { _, _ = d.Decode(text) }); got > 8 {
			t.Errorf("a used Decoder allocates %v times for %d records, want at most 8 times", got, n)
		}
	}
}

func TestADecoderForgetsWhatItHasRead(t *testing.T) {
	var d Decoder
	large := body(typical(maxKept/80 + 1))
	if _, err := d.Decode(large); err != nil {
		t.Fatal(err)
	}
	if len(large) <= maxKept || d.builder.rows != nil || d.builder.text != nil || d.scanner.body != nil {
		t.Errorf("after %d bytes the Decoder keeps %d rows and %d bytes of names", len(large), cap(d.builder.rows), cap(d.builder.text))
	}
	wide := strings.ReplaceAll(good, ",", ","+strings.Repeat(" ", 30))
	for _, n := range []int{5, 1, 2} { // what stands between values is not to be looked for in the body before
		p, err := d.Decode([]byte("[" + strings.Repeat(wide+",", n) + wide + "]"))
		if err != nil || p.Records != n+1 {
			t.Errorf("Decode(%d records) = %+v, %v", n+1, p, err)
		}
	}
	for _, bad := range []string{"[" + good + ",", "[" + good + "," + with("foo", `\n`) + "}", "[" + with("20", "x")} {
		if p, err := d.Decode([]byte(bad)); err == nil {
			t.Errorf("Decode(%s) = %+v, want an error", bad, p)
		}
		p, err := d.Decode([]byte("[" + with("foo", "new") + "]"))
		if err != nil || p.Records != 1 || p.Flows() != 1 || p.Batches[0].Names[0] != "new" {
			t.Errorf("after a refused body Decode = %+v, %v, want one record of one flow", p, err)
		}
		if got, want := string(d.builder.text), "newbarvpc-0"; got != want {
			t.Errorf("after a record of three names the text of all names is %q, want %q", got, want)
		}
	}
}

func TestWordsFindTheFirstByte(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		odd := rapid.SampledFrom([]byte("\x00\x1f !\"#09/:;[\\]^~\x7f\x80\x8a\xa2\xdc\xff"))
		var p [8]byte
		for i := range p {
			p[i] = rapid.OneOf(rapid.Byte(), rapid.Just(byte('a')), rapid.Just(byte('5')), odd).Draw(rt, "byte")
		}
		w := binary.LittleEndian.Uint64(p[:])
		stop, digits := 0, 0
		for stop < 8 && p[stop] >= ' ' && p[stop] != '"' && p[stop] != '\\' {
			stop++
		}
		for digits < 8 && p[digits] >= '0' && p[digits] <= '9' {
			digits++
		}
		_, marks := nonDigits(w)
		if got := first(stops(w)); got != stop {
			rt.Errorf("first(stops(%q)) = %d, want %d", p, got, stop)
		}
		if got := first(marks); got != digits {
			rt.Errorf("first(nonDigits(%q)) = %d, want %d", p, got, digits)
		}
		if stop < 8 {
			if got, want := w&before(stops(w)), string(p[:stop]); string(binary.LittleEndian.AppendUint64(nil, got)[:stop]) != want {
				rt.Errorf("before(stops(%q)) leaves %x, want %q", p, got, want)
			}
		}
	})
}

func TestDigitsAreReadLikeStrconvDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`(0|[1-9][0-9]{0,18}|[0-9]{1,18})[,. }a:/]?`).Draw(rt, "text")
		number := strings.TrimRight(text, ",. }a:/")
		want, _ := strconv.ParseUint(number, 10, 64)
		plain := len(number) <= 16 && strconv.FormatUint(want, 10) == number
		s := scanner{body: []byte(text)}
		got, end := s.digits(0)
		if plain && (got != want || end != len(number)) || !plain && end >= 0 {
			rt.Errorf("digits(%q) = %d, %d, want %d, %d, plain %t", text, got, end, want, len(number), plain)
		}
	})
}

func TestPlainEndsWhereAStringDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching("[a-z é😀]{0,40}").Draw(rt, "text")
		for _, end := range []string{"", `"`, `"more`, `\`, "\n"} {
			s := scanner{body: []byte("x" + text + end)}
			got, lo, hi, wide := s.plain(1)
			var head [16]byte
			copy(head[:], text)
			if got != 1+len(text) || lo != lower(&head) || hi != upper(&head) || (wide == 0) != (utf8.RuneCountInString(text) == len(text)) {
				rt.Errorf("plain(%q, 1) = %d, %x, %x, %x", s.body, got, lo, hi, wide)
			}
		}
	})
}

func TestSymbolsAreTheOrderOfNames(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var table nameTable
		table.reset(rapid.SampledFrom([]int{2, 64}).Draw(rt, "slots"))
		want := map[string]uint32{}
		var order []string
		piece := rapid.SampledFrom([]string{"a", "b", "\x00", "12345678", "1234567890123456", strings.Repeat("z", 24)})
		for _, name := range rapid.SliceOf(rapid.Map(rapid.SliceOfN(piece, 1, 4), func(all []string) string { return strings.Join(all, "") })).Draw(rt, "names") {
			b := builder{nameTable: table}
			got := b.symbolOf([]byte(name))
			table = b.nameTable
			if _, is := want[name]; !is {
				want[name] = uint32(len(order))
				order = append(order, name)
			}
			if got != want[name] || string(table.bytes(got)) != name {
				rt.Fatalf("symbol(%q) = %d, %q, want %d", name, got, table.bytes(got), want[name])
			}
		}
		if got := table.strings(); fmt.Sprint(got) != fmt.Sprint(order) {
			rt.Errorf("strings() = %q, want %q", got, order)
		}
	})
}

func TestNamesThatAreAlikeAreToldApart(t *testing.T) {
	const n = 1000
	for _, format := range []string{"%04d", "service-%04d", "checkout-service-%04d", "%04d-checkout-service", "checkout-service-%04d-of-all-regions"} {
		var b builder
		b.reset(0)
		for i := range uint32(2 * n) {
			if got, want := b.symbolOf(fmt.Appendf(nil, format, i%n)), i%n; got != want {
				t.Fatalf("symbol of name %d of the form %s = %d", want, format, got)
			}
		}
	}
}

// No sender can prepare names or flows that fall together: hashes are others for every request (P16).
func TestHashesAreOthersForEveryRequest(t *testing.T) {
	hash := func() (name, flow uint64) {
		var b builder
		b.reset(0)
		b.symbolOf([]byte("name"))
		return b.names[0].hash, b.seeds.flow(20, triple{0, 1, 2})
	}
	name, flow := hash()
	again, other := hash()
	if name == again || flow == other {
		t.Errorf("two requests hash a name to %x and %x, a flow to %x and %x, want all different", name, again, flow, other)
	}
}

// Symbols and hours count up, and so do names, at any of their bytes: hashes must spread what does, whatever the seeds.
func TestHashesSpread(t *testing.T) {
	const n = 1 << 12
	for range 20 {
		var b builder
		b.reset(0)
		text := func(before, behind string) func(uint32) uint64 {
			return func(i uint32) uint64 {
				b.names = nil
				b.slots = free(b.slots, 16)
				b.symbolOf([]byte(fmt.Sprintf("%s%04d%s", before, i, behind)))
				return b.names[0].hash
			}
		}
		for name, hash := range map[string]func(i uint32) uint64{
			"sources":               func(i uint32) uint64 { return b.seeds.flow(20, triple{i, 1, 2}) },
			"targets":               func(i uint32) uint64 { return b.seeds.flow(20, triple{1, i, 2}) },
			"VPCs":                  func(i uint32) uint64 { return b.seeds.flow(20, triple{1, 2, i}) },
			"hours":                 func(i uint32) uint64 { return b.seeds.flow(Hour(i), triple{1, 2, 3}) },
			"the begin of a name":   text("", "-service"),
			"a name of 8 bytes":     text("app-", ""),
			"the second word":       text("service-", ""),
			"its end":               text("service-app-", ""),
			"the middle of a name":  text("service-checkout-", "-"+strings.Repeat("x", 20)),
			"the end of a long one": text("service-checkout-"+strings.Repeat("x", 20), ""),
		} {
			used := map[uint64]bool{}
			for i := range uint32(n) {
				used[hash(i)%n] = true
			}
			if got := float64(len(used)) / n; got < 0.6 { // 1-1/e is what chance gives
				t.Errorf("%s: %d hashes use %.2f of as many slots, want about 0.63", name, n, got)
			}
		}
	}
}
