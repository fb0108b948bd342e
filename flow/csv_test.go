package flow

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// header is that of most tests.
const header = "src_app,dest_app,vpc_id,bytes_tx,bytes_rx,hour\n"

// decodeCSV is DecodeCSV without a limit on records.
func decodeCSV(body []byte) (*Posting, error) { return new(Decoder).DecodeCSV(body, 1<<30) }

func TestCSVIsAccepted(t *testing.T) {
	normal := rec(20, "foo", "bar", "vpc-0", 100, 500)
	for name, c := range map[string]struct {
		body string
		want Record
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
			rec(-1<<63, "a\"b,c\r\nd\re\n", " ", `"`, 0, MaxBytes),
		},
		"names of 256 bytes": {header + strings.Repeat("é", 128) + ",=1+1,vpc-0,100,500,20\n", rec(20, strings.Repeat("é", 128), "=1+1", "vpc-0", 100, 500)},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := decodeCSV([]byte(c.body))
			if err != nil {
				t.Fatalf("DecodeCSV(%q) = %v, want no error", c.body, err)
			}
			if got, want := sums(t, p), fold([]Record{c.want}); !reflect.DeepEqual(got, want) || p.Records != 1 {
				t.Errorf("DecodeCSV(%q) = %d records, %v, want 1, %v", c.body, p.Records, got, want)
			}
		})
	}
	for _, body := range []string{header, strings.TrimSpace(header), header + "\r\n\n"} {
		if p, err := decodeCSV([]byte(body)); err != nil || p.Records != 0 || len(p.Batches) != 0 {
			t.Errorf("DecodeCSV(%q) = %+v, %v, want no records and no error", body, p, err)
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
			p, err := decodeCSV([]byte(c.body))
			var got *RecordError
			if !errors.As(err, &got) || p != nil {
				t.Fatalf("DecodeCSV(%q) = %+v, %v, want no posting and a RecordError", c.body, p, err)
			}
			if want := (RecordError{c.index, c.line, c.field, c.want, true}); *got != want {
				t.Errorf("DecodeCSV(%q):\n got %+v\nwant %+v", c.body, *got, want)
			}
		})
	}
	most := strings.Repeat("foo,bar,vpc-0,9007199254740991,0,20\n", 1025)
	if _, err := decodeCSV([]byte(header + most)); !errors.Is(err, ErrOverflow) {
		t.Errorf("DecodeCSV(1025 times 2^53-1) = %v, want ErrOverflow", err)
	}
}

// A row takes far fewer bytes than a record of JSON, so its limit is one on rows (P16).
func TestCSVHasALimitOnRecords(t *testing.T) {
	const row = "a,b,c,1,1,1\n"
	var d Decoder
	if p, err := d.DecodeCSV([]byte(header+strings.Repeat(row, 3)+"\n"), 3); err != nil || p.Records != 3 {
		t.Errorf("DecodeCSV of 3 records of 3 = %+v, %v, want them", p, err)
	}
	if _, err := d.DecodeCSV([]byte(header+strings.Repeat(row, 4)), 3); !errors.Is(err, ErrTooManyRecords) {
		t.Errorf("DecodeCSV of 4 records of 3 = %v, want ErrTooManyRecords", err)
	}
	const size = 1 << 20
	var rows, records strings.Builder
	for i := 0; records.Len() < size; i++ {
		fmt.Fprintf(&records, `{"src_ip":"%x","dest_ip":"g%x","vpc":"h%x","bytes_tx":0,"bytes_rx":0,"hour":0}`, i, i, i)
	}
	most := allocated(func() { d.Decode([]byte(records.String())) })
	for i := 0; rows.Len() < size; i++ {
		fmt.Fprintf(&rows, "%x,g%x,h%x,0,0,0\n", i, i, i)
	}
	for name, text := range map[string]string{
		"distinct names": header + rows.String(),
		"columns":        strings.Repeat(",", size),
		"quotes":         header + `"` + strings.Repeat(`""`, size/2),
		"empty lines":    strings.Repeat("\n", size),
	} {
		if got := allocated(func() { d.DecodeCSV([]byte(text), size/80) }); got > most {
			t.Errorf("%s: DecodeCSV of %d bytes allocates %d bytes, want no more than JSON of as many, %d", name, len(text), got, most)
		}
	}
}

// jsonOf is the JSON of a CSV body, made by encoding/csv: the oracle of FuzzCSV.
func jsonOf(body []byte) ([]byte, error) {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte(byteOrderMark))))
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
			if f, _ := fieldNamed(rows[0][i]); f < fieldTx || f == numFields || !json.Valid(value) || !isNumber(value) {
				value = appendString(nil, cell)
			}
			record = append(record, string(appendString(nil, rows[0][i]))+":"+string(value))
		}
		fmt.Fprintf(&lines, "{%s}\n", strings.Join(record, ","))
	}
	return lines.Bytes(), nil
}

// checkCSV verifies that a body of CSV and the JSON of it say the same.
func checkCSV(t interface{ Fatalf(string, ...any) }, body []byte) {
	p, err := decodeCSV(body)
	var refused *RecordError
	if errors.As(err, &refused) && (refused.Line < 1 || len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\n\r\x00")) {
		t.Fatalf("DecodeCSV(%q) = %q, want a line and one short line of text", body, err)
	}
	if bytes.Contains(body, []byte("\r")) || refused != nil && refused.Index < 0 && !errors.Is(err, ErrOverflow) {
		return // encoding/csv changes CRLF; JSON has no header
	}
	text, reason := jsonOf(body)
	if reason != nil {
		if err == nil {
			t.Fatalf("DecodeCSV(%q) = %+v, but encoding/csv says %v", body, p, reason)
		}
		return
	}
	if len(text) == 0 {
		text = []byte("[]")
	}
	want, reason := Decode(text)
	if (err == nil) != (reason == nil) || !reflect.DeepEqual(p, want) {
		t.Fatalf("DecodeCSV(%q) = %+v, %v, but Decode(%q) = %+v, %v", body, p, err, text, want, reason)
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

func BenchmarkDecodeCSV(b *testing.B) {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	w.Write(strings.Split(strings.TrimSpace(header), ","))
	for _, r := range zipf(benchRecords) {
		w.Write([]string{r.SrcApp, r.DestApp, r.VPCID, fmt.Sprint(r.BytesTx), fmt.Sprint(r.BytesRx), fmt.Sprint(r.Hour)})
	}
	w.Flush()
	b.SetBytes(int64(text.Len()))
	var d Decoder
	perRecord(b, benchRecords, func() {
		if _, err := d.DecodeCSV(text.Bytes(), benchRecords); err != nil {
			b.Fatal(err)
		}
	})
}
