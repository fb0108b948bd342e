package records

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

const header = "hour,src_ip,dest_ip,vpc,bytes_tx,bytes_rx,port"

// A node refuses a record in its own words, however long the numbers of the record are.
func TestValidRecordsAloneAreSplit(t *testing.T) {
	for _, record := range []string{
		`{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":9223372036854775808,"bytes_rx":0,"hour":1}`,
		`{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":9007199254740992,"bytes_rx":0}`,
		`{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":9007199254740992.0,"bytes_rx":0,"hour":1}`,
		`{"src_app":"1234567890123456","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":0,"hour":1,"x":1}`,
		`{"a":1}`,
	} {
		if got := pieces([]byte(record)); len(got) != 1 || string(got[0]) != record {
			t.Errorf("pieces(%s) = %q, want it as it is", record, got)
		}
	}
}

func TestRequestsAreBoundedInBytes(t *testing.T) {
	record := `{"src_app":"` + strings.Repeat("x", 1<<20) + `"}`
	reader, err := NewReader(strings.NewReader(strings.Repeat(record+"\n", 20)))
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	for {
		req, err := reader.Next(1000)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if limit := MaxBody + len(record) + 2; len(req.Body) > limit {
			t.Errorf("a request has %d bytes, want at most %d", len(req.Body), limit)
		}
		records += req.Records()
	}
	if records != 20 {
		t.Errorf("the requests hold %d records, want 20", records)
	}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"", "[]", "[{},{}]", "{}\n{}", "[1", header + "\n3,a,b,v,1,2,80\n", header + "\n3,\"a\n\",b,v,9223372036854775807,2,80", "\x1f\x8b", "\x28\xb5\x2f\xfd", "\xef\xbb\xbf[{}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var whole, parts []string
		var errs [2]error
		for i, most := range []int{1 << 20, 1} {
			got := []*[]string{&whole, &parts}[i]
			reader, err := NewReader(bytes.NewReader(in))
			for err == nil {
				var req Request
				if req, err = reader.Next(most); err == nil && req.Records() > 0 {
					*got = append(*got, string(req.Body[1:len(req.Body)-1]))
				}
				if err == nil && (len(req.Lines) > most || req.Body[0] != '[') {
					t.Fatalf("a request of %d records of %d: %q", len(req.Lines), most, req.Body)
				}
			}
			errs[i] = err
		}
		if errors.Is(errs[0], io.EOF) != errors.Is(errs[1], io.EOF) {
			t.Fatalf("in one request %v, in requests of one record %v", errs[0], errs[1])
		}
		if errors.Is(errs[0], io.EOF) && len(in) < MaxBody && strings.Join(whole, ",") != strings.Join(parts, ",") {
			t.Fatalf("in one request %q, in requests of one record %q", whole, parts)
		}
	})
}
