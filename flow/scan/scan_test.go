package scan

import (
	"encoding/binary"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// good is a record as JSON; with replaces parts of it.
const good = `{"src_app":"foo","dest_app":"bar","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":20}`

func with(oldNew ...string) string { return strings.NewReplacer(oldNew...).Replace(good) }

// hourFirst is the record of good in another order.
var hourFirst = with(`,"hour":20`, "", "{", `{"hour":20,`)

// fakeReader is a RecordReader. It skips a record and adds nothing.
type fakeReader struct{ calls int }

func (f *fakeReader) ReadRecord(text []byte) (n int, ok bool) {
	f.calls++
	n = strings.IndexByte(string(text), '}') + 1
	return n, n > 0
}

// scanned is the outcome of one Scan.
type scanned struct {
	table Table
	left  int // records that went to the RecordReader
	ok    bool
}

func scan(body string) *scanned {
	var s Scanner
	var r scanned
	var others fakeReader
	r.table.Reset(0)
	r.ok = s.Scan([]byte(body), &r.table, &others)
	r.left = others.calls
	return &r
}

// The RecordReader is slower by a multiple. No other test detects plain records that go to it.
func TestPlainRecordsDoNotGoToTheRecordReader(t *testing.T) {
	spread := strings.NewReplacer("{", "{\n\t", ",", " ,\n\t", ":", " : ", "}", "\n}")
	for name, body := range map[string]string{
		"compact":              "[" + good + "," + good + "," + good + "]",
		"lines":                good + "\n" + good + "\n" + good + "\n",
		"indented":             "[\n" + spread.Replace(good+","+good+","+good) + "\n]\n",
		"other fields":         "[" + with("{", `{"a":"b","c":1,"d":-0.5e3,"e":null,"f":"é",`) + "]",
		"nested fields":        "[" + with("{", `{"a":{"b":["c",1,{}],"d":{"é":null}},"e":[ ],"f":[[true , -1.5],"g"],`) + "]",
		"8 levels":             "[" + with("{", `{"a":[[[[[[[[1]]]]]]]],`) + "]",
		"other names":          "[" + with("src_app", "src_ip", "dest_app", "dest_ip", "vpc_id", "vpc") + "]",
		"UTF-8":                "[" + with("foo", "日本語") + "]",
		"escapes":              "[" + with("foo", `\u00f6`, "bar", `b\"\\\/\b\f\n\r\t`, "vpc-0", `v\uD83d\uDE00ö`, "{", `{"a":"\n",`) + "]",
		"escapes in an array":  "[" + with("{", `{"a":["\n",{"\n":1}],`) + "]",
		"names of 256 bytes":   "[" + with("foo", strings.Repeat("x", 256)) + "]",
		"numbers of 16 digits": "[" + with("100", "9007199254740991", "20", "9999999999999999") + "]",
		"changing orders":      "[" + strings.Repeat(good+","+hourFirst+",", 20) + with(":", ": ", ",", ", ", "foo", `\n`) + "]",
		"changing forms":       "[" + good + "," + with("{", `{"a":1,`) + "," + with(":", ": ") + "," + good + "]",
	} {
		if s := scan(body); !s.ok || s.left > 0 || s.table.Records != strings.Count(body, `"hour"`) {
			t.Errorf("%s: Scan(%s) = %t, %d records, of which %d went to the RecordReader", name, body, s.ok, s.table.Records, s.left)
		}
	}
}

func TestARecordThatIsNotPlainGoesToTheRecordReader(t *testing.T) {
	for _, odd := range []string{
		with("20", "-1"), with("100", "1.0"), with("foo", `f\ud800`), with("foo", `\udc00\ud800`), with("foo", `\x`), with("foo", `\u00g0`),
		with("bar", `b\u000`), with("20", `"\t"`), with("foo", strings.Repeat(`\n`, 257)), with("foo", `\n`+strings.Repeat("x", 2000)),
		with("foo", `x\n`, "hour", `h\u006fur`), with("{", `{"a":[[[[[[[[[1]]]]]]]]],`), with(`"hour"`, `"HOUR"`),
		with(`"bytes_tx":100,`, ""), with(`,"hour":20`, ""), with("bytes_tx", "bytes_rx"), with("bytes_tx", "bytes_px"),
		with("bytes_rx", "bytes_vx"), with("dest_app", "src_app"),
	} {
		for _, before := range []string{good, strings.Repeat(good+","+hourFirst+",", 6) + good} { // one order, many orders
			s := scan("[" + before + "," + odd + "," + good + "]")
			if want := strings.Count(before, "hour") + 1; !s.ok || s.left != 1 || s.table.Records != want || len(s.table.Rows) != 1 {
				t.Errorf("Scan of %s between plain records = %t, %d records of %d flows, %d went to the RecordReader, want true, %d, 1, 1",
					odd, s.ok, s.table.Records, len(s.table.Rows), s.left, want)
			}
		}
	}
}

func TestRecordsOfOneFormAreReadByTheTemplate(t *testing.T) {
	var s Scanner
	var table Table
	table.Reset(0)
	s.body, s.table = []byte("["+strings.Repeat(good+",", 5)+with("foo", `f\ud800`)+"]"), &table
	first := s.object(1)
	second := s.repeat(first + 1)
	if end, want := second, 5*(len(good)+1); end != want || table.Records != 5 {
		t.Errorf("repeat ends at %d with %d records, want %d, 5: before the record that is not plain", end, table.Records, want)
	}
}

// A template that fits no record is wasted. Records of one form get a template again.
func TestFormsThatFitNoRecordStopTheTemplates(t *testing.T) {
	changing := strings.Repeat(with("{", `{"a":1,`)+good, 20)
	for _, tt := range []struct {
		body     string
		template bool
	}{
		{good + good, true}, {changing, false}, {changing + strings.Repeat(good, 18), true},
	} {
		var s Scanner
		var table Table
		table.Reset(0)
		if s.Scan([]byte(tt.body), &table, new(fakeReader)); len(s.template.holes) > 0 != tt.template {
			t.Errorf("after %d records the last template has %d values, want some: %t", table.Records, len(s.template.holes), tt.template)
		}
	}
}

// Records with escapes are read by the template of a record without, and the names of each are its own.
func TestNamesWithEscapesAreTheirText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		piece := rapid.SampledFrom([]string{`\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`, `\u0000`, `\u00fC`, `\uFFFD`, `\ud83d\udE00`, "ü", "x", "a long text "})
		name := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 1, 12).Draw(t, "pieces"), "") })
		var text, want string
		for range rapid.IntRange(1, 4).Draw(rt, "records") {
			all := [3]string{name.Draw(rt, "src"), name.Draw(rt, "dest"), name.Draw(rt, "vpc")}
			text += with("foo", all[0], "bar", all[1], "vpc-0", all[2])
			for _, escaped := range all {
				var name string
				if err := json.Unmarshal([]byte(`"`+escaped+`"`), &name); err != nil {
					rt.Fatal(err)
				}
				want += name + "|"
			}
		}
		r, got := scan(text), ""
		if names := r.table.Names(); r.ok && r.left == 0 {
			for _, row := range r.table.Rows {
				got += names[row.Src] + "|" + names[row.Dest] + "|" + names[row.VPC] + "|"
			}
		}
		if got != want && len(r.table.Rows) == strings.Count(text, "hour") {
			rt.Errorf("Scan(%s) = %t, names %q, want %q", text, r.ok, got, want)
		}
		if !r.ok || r.left > 0 {
			rt.Errorf("Scan(%s) = %t, %d records went to the RecordReader", text, r.ok, r.left)
		}
	})
}

func TestAUsedScannerKeepsNothingOfTheBodyBefore(t *testing.T) {
	var s Scanner
	var table Table
	wide := strings.ReplaceAll(good, ",", ","+strings.Repeat(" ", 30))
	for _, body := range []string{wide + wide, good + with("20", "x"), with("foo", "new")} {
		table.Reset(0)
		s.Scan([]byte(body), &table, new(fakeReader))
		if s.body != nil || s.table != nil || s.others != nil {
			t.Errorf("after Scan(%s) the Scanner still refers to its arguments", body)
		}
	}
	if got, want := string(table.text), "newbarvpc-0"; got != want || table.Records != 1 {
		t.Errorf("after a body of one record the table has %d records and the names %q, want 1, %q", table.Records, got, want)
	}
}

// Records of many orders, and the fields behind each other in each of them.
func TestRecordsInAnyOrderAreTheirFields(t *testing.T) {
	members := strings.Split(strings.Trim(good, "{}"), ",")
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.StringMatching("[a-zö]{1,20}|[a-z]{200}")
		text, want := strings.Repeat(good+hourFirst, 6), ""
		for range rapid.IntRange(1, 5).Draw(rt, "records") {
			src, tx := name.Draw(rt, "src"), rapid.Int64Range(1, 1<<53-1).Draw(rt, "tx")
			record := "{" + strings.Join(rapid.Permutation(members).Draw(rt, "order"), rapid.SampledFrom([]string{",", ", "}).Draw(rt, "comma")) + "}"
			text += strings.NewReplacer("foo", src, "100", strconv.FormatInt(tx, 10), "20", strconv.FormatInt(tx, 10)).Replace(record)
			want += src + " bar vpc-0 " + strconv.FormatInt(tx, 10) + "\n"
		}
		r, got := scan(text), ""
		names := r.table.Names()
		for _, row := range r.table.Rows[1:] {
			got += strings.Join([]string{names[row.Src], names[row.Dest], names[row.VPC], strconv.FormatInt(row.Tx, 10)}, " ") + "\n"
			if hour := r.table.Hours[row.Hour].Hour; hour != row.Tx || row.Rx != 500 {
				rt.Errorf("Scan(%s): hour %d and %d bytes received beside %d sent, want as many, 500", text, hour, row.Rx, row.Tx)
			}
		}
		if !r.ok || r.left > 0 || got != want {
			rt.Errorf("Scan(%s) = %t, %q, %d records went to the RecordReader, want true, %q, 0", text, r.ok, got, r.left, want)
		}
	})
}

func TestMarksFindTheFirstByte(t *testing.T) {
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
		_, marks := markNonDigits(w)
		if got := firstMarked(markStops(w)); got != stop {
			rt.Errorf("firstMarked(markStops(%q)) = %d, want %d", p, got, stop)
		}
		if got := firstMarked(marks); got != digits {
			rt.Errorf("firstMarked(markNonDigits(%q)) = %d, want %d", p, got, digits)
		}
		if stop < 8 {
			if got, want := w&maskBefore(markStops(w)), string(p[:stop]); string(binary.LittleEndian.AppendUint64(nil, got)[:stop]) != want {
				rt.Errorf("maskBefore(markStops(%q)) leaves %x, want %q", p, got, want)
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
		s := Scanner{body: []byte(text)}
		got, end := s.digits(0)
		if plain && (got != want || end != len(number)) || !plain && end >= 0 {
			rt.Errorf("digits(%q) = %d, %d, want %d, %d, plain %t", text, got, end, want, len(number), plain)
		}
	})
}

func TestPlainTextEndsWhereAStringDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching("[a-z é😀]{0,40}").Draw(rt, "text")
		for _, end := range []string{"", `"`, `"more`, `\`, "\n"} {
			s := Scanner{body: []byte("x" + text + end)}
			got, lo, hi, nonASCII := s.plainText(1)
			var head [16]byte
			copy(head[:], text)
			if got != 1+len(text) || lo != lowWord(&head) || hi != highWord(&head) || (nonASCII == 0) != (utf8.RuneCountInString(text) == len(text)) {
				rt.Errorf("plainText(%q, 1) = %d, %x, %x, %x", s.body, got, lo, hi, nonASCII)
			}
		}
	})
}

func TestAppendNumberIsAppendInt(t *testing.T) {
	check := func(n int64) {
		if got, want := string(AppendNumber([]byte("x"), n)), "x"+strconv.FormatInt(n, 10); got != want {
			t.Errorf("AppendNumber(%d) = %s, want %s", n, got, want)
		}
	}
	for n := range int64(10_000) { // every group of four digits, as the first and as the last
		check(n)
		check(n * 10_000)
	}
	for n := int64(1); n < 1e17; n *= 10 {
		check(n - 1)
		check(-n)
	}
	rapid.Check(t, func(rt *rapid.T) { check(rapid.Int64().Draw(rt, "n")) })
}
