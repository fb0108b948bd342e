package csv

import (
	"bytes"
	stdcsv "encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/flow/field"
)

// header is the header of most tests.
const header = "src_app,dest_app,vpc_id,bytes_tx,bytes_rx,hour\n"

// good is a record as JSON.
const good = `{"src_app":"foo","dest_app":"bar","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":20}`

// The refusals of values by the contract.
const (
	wantName  = "must be a string of 1 to 256 bytes"
	wantBytes = "must be an integer from 0 to 9007199254740991"
	wantHour  = "must be an integer from -9223372036854775808 to 9223372036854775807"
)

// decode is Decode without a limit on records.
func decode(body []byte) (*flow.Posting, error) { return new(Decoder).Decode(body, 1<<30) }

// rec returns a record of the flow a to b in v.
func rec(hour flow.Hour, a, b, v string, tx, rx int64) flow.Record {
	return flow.Record{Key: flow.Key{SrcApp: a, DestApp: b, VPCID: v}, Totals: flow.Totals{BytesTx: tx, BytesRx: rx}, Hour: hour}
}

// added returns the posting of records.
func added(t testing.TB, records ...flow.Record) *flow.Posting {
	t.Helper()
	p, err := flow.AddUp(records)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// allocated returns the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestCSVIsAccepted(t *testing.T) {
	normal := rec(20, "foo", "bar", "vpc-0", 100, 500)
	for name, c := range map[string]struct {
		body string
		want flow.Record
	}{
		"a header and a row":            {header + "foo,bar,vpc-0,100,500,20\n", normal},
		"no line end behind the last":   {header + "foo,bar,vpc-0,100,500,20", normal},
		"line ends of CRLF":             {"src_app,dest_app,vpc_id,bytes_tx,bytes_rx,hour\r\nfoo,bar,vpc-0,100,500,20\r\n", normal},
		"empty lines":                   {"\n\r\n" + header + "\n\r\nfoo,bar,vpc-0,100,500,20\n\n\n", normal},
		"a byte order mark":             {"\xef\xbb\xbf" + header + "foo,bar,vpc-0,100,500,20\n", normal},
		"other names":                   {"src_ip,dest_ip,vpc,bytes_tx,bytes_rx,hour\nfoo,bar,vpc-0,100,500,20\n", normal},
		"another order":                 {"hour,bytes_rx,bytes_tx,vpc_id,dest_app,src_app\n20,500,100,vpc-0,bar,foo\n", normal},
		"everything in quotes":          {"\"src_app\",\"dest_app\",\"vpc_id\",\"bytes_tx\",\"bytes_rx\",\"hour\"\n\"foo\",\"bar\",\"vpc-0\",\"100\",\"500\",\"20\"\n", normal},
		"unknown columns":               {"a,src_app,,dest_app,vpc_id,a,bytes_tx,bytes_rx,hour,HOUR\n1,foo,\"x,\ny\",bar,vpc-0,,100,500,20,x\n", normal},
		"an empty unknown cell at last": {"src_app,dest_app,vpc_id,bytes_tx,bytes_rx,hour,a\nfoo,bar,vpc-0,100,500,20,\n", normal},
		"quotes, commas and line ends within quotes": {
			header + "\"a\"\"b,c\r\nd\re\n\",\" \",\"\"\"\",-0,9007199254740991,-9223372036854775808\n",
			rec(-1<<63, "a\"b,c\r\nd\re\n", " ", `"`, 0, flow.MaxBytes),
		},
		"names of 256 bytes": {header + strings.Repeat("é", 128) + ",=1+1,vpc-0,100,500,20\n", rec(20, strings.Repeat("é", 128), "=1+1", "vpc-0", 100, 500)},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := decode([]byte(c.body))
			if err != nil {
				t.Fatalf("Decode(%q) = %v, want no error", c.body, err)
			}
			if want := added(t, c.want); !reflect.DeepEqual(p, want) {
				t.Errorf("Decode(%q) = %+v, want %+v", c.body, p, want)
			}
		})
	}
	for _, body := range []string{header, strings.TrimSpace(header), header + "\r\n\n"} {
		if p, err := decode([]byte(body)); err != nil || p.Records != 0 || len(p.Batches) != 0 {
			t.Errorf("Decode(%q) = %+v, %v, want no records and no error", body, p, err)
		}
	}
}

func TestCSVIsRefused(t *testing.T) {
	const row = "foo,bar,vpc-0,100,500,20\n"
	const begin = "must begin with a row of the names of the columns"
	cells := func(oldNew ...string) string { return header + row + strings.NewReplacer(oldNew...).Replace(row) + row }
	for name, c := range map[string]struct {
		body  string
		index int
		line  int
		field string
		want  string
	}{
		"no bytes":                    {"", -1, 1, "", begin + ", got an empty body"},
		"line ends alone":             {"\n\r\n", -1, 3, "", begin + ", got an empty body"},
		"a JSON array":                {"[" + good + "]", -1, 1, "", begin + ", got JSON; say so with the header Content-Type: application/json"},
		"a JSON object":               {good, -1, 1, "", begin + ", got JSON; say so with the header Content-Type: application/json"},
		"no header":                   {row, -1, 1, "src_app", "has no column; every record needs it"},
		"a column that is missing":    {"src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n", -1, 1, "hour", "has no column; every record needs it"},
		"spaces around a name":        {strings.ReplaceAll(header, ",", ", "), -1, 1, "dest_app", "has no column; every record needs it"},
		"semicolons":                  {strings.ReplaceAll(header, ",", ";"), -1, 1, "src_app", "has no column; every record needs it"},
		"a column twice":              {"hour," + header, -1, 1, "hour", `must have one column, has two: "hour" and "hour"`},
		"a column in both spellings":  {"src_ip," + header, -1, 1, "src_app", `must have one column, has two: "src_ip" and "src_app"`},
		"too many columns":            {strings.Repeat(",", maxColumns) + header, -1, 1, "", "must have 1000 columns at most"},
		"a quote in the header":       {"a\"b," + header, -1, 1, "", `must stand in quotes as a whole, its own quotes doubled, got a"b,src_app,dest_app,vpc_id,bytes_tx,...`},
		"a name that is empty":        {cells("bar", ""), 1, 3, "dest_app", wantName + ", got an empty cell"},
		"a name that is empty quotes": {cells("bar", `""`), 1, 3, "dest_app", wantName + ", got an empty cell"},
		"a name of 257 bytes":         {cells("bar", strings.Repeat("x", 257)), 1, 3, "dest_app", wantName + ", got 257 bytes: " + strings.Repeat("x", 37) + "..."},
		"a name that is not UTF-8":    {cells("bar", "\xff"), 1, 3, "dest_app", `must be valid UTF-8, got "\xff"`},
		"2^53 bytes":                  {cells("100", "9007199254740992"), 1, 3, "bytes_tx", wantBytes + ", got 9007199254740992"},
		"negative bytes":              {cells("500", "-1"), 1, 3, "bytes_rx", wantBytes + ", got -1"},
		"no number":                   {cells("100", ""), 1, 3, "bytes_tx", wantBytes + ", got "},
		"a space before a number":     {cells("100", " 100"), 1, 3, "bytes_tx", wantBytes + ", got  100"},
		"a plus":                      {cells("100", "+1"), 1, 3, "bytes_tx", wantBytes + ", got +1"},
		"leading zeros":               {cells("100", "0100"), 1, 3, "bytes_tx", wantBytes + ", got 0100"},
		"a fraction":                  {cells("100", "1.0"), 1, 3, "bytes_tx", wantBytes + ", got 1.0; write it without fraction and exponent"},
		"a time for the hour":         {cells("20", "2026-11-30T10:15:00+01:00"), 1, 3, "hour", wantHour + ", got 2026-11-30T10:15:00+01:00; its hour is 498897"},
		"an hour over 2^63-1":         {cells("20", "9223372036854775808"), 1, 3, "hour", wantHour + ", got 9223372036854775808"},
		"an hour in seconds":          {cells("20", "1796031600"), 1, 3, "hour", "1796031600 looks like seconds since 1970; its hour is 498897"},
		"a cell too few":              {cells(",20", ""), 1, 3, "", "must have as many cells as the header, 6, has 5"},
		"a cell too many":             {cells("20", "20,"), 1, 3, "", "must have as many cells as the header, 6, has more"},
		"a quote within a cell":       {cells("bar", `b"r`), 1, 3, "dest_app", "must stand in quotes as a whole, its own quotes doubled, got \"b\\\"r,vpc-0,100,500,20\\nfoo,bar,vpc-0,10\"..."},
		"more behind a quote":         {cells("bar", `"b"r`), 1, 3, "dest_app", "must end behind its second quote, got more: \"r,vpc-0,100,500,20\\nfoo,bar,vpc-0,100,\"..."},
		"a quote that is not closed":  {cells("bar", `"bar`), 1, 3, "dest_app", "has a quote without its second; was the body cut short?"},
		"a carriage return alone":     {cells("bar", "b\rr"), 1, 3, "dest_app", "must stand in quotes, as it has a carriage return that ends no line"},
		"a line within quotes before": {header + "\"f\no\no\",bar,vpc-0,1,1,1\nfoo,\"b\nr\",vpc-0,1,x,1\n", 1, 6, "bytes_rx", wantBytes + ", got x"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := decode([]byte(c.body))
			var got *flow.RecordError
			if !errors.As(err, &got) || p != nil {
				t.Fatalf("Decode(%q) = %+v, %v, want no posting and a RecordError", c.body, p, err)
			}
			got.Broken = false
			if want := (flow.RecordError{Index: c.index, Line: c.line, Field: c.field, Reason: c.want, Syntax: flow.CSV}); *got != want {
				t.Errorf("Decode(%q):\n got %+v\nwant %+v", c.body, *got, want)
			}
		})
	}
	most := strings.Repeat("foo,bar,vpc-0,9007199254740991,0,20\n", 1025)
	if _, err := decode([]byte(header + most)); !errors.Is(err, flow.ErrOverflow) {
		t.Errorf("Decode(1025 times 2^53-1) = %v, want ErrOverflow", err)
	}
}

// A row takes far fewer bytes than a record of JSON and the same memory, so the number of rows is limited (P16).
func TestCSVHasALimitOnRecords(t *testing.T) {
	const row = "a,b,c,1,1,1\n"
	var d Decoder
	if p, err := d.Decode([]byte(header+strings.Repeat(row, 3)+"\n"), 3); err != nil || p.Records != 3 {
		t.Errorf("Decode of 3 records of 3 = %+v, %v, want them", p, err)
	}
	if _, err := d.Decode([]byte(header+strings.Repeat(row, 4)), 3); !errors.Is(err, flow.ErrTooManyRecords) {
		t.Errorf("Decode of 4 records of 3 = %v, want flow.ErrTooManyRecords", err)
	}
	const size = 1 << 20
	var rows, records strings.Builder
	for i := 0; records.Len() < size; i++ {
		fmt.Fprintf(&records, `{"src_ip":"%x","dest_ip":"g%x","vpc":"h%x","bytes_tx":0,"bytes_rx":0,"hour":0}`, i, i, i)
	}
	var json flow.Decoder
	most := allocated(func() { json.Decode([]byte(records.String())) })
	for i := 0; rows.Len() < size; i++ {
		fmt.Fprintf(&rows, "%x,g%x,h%x,0,0,0\n", i, i, i)
	}
	for name, text := range map[string]string{
		"distinct names": header + rows.String(),
		"columns":        strings.Repeat(",", size),
		"quotes":         header + `"` + strings.Repeat(`""`, size/2),
		"empty lines":    strings.Repeat("\n", size),
	} {
		if got := allocated(func() { d.Decode([]byte(text), size/80) }); got > most {
			t.Errorf("%s: Decode of %d bytes allocates %d bytes, want no more than JSON of as many, %d", name, len(text), got, most)
		}
	}
}

// jsonString returns s as a JSON string. Unlike encoding/json it does not replace invalid UTF-8.
func jsonString(s string) []byte {
	text := flow.AppendRecord(nil, flow.Record{Key: flow.Key{SrcApp: s}})
	text = bytes.TrimPrefix(text, []byte(`{"src_app":`))
	return text[:len(text)-len(`,"dest_app":"","vpc_id":"","bytes_tx":0,"bytes_rx":0,"hour":0}`)]
}

// isNumber reports whether text is a number of JSON.
func isNumber(text []byte) bool {
	return json.Valid(text) && bytes.ContainsAny(text[:1], "-0123456789") && !bytes.ContainsAny(text, " \t\r\n")
}

// jsonOf returns a CSV body in JSON, by way of encoding/csv. It is the oracle of FuzzCSV.
func jsonOf(body []byte) ([]byte, error) {
	in := stdcsv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte(byteOrderMark))))
	rows, err := in.ReadAll()
	if err == nil && len(rows) == 0 {
		err = io.EOF
	}
	if err != nil {
		return nil, err
	}
	var lines bytes.Buffer
	for _, row := range rows[1:] {
		record := []string{}
		for i, cell := range row {
			value := []byte(cell)
			if f, _ := field.Named(rows[0][i]); f < field.BytesTx || f == field.Unknown || !isNumber(value) {
				value = jsonString(cell)
			}
			record = append(record, string(jsonString(rows[0][i]))+":"+string(value))
		}
		fmt.Fprintf(&lines, "{%s}\n", strings.Join(record, ","))
	}
	return lines.Bytes(), nil
}

// checkCSV verifies that a body of CSV and the same body in JSON give the same result.
func checkCSV(t interface{ Fatalf(string, ...any) }, body []byte) {
	p, err := decode(body)
	var refused *flow.RecordError
	if errors.As(err, &refused) && (refused.Line < 1 || len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\n\r\x00")) {
		t.Fatalf("Decode(%q) = %q, want a line and one short line of text", body, err)
	}
	if bytes.Contains(body, []byte("\r")) || refused != nil && refused.Index < 0 && !errors.Is(err, flow.ErrOverflow) {
		return // encoding/csv changes CRLF; JSON has no header
	}
	text, reason := jsonOf(body)
	if reason != nil {
		if err == nil {
			t.Fatalf("Decode(%q) = %+v, but encoding/csv says %v", body, p, reason)
		}
		return
	}
	if len(text) == 0 {
		text = []byte("[]")
	}
	want, reason := flow.Decode(text)
	if (err == nil) != (reason == nil) || !reflect.DeepEqual(p, want) {
		t.Fatalf("Decode(%q) = %+v, %v, but flow.Decode(%q) = %+v, %v", body, p, err, text, want, reason)
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"", header, header + "foo,bar,vpc-0,100,500,20\n", header + "\"a\"\"b\",\"\n\",c,1,2,3", "a,src_ip,dest_ip,vpc,bytes_tx,bytes_rx,hour\r\n,a,b,c,1,2,3\r\n",
		header + "a,b,c,1,2\n", header + "a,b\"c,d,1,2,3\n", header + "\"a\"b,c,d,1,2,3\n", "\xef\xbb\xbf" + header, header + "\xff,b,c,1,2,3\n", "[]", ",,,\n,,,\n",
		header + "a,b,c,01,2,3\n", header + "\n\na,b,c,9007199254740992,2,3\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) { checkCSV(t, body) })
}

func TestCSVAgreesWithJSON(t *testing.T) {
	piece := func(all ...string) *rapid.Generator[string] { return rapid.SampledFrom(all) }
	cell := piece("a", "b", "0", "1", "-1", "9007199254740991", "9007199254740992", "1.0", "", `""`, `"a"`, `"a""b"`, "\"\n\"", `","`, `"`, `a"`, "é", "\xff", "+1", "007")
	row := rapid.Custom(func(t *rapid.T) string {
		cells := []string{"a", "b", "c", "1", "2", "3"}
		cells[rapid.IntRange(0, 5).Draw(t, "at")] = cell.Draw(t, "cell")
		return strings.Join(cells[:rapid.IntRange(5, 6).Draw(t, "cells")], ",")
	})
	rapid.Check(t, func(rt *rapid.T) {
		checkCSV(rt, []byte(header+strings.Join(rapid.SliceOfN(row, 0, 4).Draw(rt, "rows"), "\n")))
	})
}

func TestALenientDecoderAcceptsAnySum(t *testing.T) {
	body := []byte(header + "a,b,c,9223372036854775807,0,1")
	d := Decoder{Leniency: flow.Leniency{AnySum: true}}
	for range 2 {
		if p, err := d.Decode(body, 1); err != nil || p.Batches[0].Tx[0] != 1<<63-1 {
			t.Errorf("Decode of any sum = %+v, %v, want 2^63-1 bytes", p, err)
		}
	}
	if p, err := decode(body); err == nil {
		t.Errorf("Decode = %+v, want 2^63-1 bytes refused", p)
	}
}

func BenchmarkDecode(b *testing.B) {
	const rows = 1000
	var text bytes.Buffer
	w := stdcsv.NewWriter(&text)
	w.Write(strings.Split(strings.TrimSpace(header), ","))
	for i := range rows {
		src, dest := fmt.Sprintf("service-%d", i%61), fmt.Sprintf("backend-%d", i%17)
		w.Write([]string{src, dest, fmt.Sprintf("vpc-%d", i%3), fmt.Sprint(i * 997), fmt.Sprint(i * 1999), "490000"})
	}
	w.Flush()
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	var d Decoder
	for b.Loop() {
		if _, err := d.Decode(text.Bytes(), rows); err != nil {
			b.Fatal(err)
		}
	}
}
