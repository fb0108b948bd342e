package poster

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/records"
	"flowring/flow"
)

// sentAs returns the records of an input as post sends them.
func sentAs(t *testing.T, in []byte, most int) (all []flow.Record, requests int) {
	t.Helper()
	var got []sent
	p := Poster{Send: cluster(&got, 0, nil), Key: "K", Most: most, Stdout: io.Discard, Stderr: io.Discard}
	if err := p.Post(t.Context(), iotest.OneByteReader(bytes.NewReader(in))); err != nil {
		t.Fatalf("post(%q) = %v, want nil", in, err)
	}
	for _, s := range got {
		p, err := flow.Decode([]byte(s.body)) // a node
		if err != nil {
			t.Fatalf("post(%q) sent %s, which a node refuses: %v", in, s.body, err)
		}
		for _, b := range p.Batches {
			for i := range b.Len() {
				all = append(all, flow.Record{Key: b.FlowKey(i), Totals: b.Totals(i), Hour: b.Slice.Hour})
			}
		}
	}
	return all, len(got)
}

// answerOf returns the answer of a node with these records.
func answerOf(records ...flow.Record) string {
	var text strings.Builder
	for i, r := range records {
		text.WriteByte("[,"[min(i, 1)])
		text.Write(flow.AppendRecord(nil, r))
	}
	return text.String() + "]\n"
}

// Post reads the output of get back: the bytes of each name, and each sum.
func TestPostReadsBackWhatGetPrints(t *testing.T) {
	const most = flow.MaxBytes
	var records []flow.Record
	for i, name := range []string{
		"plain", " led by a space", "quo\"ted", "com,ma", "line\nfeed", "carriage\rreturn", "both\r\nof them", `\.`, "=1+1", "é😀", "\x00\x1b[2J", "#", "\ufeff",
	} {
		records = append(records, flow.Record{
			Key: flow.Key{SrcApp: name, DestApp: name + name, VPCID: "v"}, Totals: flow.Totals{BytesTx: int64(i), BytesRx: most}, Hour: 40,
		})
	}
	for _, format := range []string{output.FormatJSON, output.FormatNDJSON, output.FormatCSV} {
		var printed bytes.Buffer
		if err := (output.Flows{Format: format}).Write(&printed, strings.NewReader(answerOf(records...))); err != nil {
			t.Fatal(err)
		}
		if got, _ := sentAs(t, printed.Bytes(), 1000); !reflect.DeepEqual(got, records) {
			t.Errorf("%s: post sends %v of %q, want %v", format, got, printed.String(), records)
		}
	}
}

// Sums that are too large for one record are sent as several records.
func TestPostSplitsLargeSums(t *testing.T) {
	const most = flow.MaxBytes
	for _, tt := range []struct {
		tx, rx int64
		pieces int
	}{
		{most, most, 1}, {most + 1, 0, 2}, {0, most + 1, 2}, {most + 1, most, 2}, {2 * most, 2*most + 1, 3}, {1<<63 - 1, 5, 1025}, {1<<63 - 1, 1<<63 - 1, 1025},
	} {
		record := flow.Record{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "v"}, Totals: flow.Totals{BytesTx: tt.tx, BytesRx: tt.rx}, Hour: -5}
		for _, format := range []string{output.FormatJSON, output.FormatNDJSON, output.FormatCSV} {
			var printed bytes.Buffer
			if err := (output.Flows{Format: format}).Write(&printed, strings.NewReader(answerOf(record))); err != nil {
				t.Fatal(err)
			}
			for _, perRequest := range []int{1 << 20, 1} { // in one request, and in one for each piece
				got, requests := sentAs(t, printed.Bytes(), perRequest)
				var sum flow.Totals
				for _, r := range got {
					sum, _ = sum.Add(r.Totals)
					if r.Key != record.Key || r.Hour != record.Hour {
						t.Fatalf("%d and %d as %s: sent %v", tt.tx, tt.rx, format, r)
					}
				}
				if want := 1 + (tt.pieces-1)*(1-min(perRequest-1, 1)); sum != record.Totals || requests != want {
					t.Errorf("%d and %d as %s: %d requests with %v, want %d with as much", tt.tx, tt.rx, format, requests, sum, want)
				}
			}
		}
	}
}

const csvHeader = "hour,src_ip,dest_ip,vpc,bytes_tx,bytes_rx,port"

func TestPostReadsEveryForm(t *testing.T) {
	records := []flow.Record{
		{Key: flow.Key{SrcApp: "a\nb", DestApp: "b", VPCID: "v"}, Totals: flow.Totals{BytesTx: 1, BytesRx: 2}, Hour: 3},
		{Key: flow.Key{SrcApp: "c", DestApp: "d", VPCID: "v"}, Totals: flow.Totals{BytesTx: 4, BytesRx: 5}, Hour: 3},
	}
	one, two := string(flow.AppendRecord(nil, records[0])), string(flow.AppendRecord(nil, records[1]))
	for name, text := range map[string]string{
		"an array":               "[" + one + ",\n" + two + "]",
		"lines":                  one + "\n\r\n" + two + "\n",
		"one after the other":    one + two,
		"CSV":                    csvHeader + "\n3,\"a\nb\",b,v,1,2,80\n3,c,d,v,4,5,\n",
		"CSV with CRLF":          csvHeader + "\r\n\r\n3,\"a\nb\",b,v,1,2,80\r\n\r\n3,c,d,v,4,5,",
		"CSV behind empty lines": "\n\r\n" + csvHeader + "\n3,\"a\nb\",b,v,1,2,80\n3,c,d,v,4,5,",
	} {
		for _, begin := range []string{"", "\xef\xbb\xbf"} {
			var zipped, zstded bytes.Buffer
			g := gzip.NewWriter(&zipped)
			io.WriteString(g, begin+text)
			g.Close()
			z, _ := zstd.NewWriter(&zstded, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(64<<20))
			io.WriteString(z, begin+text)
			z.Close()
			for _, in := range [][]byte{[]byte(begin + text), zipped.Bytes(), zstded.Bytes()} {
				if got, _ := sentAs(t, in, 1); !reflect.DeepEqual(got, records) {
					t.Errorf("%s: post sends %+v of %q, want %+v", name, got, in, records)
				}
			}
		}
	}
	if got, requests := sentAs(t, []byte(csvHeader+"\n"), 10); len(got) > 0 || requests != 1 {
		t.Errorf("post of a header sends %v in %d requests, want no records in one", got, requests)
	}
}

func TestPostNamesTheLineOfCSV(t *testing.T) {
	const row = "3,a,b,v,1,2,80\n"
	const want = "want records as a JSON array, one after the other, or as CSV with a header row: "
	var zipped bytes.Buffer
	g := gzip.NewWriter(&zipped)
	io.WriteString(g, strings.Repeat(csvHeader, 100))
	g.Close()
	for _, tt := range []struct{ name, in, want string }{
		{"a header without a field", "\n\nhour,vpc\n", want + `line 3: field "src_app": has no column; every record needs it`},
		{"a column twice", "hour," + csvHeader, want + `line 1: field "hour": must have one column, has two: "hour" and "hour"`},
		{"an invalid number", csvHeader + "\n" + row + "3,a,b,v,x,2,80\n" + row, `line 3: field "bytes_tx": must be an integer from 0 to`},
		{"a cell too few", csvHeader + "\n" + row + "\n" + "3,a,b,v,1,2\n", "line 4: must have as many cells as the header, 7, has 6"},
		{"a value behind lines in quotes", csvHeader + "\n3,\"a\n\nb\",\"\n\",v,1,x,80\n", `line 5: field "bytes_rx": must be an integer`},
		{"a header of two lines", "\"po\nrt\"," + csvHeader + "\n80," + row + "80,3,a,,v,1,2,80", `line 4: field "dest_ip": must be a string of 1 to 256 bytes, got an empty cell`},
		{"an open quote", csvHeader + "\n" + row + "3,\"a,b,v,1,2,80\n" + row, "line 3: field \"src_ip\": has a quote without its second"},
		{"a row without end", csvHeader + "\n\"" + strings.Repeat(row, records.MaxBody/len(row)+1), "line 2: a row of more than 8388608 bytes; is a quote missing?"},
		{"text", "hello, world\n", want + `line 1: field "src_app": has no column`},
		{"gzip cut short", zipped.String()[:zipped.Len()-9], "unexpected EOF"},
		{"gzip alone in its magic", "\x1f\x8b\x08", "decompress the input: unexpected EOF"},
		{"gzip with bytes behind it", zipped.String() + "x", "unexpected EOF"},
		{"invalid zstd", "\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff", "reserved bit"},
	} {
		var got []sent
		p := Poster{Send: cluster(&got, 0, nil), Key: "K", Most: 10, Stdout: io.Discard, Stderr: io.Discard}
		err := p.Post(t.Context(), strings.NewReader(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(got) > 0 {
			t.Errorf("%s: post = %v, and sent %q, want %s and nothing", tt.name, err, got, tt.want)
		}
	}
}
