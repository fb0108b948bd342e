package proctest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flowring/flow"
)

// The files of a capture.
const (
	flowsFile = "flows.csv" // TZ=UTC nfdump -o csv
	sumsFile  = "sums.txt"  // nfdump -q -N -A srcip,dstip -o fmt:%sa,%da,%byt
)

// readCapture reads a capture from a folder.
func readCapture(t *testing.T, dir string) ([]observed, map[route]int64) {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, flowsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	flows, err := readFlows(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := readSums(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if len(flows) < 100 || len(sums) < 10 {
		t.Fatalf("the capture in %s has %d flows and %d sums: too few to prove anything", dir, len(flows), len(sums))
	}
	return flows, sums
}

// TestTheConversionAddsUp adds up the records of the committed capture without a node.
func TestTheConversionAddsUp(t *testing.T) {
	flows, sums := readCapture(t, "testdata")
	var records []flow.Record
	hours := map[int64]int{}
	for _, f := range flows {
		r := f.record()
		hours[r.Hour]++
		records = append(records, flow.Record{
			Key: flow.Key{SrcApp: r.SrcIP, DestApp: r.DestIP, VPCID: r.VPC}, Totals: flow.Totals{BytesTx: r.BytesTx, BytesRx: r.BytesRx}, Hour: flow.Hour(r.Hour),
		})
	}
	if len(hours) != 2 {
		t.Errorf("flows by hour = %v, want 2 hours: the capture was made over the turn of one", hours)
	}
	if err := compare(records, sums); err != nil {
		t.Error(err)
	}
	if err := compare(records[1:], sums); err == nil {
		t.Error("compare without the first flow = nil, want an error")
	}
	if err := compare(append(records, records[0]), sums); err == nil {
		t.Error("compare with the first flow twice = nil, want an error")
	}
}

func TestInvalidOutputOfNfdumpIsRefused(t *testing.T) {
	const head = "ts,te,sa,da,sp,dp,ibyt\n"
	for _, tt := range []struct{ name, text string }{
		{"nothing at all", ""},
		{"a time that is none", head + "now,now,127.0.0.1,127.0.0.2,1,2,3\n"},
		{"bytes that are no number", head + "2026-01-01 00:00:00,x,127.0.0.1,127.0.0.2,1,2,3.5 M\n"},
		{"no address", head + "2026-01-01 00:00:00,x,,127.0.0.2,1,2,3\n"},
		{"a row cut short", head + "2026-01-01 00:00:00,x,127.0.0.1\n"},
	} {
		if flows, err := readFlows(strings.NewReader(tt.text)); err == nil {
			t.Errorf("%s: readFlows = %v, want an error", tt.name, flows)
		}
	}
	for _, text := range []string{"a,b\n", "a,b,c\n", "a,b,1\na,b,2\n"} {
		if sums, err := readSums(strings.NewReader(text)); err == nil {
			t.Errorf("readSums(%q) = %v, want an error", text, sums)
		}
	}
}
