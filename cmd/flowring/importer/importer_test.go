package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"flowring/cmd/flowring/access"
	"flowring/internal/contract"
	"flowring/router"
	"flowring/router/client"
)

// store is a cluster with an hour for each request. It knows requests by their keys alone, as P2 has it.
type store struct {
	mu       sync.Mutex
	bodies   map[string]string
	requests int
	sums     map[string]*big.Int // by "src dest vpc hour", both directions
	before   func(body []byte, key string) error
}

func newStore() *store {
	return &store{bodies: map[string]string{}, sums: map[string]*big.Int{}, before: func([]byte, string) error { return nil }}
}

func refusal(r contract.Refusal) error {
	return &client.Problem{Problem: router.Problem{Type: r.Type(), Title: r.Title(), Status: r.Status()}}
}

func (s *store) send(_ context.Context, body []byte, key string) (replayed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if err := s.before(body, key); err != nil {
		return false, err
	}
	return s.store(body, key)
}

func (s *store) store(body []byte, key string) (replayed bool, err error) {
	if had, ok := s.bodies[key]; ok {
		if had != string(body) {
			return false, refusal(contract.KeyReused)
		}
		return true, nil
	}
	s.bodies[key] = string(body)
	var records []struct {
		Src  string `json:"src_app"`
		Dest string `json:"dest_app"`
		VPC  string `json:"vpc_id"`
		Tx   int64  `json:"bytes_tx"`
		Rx   int64  `json:"bytes_rx"`
		Hour int64  `json:"hour"`
	}
	if err := json.Unmarshal(body, &records); err != nil {
		return false, err
	}
	for _, r := range records {
		if r.Tx > 1<<53-1 || r.Rx > 1<<53-1 || r.Hour != records[0].Hour {
			return false, refusal(contract.Record)
		}
		flow := fmt.Sprintf("%s %s %s %d", r.Src, r.Dest, r.VPC, r.Hour)
		if s.sums[flow] == nil {
			s.sums[flow] = new(big.Int)
		}
		s.sums[flow].Add(s.sums[flow], big.NewInt(r.Tx)).Add(s.sums[flow], big.NewInt(r.Rx))
	}
	return false, nil
}

// importText imports a text as a file, and returns the output of the command.
func importText(t *testing.T, s *store, o *Options, text string) (string, error) {
	t.Helper()
	im, err := o.importer()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	im.Stdout, im.Send, im.During = &out, s.send, func(do func() error) error { return do() }
	err = im.Run(t.Context(), strings.NewReader(text), []string{"-"})
	return out.String(), err
}

// wantSums compares the sums of a store.
func (s *store) wantSums(t *testing.T, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for flow, sum := range s.sums {
		got[flow] = sum.String()
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("stored %v, want %v", got, want)
	}
}

const ownCSV = "hour,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n" +
	"471000,web,\"d,b\",v,1,2\n" +
	"471001,web,\"d,b\",v,9223372036854775807,0\n" +
	"471000,web,\"d,b\",v,10,20\n"

func ownSums() map[string]string {
	return map[string]string{"web d,b v 471000": "33", "web d,b v 471001": "9223372036854775807"}
}

// TestOwnRecordsCountOnce: P2, for each form, twice, with sums over those of one record.
func TestOwnRecordsCountOnce(t *testing.T) {
	ndjson := `{"src_app":"web","dest_app":"d,b","vpc_id":"v","bytes_tx":1,"bytes_rx":2,"hour":471000}
{"src_app":"web","dest_app":"d,b","vpc_id":"v","bytes_tx":9223372036854775807,"bytes_rx":0,"hour":471001}
{"src_app":"web","dest_app":"d,b","vpc_id":"v","bytes_tx":10,"bytes_rx":20,"hour":471000}
`
	array := "[" + strings.ReplaceAll(strings.TrimSpace(ndjson), "\n", ",\n") + "]"
	for name, text := range map[string]string{"csv": ownCSV, "ndjson": ndjson, "array": array} {
		s := newStore()
		for run, before := range []string{"0", "2"} {
			out, err := importText(t, s, &Options{}, text)
			want := "-: 3 records read, 3 kept with 9,223,372,036,854,775,840 bytes\n-: 2 flows of an hour stored, " + before + " of them before\n"
			if err != nil || out != want {
				t.Errorf("%s, run %d: %q and %v, want %q", name, run, out, err, want)
			}
		}
		s.wantSums(t, ownSums())
	}
}

func TestFaultyRecordsAreCountedWithTheirLines(t *testing.T) {
	text := ownCSV + "471000,web,,v,1,2\n471000,web,db,v,1.5,2\n1700000000,web,db,v,1,2\n471000,web\n471001,web,\"d,b\",v,1,5\n471000,a,b,c,1,0\n"
	s := newStore()
	out, err := importText(t, s, &Options{}, text)
	for _, want := range []string{
		"9 records read, 4 kept", "1 record set aside, bad-name: line 5\n", "1 record set aside, bad-number: line 6\n",
		"1 record set aside, bad-time: line 7\n", "1 record set aside, malformed: line 8\n", "1 record set aside, over-2^63: line 9\n",
	} {
		if !strings.Contains(out, want) || err != nil {
			t.Errorf("printed %v and\n%s\nwant %q", err, out, want)
		}
	}
	sums := ownSums()
	sums["a b c 471000"] = "1"
	s.wantSums(t, sums)

	s = newStore()
	_, err = importText(t, s, &Options{Strict: true}, text)
	if err == nil || !strings.HasPrefix(err.Error(), "-: line 5: bad-name (--strict") || s.requests > 0 {
		t.Errorf("strict: %v after %d requests", err, s.requests)
	}
}

func TestAStrictRunNamesTheFirstFaultOnce(t *testing.T) {
	for _, preset := range []string{"goflow2", "aws-vpc"} {
		_, err := importText(t, newStore(), &Options{Preset: preset, Strict: true}, "garbage of one line\n{}\n")
		if err == nil || strings.Count(err.Error(), "--strict") != 1 {
			t.Errorf("%s: %v, want one fault", preset, err)
		}
	}
}

func TestAFileWithoutAReadableRecordIsAFailure(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "-: the input is empty",
		" \r\n\t\n":               "-: the input is empty",
		"PAR1":                    "-: want records as JSON, one after the other, or as CSV with a header row: ",
		"neither JSON nor CSV\n1": "-: want records as JSON, one after the other, or as CSV with a header row: ",
		"{]\n{]\n":                "-: no record can be read: is --preset right?",
	} {
		if _, err := importText(t, newStore(), &Options{}, text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"[]", "hour,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n"} {
		if _, err := importText(t, newStore(), &Options{}, text); err != nil {
			t.Errorf("%q without records: %v", text, err)
		}
	}
}

// TestATableWithAWrongHeaderNamesTheColumns: also without a row that would show it.
func TestATableWithAWrongHeaderNamesTheColumns(t *testing.T) {
	const row = "2023-11-14 23:00:00,2023-11-14 23:00:00,192.0.2.1,198.51.100.2,10\n"
	for header, want := range map[string]string{
		"ts,te,sa,da,bytes\n":             "no column for the bytes: preset nfdump-csv needs ibyt, and the columns are ts te sa da bytes",
		"firstSeen,lastSeen,sa,da,ibyt\n": "no column for the time: preset nfdump-csv needs te",
		"ts,te,src,dst,ibyt\n":            "no column for the source or destination: preset nfdump-csv needs sa or da",
	} {
		for _, text := range []string{header, header + row} {
			s := newStore()
			_, err := importText(t, s, &Options{Preset: "nfdump-csv"}, text)
			if err == nil || !strings.Contains(err.Error(), want) || s.requests > 0 {
				t.Errorf("%q: %v after %d requests, want %q", text, err, s.requests, want)
			}
		}
	}
	if _, err := importText(t, newStore(), &Options{Preset: "nfdump-csv"}, "ts,te,sa,da,ibyt\n"); err != nil {
		t.Errorf("a right header without rows: %v", err)
	}
	const aws = "srcaddr dstaddr start end action\n"
	if _, err := importText(t, newStore(), &Options{Preset: "aws-vpc"}, aws); err == nil || !strings.Contains(err.Error(), "aws-vpc needs bytes") {
		t.Errorf("a format of AWS without bytes: %v", err)
	}
}

// TestALineThatIsCutWithinItsLastNumberIsShown: it is a record with a smaller number. A whole file may end so, too, and
// counts.
func TestALineThatIsCutWithinItsLastNumberIsShown(t *testing.T) {
	const warning = "-: the last line, 3, has no line end: if the file was cut short, its last number may be too small\n"
	for _, c := range []struct{ preset, text string }{
		{"", "hour,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n20,a,b,v,1,2\n20,a,b,v,1,200"},
		{"pmacct-csv", strings.TrimSuffix(pmacctCSV, "\n")},
		{"aws-vpc", strings.Join(strings.SplitAfter(awsLines, "\n")[:2], "") + "2 1 eni-1 10.0.0.1 192.0.2.1 1 2 6 10 7 1700000000 1700000060 ACCEPT OK"},
	} {
		for text, want := range map[string]bool{c.text: true, c.text + "\n": false, c.text + "\r\n": false} {
			out, err := importText(t, newStore(), &Options{Preset: c.preset}, text)
			if err != nil || strings.Contains(out, warning) != want || !strings.Contains(out, "2 records read, 2 kept") {
				t.Errorf("%q %q: %v and %q, want the warning: %v", c.preset, text, err, out, want)
			}
			s := newStore()
			_, err = importText(t, s, &Options{Preset: c.preset, Strict: true}, text)
			if refused := err != nil && strings.Contains(err.Error(), "line 3: the last line has no line end (--strict"); refused != want || want && s.requests > 0 {
				t.Errorf("%q %q, strict: %v after %d requests", c.preset, text, err, s.requests)
			}
		}
	}
	object := `{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":2,"hour":471000}`
	if out, err := importText(t, newStore(), &Options{Strict: true}, object); err != nil || strings.Contains(out, "line end") {
		t.Errorf("an object shows its end itself: %v and %q", err, out)
	}
}

// TestALostAnswerCountsOnce: the node has stored a request, and the run ends without its answer (P2).
func TestALostAnswerCountsOnce(t *testing.T) {
	s := newStore()
	lost := errors.New("the connection is lost")
	s.before = func(body []byte, key string) error {
		s.store(body, key)
		return &client.UnknownError{Key: key, Err: lost}
	}
	_, err := importText(t, s, &Options{}, ownCSV)
	if !errors.Is(err, lost) || !access.Unavailable(err) || !strings.HasPrefix(err.Error(), "-: lines 2 to 4: hour 47100") {
		t.Errorf("%v, want an error that says to run it again", err)
	}
	s.before = func([]byte, string) error { return nil }
	if _, err := importText(t, s, &Options{}, ownCSV); err != nil {
		t.Error(err)
	}
	s.wantSums(t, ownSums())
}

// TestAClosedHourIsCounted: it refuses its own request alone, also after an attempt without an answer.
func TestAClosedHourIsCounted(t *testing.T) {
	for _, c := range []struct {
		refusal contract.Refusal
		reason  string
	}{{contract.TooOld, "hour-closed"}, {contract.FutureHour, "hour-ahead"}} {
		s := newStore()
		lost := true
		s.before = func(body []byte, key string) error {
			if !strings.HasSuffix(key, "/471000") {
				return nil
			}
			err := refusal(c.refusal)
			if lost {
				lost = false
				return &client.UnknownError{Key: key, Err: err}
			}
			return err
		}
		out, err := importText(t, s, &Options{}, ownCSV)
		if want := "1 flow with 33 bytes not taken, " + c.reason + "\n"; err != nil || !strings.Contains(out, want) {
			t.Errorf("%v and %q, want %q", err, out, want)
		}
		s.wantSums(t, map[string]string{"web d,b v 471001": "9223372036854775807"})
	}
}

func TestAnotherRefusalEndsTheRun(t *testing.T) {
	s := newStore()
	s.before = func([]byte, string) error { return refusal(contract.TooLarge) }
	if _, err := importText(t, s, &Options{}, ownCSV); err == nil || access.Unavailable(err) {
		t.Errorf("%v, want a final error", err)
	}
}

const awsLines = `version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
2 1 eni-1 10.0.0.1 192.0.2.1 1 2 6 10 1000 1699999200 1700006400 ACCEPT OK
2 1 eni-1 192.0.2.1 10.0.0.1 2 1 6 10 501 1700000000 1700000060 ACCEPT OK
2 1 eni-1 192.0.2.9 10.0.0.1 2 1 6 10 77 1700000000 1700000060 REJECT OK
2 1 eni-1 - - - - - - - 1700000000 1700000060 - NODATA
cut
`

// TestAFileOfS3IsMapped: a header names the columns, an interval is shared out to its hours, and lines are counted.
func TestAFileOfS3IsMapped(t *testing.T) {
	s := newStore()
	out, err := importText(t, s, &Options{Preset: "aws-vpc"}, awsLines)
	want := `-: 5 records read, 2 kept with 1,501 bytes
-: 1 record set aside, no-data: line 5
-: 1 record set aside, not-accepted: line 4
-: 1 record set aside, malformed: line 6
-: 3 flows of an hour stored, 0 of them before
`
	if err != nil || out != want {
		t.Errorf("%v and\n%s\nwant\n%s", err, out, want)
	}
	s.wantSums(t, map[string]string{
		"10.0.0.1 192.0.2.1 aws 472222": "500", "10.0.0.1 192.0.2.1 aws 472223": "500", "192.0.2.1 10.0.0.1 aws 472222": "501",
	})
}

// The samples of nfdump and pmacct have the forms of nfdump 1.7.1 and pmacct 1.7.7, with other values.
const (
	nfdumpJSON = "[\n{\n\t\"type\" : \"FLOW\",\n\t\"first\" : \"2023-11-14T22:59:50.000\",\n\t\"last\" : \"2023-11-14T23:00:10.000\",\n" +
		"\t\"in_bytes\" : 2001,\n\t\"src6_addr\" : \"2001:db8::1\",\n\t\"dst6_addr\" : \"2001:db8::2\"\n},\n" +
		"{\n\t\"first\" : \"2023-11-14T23:00:00.000\",\n\t\"last\" : \"2023-11-14T23:00:00.250\",\n\t\"in_bytes\" : 10,\n\t\"out_bytes\" : 5,\n" +
		"\t\"src4_addr\" : \"192.0.2.1\",\n\t\"dst4_addr\" : \"198.51.100.2\"\n}]\n"
	nfdumpCSV = "ts,te,td,sa,da,sp,dp,pr,ibyt,opkt,obyt\n" +
		"2023-11-14 22:59:50,2023-11-14 23:00:10,20.000,2001:db8::1,2001:db8::2,1000,53,UDP,2001,0,0\n" +
		"2023-11-14 23:00:00,2023-11-14 23:00:00,0.250,192.0.2.1,198.51.100.2,1000,53,UDP,10,1,5\n" +
		"Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n2,2016,40,51543,10,612\n"
	nfdumpFast = "cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,flags,srcTos,packets,bytes\n" +
		"1,10,1700002790000,1700002810000,17,2001:db8::1,1000,2001:db8::2,53,0,0,0,0,........,0,20,2001\n" +
		"2,2,1700002800000,1700002800250,17,192.0.2.1,1000,198.51.100.2,53,0,0,0,0,........,0,1,15\n"
	pmacctJSON = `{"event_type": "purge", "ip_src": "2001:db8::1", "ip_dst": "2001:db8::2", "timestamp_start": "2023-11-14 22:59:50.000000", "timestamp_end": "2023-11-14 23:00:10.000000", "packets": 1, "bytes": 2001}
{"event_type": "purge", "ip_src": "192.0.2.1", "ip_dst": "198.51.100.2", "timestamp_start": "2023-11-14 23:00:00.250000", "timestamp_end": "0000-00-00 00:00:00.000000", "packets": 1, "bytes": 8}
{"event_type": "purge", "ip_src": "192.0.2.1", "ip_dst": "198.51.100.2", "stamp_inserted": "2023-11-14 23:00:00", "stamp_updated": "2026-11-30 20:07:31", "packets": 4, "bytes": 7}
`
	pmacctCSV = "SRC_IP,DST_IP,TIMESTAMP_START,TIMESTAMP_END,PACKETS,BYTES\n" +
		"2001:db8::1,2001:db8::2,2023-11-14 22:59:50.000000,2023-11-14 23:00:10.000000,1,2001\n" +
		"192.0.2.1,198.51.100.2,2023-11-14 23:00:00.250000,0000-00-00 00:00:00.000000,1,15\n"
)

// TestNfdumpAndPmacct: a record over the hour is shared out, an unknown end is the begin, the time of a purge is no time,
// and the summary of nfdump counts as nothing.
func TestNfdumpAndPmacct(t *testing.T) {
	for preset, text := range map[string]string{
		"nfdump": nfdumpJSON, "nfdump-csv": nfdumpCSV, "nfdump-csv-fast": nfdumpFast, "pmacct": pmacctJSON, "pmacct-csv": pmacctCSV,
	} {
		vpc, _, _ := strings.Cut(preset, "-")
		if vpc == "nfdump" {
			vpc = "netflow"
		}
		s := newStore()
		for range 2 {
			out, err := importText(t, s, &Options{Preset: preset}, text)
			if err != nil || !strings.Contains(out, " kept with 2,016 bytes\n") || strings.Contains(out, "set aside") {
				t.Errorf("%s: %v and %s", preset, err, out)
			}
		}
		s.wantSums(t, map[string]string{
			"2001:db8::1 2001:db8::2 " + vpc + " 472222": "1000", "2001:db8::1 2001:db8::2 " + vpc + " 472223": "1001",
			"192.0.2.1 198.51.100.2 " + vpc + " 472223": "15",
		})
	}
}

// TestSeveralTablesOfNfdumpInOneFile: each has its header and its summary, and parts are cut between them.
func TestSeveralTablesOfNfdumpInOneFile(t *testing.T) {
	s := newStore()
	out, err := importText(t, s, &Options{Preset: "nfdump-csv"}, strings.Repeat(nfdumpCSV, 6000))
	if err != nil || !strings.HasPrefix(out, "-: 12,000 records read, 12,000 kept with 12,096,000 bytes\n") {
		t.Errorf("%v and %s", err, out)
	}
	if got, want := s.sums["192.0.2.1 198.51.100.2 netflow 472223"], int64(6000*15); got.Int64() != want {
		t.Errorf("sum %v, want %d", got, want)
	}
}

// TestNfdumpAggregatedAsJSONIsAnError: it prints objects without addresses and bytes, with the exit code 0.
func TestNfdumpAggregatedAsJSONIsAnError(t *testing.T) {
	const text = "[\n{\n\t\"type\" : \"FLOW\",\n\t\"sampled\" : 0,\n\t\"label\" : \"<none>\"\n}]\n"
	if _, err := importText(t, newStore(), &Options{Preset: "nfdump"}, text); err == nil || !strings.Contains(err.Error(), "no record can be read") {
		t.Errorf("error %v", err)
	}
}

// TestAChangedNamesFileCountsOnce: the records of the first run count, under its names (P2).
func TestAChangedNamesFileCountsOnce(t *testing.T) {
	names := filepath.Join(t.TempDir(), "names.csv")
	s := newStore()
	if _, err := importText(t, s, &Options{Preset: "aws-vpc"}, awsLines); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(s.sums)
	if err := os.WriteFile(names, []byte("cidr,app,vpc\n10.0.0.1,web,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := importText(t, s, &Options{Preset: "aws-vpc", NamesFile: names, MaxNames: 9}, awsLines)
	if err != nil || !strings.Contains(out, "3 flows stored before in place of other ones: the mapping has changed since\n") {
		t.Errorf("%v and %s", err, out)
	}
	if fmt.Sprint(s.sums) != before {
		t.Errorf("sums are %v, were %v", s.sums, before)
	}
}

// TestAnEntryCountsOnceInAFile: the IDs of records tell, also over parts.
func TestAnEntryCountsOnceInAFile(t *testing.T) {
	const entry = `{"insertId":"i1","logName":"l","timestamp":"t","jsonPayload":{"reporter":"SRC","bytes_sent":"7","start_time":"2024-01-01T00:00:00Z","end_time":"2024-01-01T00:00:01Z",` +
		`"connection":{"src_ip":"10.0.0.1","dest_ip":"10.0.0.2"}}}` + "\n"
	s := newStore()
	out, err := importText(t, s, &Options{Preset: "gcp-vpc"}, entry+strings.Repeat("{}\n", 10_000)+entry)
	if err != nil || !strings.Contains(out, "1 record set aside, repeated: line 10002\n") {
		t.Errorf("%v and %s", err, out)
	}
	s.wantSums(t, map[string]string{"10.0.0.1 10.0.0.2 gcp 473352": "7"})
}

func TestOptionsThatContradictEachOtherAreRefused(t *testing.T) {
	for want, o := range map[string]*Options{
		"need --preset":       {NamesFile: "x"},
		"over HTTP alone":     {Preset: "obi"},
		"no such preset: awz": {Preset: "awz"},
		"--observed: want":    {Preset: "aws-vpc", Observed: []string{"10.0.0.0/99"}},
		"--names: open":       {Preset: "aws-vpc", NamesFile: "absent.csv"},
	} {
		_, err := o.importer()
		if fault := (access.Error{}); !errors.As(err, &fault) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestTheProgressSaysHowMuchIsLeft(t *testing.T) {
	var to bytes.Buffer
	p := progress{to: &to, shown: true, name: "f", size: 4_000_000, read: 1_000_000, records: 12_000}
	if got, want := p.line(2e9), "f: 12,000 records, 6,000/s [#####...............] 25 % of 4 MB, 6s left"; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
	p.size = 0
	if got, want := p.line(2e9), "f: 12,000 records, 6,000/s, 1 MB read"; got != want {
		t.Errorf("line of a pipe %q, want %q", got, want)
	}
}

// FuzzImport holds that records kept and set aside are the records read, that the store has the bytes kept, and that a
// second run adds nothing, for each form.
func FuzzImport(f *testing.F) {
	f.Add("", ownCSV)
	f.Add("", `{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":2,"hour":471000}`)
	f.Add("aws-vpc", awsLines)
	f.Add("flp", `{"SrcAddr":"10.0.0.1","DstAddr":"10.0.0.2","Bytes":1,"FlowDirection":0,"TimeFlowStartMs":1700000000000,"TimeFlowEndMs":1700000000001}`)
	f.Add("goflow2", `{"src_addr":"10.0.0.1","dst_addr":"10.0.0.2","bytes":5,"time_flow_start_ns":1700000000000000000,"time_flow_end_ns":1700009900000000000}`)
	f.Add("nfdump", nfdumpJSON)
	f.Add("nfdump-csv", nfdumpCSV)
	f.Add("nfdump-csv-fast", nfdumpFast)
	f.Add("pmacct", pmacctJSON)
	f.Add("pmacct-csv", pmacctCSV)
	f.Fuzz(func(t *testing.T, preset, text string) {
		im, err := (&Options{Preset: preset}).importer()
		if err != nil {
			t.Skip()
		}
		s := newStore()
		im.Send, im.During = s.send, func(do func() error) error { return do() }
		r := newReport("-")
		err = im.read(t.Context(), strings.NewReader(text), r)
		sum := r.counts.Kept
		for _, aside := range r.counts.Aside {
			sum = sum.Plus(aside)
		}
		if sum.Records != r.counts.Received.Records {
			t.Errorf("%+v is kept or set aside of %+v", sum, r.counts.Received)
		}
		stored, kept := new(big.Int), new(big.Int).SetUint64(r.counts.Kept.Bytes)
		for _, n := range s.sums {
			stored.Add(stored, n)
		}
		if err == nil && stored.Cmp(kept) != 0 {
			t.Errorf("stored %v, kept %v", stored, kept)
		}
		again := newReport("-")
		if err2 := im.read(t.Context(), strings.NewReader(text), again); (err == nil) != (err2 == nil) || err == nil && again.stored != again.replayed {
			t.Errorf("second run: %+v, %v after %v", again, err2, err)
		}
	})
}
