package form

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flowring/flow/ingest"
	"flowring/flow/ingest/envelope"
	"flowring/flow/ingest/preset"
)

// The samples of this file are written from the specifications of their senders, and the sums by hand.

// addresses is a names file of single addresses.
type addresses map[string]ingest.Name

func (a addresses) Lookup(addr netip.Addr) (ingest.Name, bool) {
	n, ok := a[addr.String()]
	return n, ok
}

// outcome is the result of a body: bytes by "src dest vpc hour", and the records and bytes set aside by reason.
type outcome struct {
	flows map[string][2]int64
	aside map[string]ingest.Sum
	ingest.Counts
}

// bodySink maps rows into a body.
type bodySink struct {
	p  *preset.Preset
	to *ingest.Body
}

func (s bodySink) Row(values []string) error {
	s.p.Add(values, s.to)
	return nil
}

func (s bodySink) Malformed() { s.to.SetAside(ingest.Malformed, 0) }

// mapBody maps a body by a preset, and holds the outcome to the invariants of every preset: the sum stored is the sum
// kept, and kept and set aside are the records received.
func mapBody(t *testing.T, p *preset.Preset, names ingest.Names, body string) outcome {
	t.Helper()
	content, err := envelope.Open([]byte(body), p.Envelopes, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	to := p.Engine(names, ingest.Private()).NewBody(0)
	if err := r.Read(content.Body, bodySink{p, to}); err != nil {
		t.Fatal(err)
	}
	posting, _ := to.Posting()
	got := outcome{map[string][2]int64{}, map[string]ingest.Sum{}, to.Counts}
	var stored uint64
	for _, b := range posting.Batches {
		for i := range b.Len() {
			key, sum := b.FlowKey(i), b.Totals(i)
			got.flows[fmt.Sprintf("%s %s %s %d", key.SrcApp, key.DestApp, key.VPCID, b.Slice.Hour)] = [2]int64{sum.BytesTx, sum.BytesRx}
			stored += uint64(sum.BytesTx) + uint64(sum.BytesRx)
		}
	}
	records, bytes := got.Kept.Records, got.Kept.Bytes
	for why := range ingest.Reasons() {
		if s := got.Aside[why]; s.Records > 0 {
			got.aside[why.String()] = s
			records, bytes = records+s.Records, bytes+s.Bytes
		}
	}
	if stored != got.Kept.Bytes || records != got.Received.Records || bytes != got.Received.Bytes {
		t.Errorf("stored %d bytes, kept %+v, set aside %+v, received %+v", stored, got.Kept, got.aside, got.Received)
	}
	return got
}

// check compares an outcome with flows "src dest vpc hour tx rx" and reasons "reason records bytes".
func (o outcome) check(t *testing.T, flows, aside []string) {
	t.Helper()
	var got []string
	for key, sum := range o.flows {
		got = append(got, fmt.Sprintf("%s %d %d", key, sum[0], sum[1]))
	}
	slices.Sort(got)
	if slices.Sort(flows); !slices.Equal(got, flows) {
		t.Errorf("flows:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(flows, "\n"))
	}
	got = nil
	for _, why := range slices.Sorted(maps.Keys(o.aside)) {
		got = append(got, fmt.Sprintf("%s %d %d", why, o.aside[why].Records, o.aside[why].Bytes))
	}
	if slices.Sort(aside); !slices.Equal(got, aside) {
		t.Errorf("set aside: %q, want %q", got, aside)
	}
}

func get(t *testing.T, name string) *preset.Preset {
	t.Helper()
	return preset.NewSet().Get(name)
}

// start is the start of hour 472222.
const start = 472222 * 3600

var hosts = addresses{"10.0.0.1": {App: "web", VPC: "prod"}, "10.0.0.2": {App: "db", VPC: "prod"}}

// awsLine writes a line of the default format.
func awsLine(eni, src, dst string, bytes, from, to int, action, status string) string {
	return fmt.Sprintf("2 123456789012 %s %s %s 443 5000 6 10 %d %d %d %s %s", eni, src, dst, bytes, start+from, start+to, action, status)
}

func TestAWSLinesWithoutDataAreNoErrors(t *testing.T) {
	got := mapBody(t, get(t, "aws-vpc"), hosts, strings.Join([]string{
		"2 123456789012 eni-1 - - - - - - - 1700000000 1700000060 - NODATA",
		"2 123456789012 eni-1 - - - - - - - 1700000000 1700000060 - SKIPDATA",
		awsLine("eni-1", "10.0.0.1", "198.51.100.9", 700, 0, 60, "REJECT", "OK"),
		awsLine("eni-1", "10.0.0.1", "198.51.100.9", 1000, 0, 60, "ACCEPT", "OK"),
		"2 123456789012 eni-1 half a line",
	}, "\n"))
	got.check(t, []string{"web 198.51.100.9 prod 472222 1000 0"}, []string{"no-data 1 0", "data-lost 1 0", "not-accepted 1 700", "malformed 1 0"})
}

func TestAWSBothInterfacesLogAFlow(t *testing.T) {
	got := mapBody(t, get(t, "aws-vpc"), hosts, strings.Join([]string{
		awsLine("eni-1", "10.0.0.1", "10.0.0.2", 100, 0, 60, "ACCEPT", "OK"), // eni-1 is web, eni-2 is db
		awsLine("eni-2", "10.0.0.1", "10.0.0.2", 100, 0, 60, "ACCEPT", "OK"),
		awsLine("eni-1", "10.0.0.2", "10.0.0.1", 30, 0, 60, "ACCEPT", "OK"),
		awsLine("eni-2", "10.0.0.2", "10.0.0.1", 30, 0, 60, "ACCEPT", "OK"),
		awsLine("eni-1", "198.51.100.9", "10.0.0.1", 5, 0, 60, "ACCEPT", "OK"), // and the source outside logs nothing
	}, "\n"))
	got.check(t, []string{"web db prod 472222 100 0", "db web prod 472222 30 0", "198.51.100.9 web prod 472222 5 0"}, []string{"other-reporter 2 130"})
}

func TestAWSALineOfAnUnknownEndIsSetAsideRatherThanDoubled(t *testing.T) {
	got := mapBody(t, get(t, "aws-vpc"), hosts, strings.Join([]string{
		awsLine("eni-1", "10.0.0.1", "10.0.0.2", 100, 0, 60, "ACCEPT", "OK"),
		awsLine("eni-1", "10.0.0.2", "10.0.0.1", 30, 0, 60, "ACCEPT", "OK"),
		awsLine("eni-3", "10.0.0.1", "198.51.100.9", 7, 0, 60, "ACCEPT", "OK"), // one end alone is observed
	}, "\n"))
	got.check(t, []string{"web 198.51.100.9 prod 472222 7 0"}, []string{"unknown-reporter 2 130"})
}

// aws5 is a format with all fields that the preset uses, behind a header of its own order.
const aws5 = "version flow-direction interface-id srcaddr pkt-srcaddr dstaddr pkt-dstaddr vpc-id bytes start end action log-status ecs-service-name\n"

func TestAWSTheDirectionAndTheAddressesBehindAGateway(t *testing.T) {
	line := func(direction, eni, src, pktSrc, dst, pktDst string, bytes int, service string) string {
		return fmt.Sprintf("5 %s %s %s %s %s %s vpc-1 %d %d %d ACCEPT OK %s\n", direction, eni, src, pktSrc, dst, pktDst, bytes, start, start+60, service)
	}
	got := mapBody(t, get(t, "aws-vpc"), nil, aws5+
		line("egress", "eni-1", "10.0.0.1", "10.0.0.1", "10.0.0.5", "198.51.100.9", 100, "shop")+ // to the gateway 10.0.0.5
		line("ingress", "eni-2", "10.0.0.1", "10.0.0.1", "10.0.0.5", "198.51.100.9", 100, "-")+ // at the gateway
		line("egress", "eni-2", "10.0.0.5", "198.51.100.9", "10.0.0.1", "10.0.0.1", 40, "-")+ // at the gateway, on the way back
		line("ingress", "eni-1", "10.0.0.5", "198.51.100.9", "10.0.0.1", "10.0.0.1", 40, "shop"))
	// The line of the shop counts for the way back too, because its source is outside. Its service has the address of its
	// interface alone in lines of both directions.
	got.check(t, []string{"shop 198.51.100.9 vpc-1 472222 100 0", "198.51.100.9 shop vpc-1 472222 40 0"}, []string{"middle 1 40", "other-reporter 1 100"})
}

func TestAWSAWindowOverTheHourIsShared(t *testing.T) {
	got := mapBody(t, get(t, "aws-vpc"), hosts, awsLine("eni-1", "10.0.0.1", "198.51.100.9", 1001, 3300, 3900, "ACCEPT", "OK"))
	got.check(t, []string{"web 198.51.100.9 prod 472222 500 0", "web 198.51.100.9 prod 472223 501 0"}, nil)
}

// gcpEntry writes a log entry.
func gcpEntry(id, reporter, more string, bytes int) string {
	return fmt.Sprintf(`{"insertId":%q,"logName":"projects/p/logs/compute.googleapis.com%%2Fvpc_flows","timestamp":"2023-11-14T23:59:00Z",`+
		`"jsonPayload":{"reporter":%q,"bytes_sent":"%d","packets_sent":"8","start_time":"2023-11-14T22:10:00.123456789Z",`+
		`"end_time":"2023-11-14T22:15:00.5Z","connection":{"src_ip":"10.1.0.1","dest_ip":"10.1.0.2","src_port":40000,"dest_port":443,"protocol":6}%s}}`,
		id, reporter, bytes, more)
}

func TestGCPNumbersAreTextAndTheTimeOfTheLogIsNotThatOfTheFlow(t *testing.T) {
	gke := `,"src_gke_details":{"cluster":{"cluster_name":"c"},"pod":{"pod_namespace":"shop","workload":{"workload_name":"cart"}}},` +
		`"src_instance":{"vm_name":"gke-node-1"},"dest_instance":{"vm_name":"db-1","managed_instance_group":{"name":"db"}},"src_vpc":{"vpc_name":"net-a"},"dest_vpc":{"vpc_name":"net-b"}`
	got := mapBody(t, get(t, "gcp-vpc"), nil, gcpEntry("a", "SRC", gke, 9007199254740993)+"\n"+gcpEntry("b", "SRC", "", 0))
	got.check(t, []string{"shop/cart db net-a 472222 9007199254740993 0", "10.1.0.1 10.1.0.2 gcp 472222 0 0"}, nil)
}

func TestGCPTwoReportersAreOne(t *testing.T) {
	both := `,"src_instance":{"vm_name":"a"},"dest_instance":{"vm_name":"b"}`
	outside := `,"dest_instance":{"vm_name":"b"},"src_location":{"country":"usa"}`
	entry := func(id, reporter, more, src string, bytes int) string {
		return strings.Replace(gcpEntry(id, reporter, more, bytes), "10.1.0.1", src, 1)
	}
	got := mapBody(t, get(t, "gcp-vpc"), nil, strings.Join([]string{
		gcpEntry("1", "SRC", both, 100),
		gcpEntry("2", "DEST", both, 90), // sampled apart: never average, never compare
		entry("3", "DEST", outside, "198.51.100.9", 50),
		gcpEntry("4", "DEST", outside, 7), // a host of ours without an agent: it is in the observed ranges
		gcpEntry("5", "SRC_GATEWAY", both, 100),
		gcpEntry("6", "DEST_GATEWAY", both, 100),
		entry("7", "SRC_GATEWAY", "", "198.51.100.9", 3),
		`{"insertId":"8","jsonPayload":{"other":1}}`,
	}, "\n"))
	got.check(t, []string{"a b gcp 472222 100 0", "198.51.100.9 b gcp 472222 50 0", "198.51.100.9 10.1.0.2 gcp 472222 3 0"},
		[]string{"other-reporter 4 297", "other-kind 1 0"})
}

func TestGCPAPushHasOneEntry(t *testing.T) {
	data := base64.StdEncoding.EncodeToString([]byte(gcpEntry("a", "SRC", "", 5)))
	got := mapBody(t, get(t, "gcp-vpc"), nil, `{"message":{"data":"`+data+`","messageId":"1"},"subscription":"projects/p/subscriptions/s"}`)
	got.check(t, []string{"10.1.0.1 10.1.0.2 gcp 472222 5 0"}, nil)
}

// flpRecord writes a record of the operator.
func flpRecord(more string, bytes int) string {
	return fmt.Sprintf(`{"SrcAddr":"10.1.0.1","DstAddr":"10.1.0.2","Bytes":%d,"Packets":2,"TimeFlowStartMs":%d,"TimeFlowEndMs":%d,"TimeReceived":%d,"K8S_ClusterName":"c1"%s}`,
		bytes, start*1000+1, start*1000+900, start+5000, more)
}

func TestFLPFavoursIngress(t *testing.T) {
	names := `,"SrcK8S_Namespace":"shop","SrcK8S_OwnerName":"cart","DstK8S_Namespace":"shop","DstK8S_OwnerName":"db","DstK8S_HostName":"node-2"`
	got := mapBody(t, get(t, "flp"), nil, `[`+strings.Join([]string{
		flpRecord(names+`,"FlowDirection":0`, 100),
		flpRecord(names+`,"FlowDirection":1`, 101), // the same packets at the other node
		flpRecord(names+`,"FlowDirection":2,"Sampling":0`, 10),
		flpRecord(`,"SrcK8S_Namespace":"shop","SrcK8S_OwnerName":"cart","FlowDirection":1`, 7), // it leaves the cluster
	}, ",")+`]`)
	got.check(t, []string{"shop/cart shop/db c1 472222 110 0", "shop/cart 10.1.0.2 c1 472222 7 0"}, []string{"other-reporter 1 101"})
}

func TestFLPRecordsOfConversationsRepeatBytes(t *testing.T) {
	got := mapBody(t, get(t, "flp"), nil, strings.Join([]string{
		flpRecord(`,"FlowDirection":0,"_RecordType":"flowLog"`, 1),
		flpRecord(`,"FlowDirection":0,"_RecordType":"heartbeat"`, 20),
		flpRecord(`,"FlowDirection":0,"_RecordType":"endConnection"`, 300),
		flpRecord(`,"FlowDirection":0,"Duplicate":true`, 4000),
		flpRecord(`,"FlowDirection":0,"Duplicate":false`, 50000),
		flpRecord(``, 600000),
	}, "\n"))
	got.check(t, []string{"10.1.0.1 10.1.0.2 c1 472222 50001 0"}, []string{"repeated 3 4320", "unknown-reporter 1 600000"})
}

func TestFLPBytesAreNotScaledAndFloatsAreIntegers(t *testing.T) {
	got := mapBody(t, get(t, "flp"), nil, `{"version":"v1","number_of_flow_logs":3,"flow_logs":[`+strings.Join([]string{
		flpRecord(`,"FlowDirection":0,"Sampling":50`, 100),
		strings.Replace(flpRecord(`,"FlowDirection":0`, 0), `"Bytes":0`, `"Bytes":1.5e3`, 1),
		strings.Replace(flpRecord(`,"FlowDirection":0`, 0), `"Bytes":0`, `"Bytes":1.5`, 1),
	}, ",")+`]}`)
	got.check(t, []string{"10.1.0.1 10.1.0.2 c1 472222 6500 0"}, []string{"bad-number 1 0"})
}

// goldmaneLine writes a line of the emitter.
func goldmaneLine(key, rest string) string {
	return fmt.Sprintf(`{"Key":{"source_name":"frontend-78cb8f69c8-*","source_namespace":"shop","dest_name":"db-*","dest_namespace":"shop","dest_port":5432,"proto":"TCP",%s,"policies":{}},"start_time":%d,"end_time":%d%s}`,
		key, start, start+15, rest)
}

func TestGoldmaneInAndOutAreTheReporters(t *testing.T) {
	got := mapBody(t, get(t, "goldmane"), nil, strings.Join([]string{
		goldmaneLine(`"source_type":1,"dest_type":1,"reporter":1,"action":1`, `,"bytes_out":100,"bytes_in":30`),
		goldmaneLine(`"source_type":1,"dest_type":1,"reporter":2,"action":1`, `,"bytes_out":30,"bytes_in":100`), // the same at the other end
		goldmaneLine(`"source_type":4,"dest_type":1,"reporter":2,"action":1`, `,"bytes_out":7,"bytes_in":5`),    // no agent at the source
		goldmaneLine(`"source_type":1,"dest_type":1,"reporter":1,"action":2`, `,"bytes_out":60`),                // denied
	}, "\n"))
	got.check(t, []string{"shop/frontend shop/db calico 472222 105 37"}, []string{"not-accepted 1 60", "other-reporter 1 130"})
}

func TestGoldmaneAbsentIsZero(t *testing.T) {
	got := mapBody(t, get(t, "goldmane"), nil,
		goldmaneLine(`"source_type":1,"reporter":1,"action":1`, "")+"\n"+goldmaneLine(`"source_type":1,"reporter":1,"action":1`, `,"bytes_in":9`))
	got.check(t, []string{"shop/frontend shop/db calico 472222 0 9"}, nil)
}

func TestGoflow2RatesNanosecondsAndBothFamilies(t *testing.T) {
	line := func(typ, src, dst string, bytes, rate int) string {
		return fmt.Sprintf(`{"type":%q,"time_received_ns":%d000000009,"time_flow_start_ns":%d000000001,"time_flow_end_ns":%d999999999,"sampler_address":"192.0.2.9","src_addr":%q,"dst_addr":%q,"bytes":%d,"packets":1,"sampling_rate":%d,"proto":"TCP"}`,
			typ, start+7200, start+10, start+20, src, dst, bytes, rate)
	}
	got := mapBody(t, get(t, "goflow2"), hosts, strings.Join([]string{
		line("NETFLOW_V5", "10.0.0.1", "10.0.0.2", 100, 0), // rate 0 means 1
		line("IPFIX", "10.0.0.2", "10.0.0.1", 30, 1),       // both directions count: no record is dropped by direction
		line("SFLOW_5", "::ffff:10.0.0.1", "2001:db8::2", 1518, 1000),
	}, "\n"))
	got.check(t, []string{"web db prod 472222 100 0", "db web prod 472222 30 0", "web 2001:db8::2 prod 472222 1518000 0"}, nil)
}

// Senders differ in whether a number is a number or a text, and nanoseconds exceed the integers of a float.
func TestNumbersMayBeTexts(t *testing.T) {
	const plain = `{"src_addr":"10.0.0.1","dst_addr":"10.0.0.2","bytes":9007199254740993,"sampling_rate":2,"time_flow_start_ns":1700002799999999999,"time_flow_end_ns":1700002800000000001}`
	texts := regexp.MustCompile(`:(\d+)`).ReplaceAllString(plain, `:"$1"`)
	for _, body := range []string{plain, texts} {
		got := mapBody(t, get(t, "goflow2"), hosts, body)
		got.check(t, []string{"web db prod 472222 9007199254740993 0", "web db prod 472223 9007199254740993 0"}, nil)
	}
}

// FuzzPresets maps any body by each preset, and holds it to the invariants of every preset.
func FuzzPresets(f *testing.F) {
	f.Add(awsLine("eni-1", "10.0.0.1", "10.0.0.2", 100, 0, 60, "ACCEPT", "OK"))
	f.Add(gcpEntry("a", "SRC", "", 5))
	f.Add(flpRecord(`,"FlowDirection":0,"Sampling":50`, 100))
	f.Add(goldmaneLine(`"source_type":1,"reporter":1,"action":1`, `,"bytes_in":9`))
	presets := preset.Builtin()
	f.Fuzz(func(t *testing.T, body string) {
		for _, p := range presets {
			r, err := New(p)
			if err != nil {
				continue
			}
			to := p.Engine(hosts, ingest.Private()).NewBody(0)
			if r.Read([]byte(body), bodySink{p, to}) != nil {
				continue
			}
			posting, _ := to.Posting()
			var stored, records uint64
			for _, b := range posting.Batches {
				for i := range b.Len() {
					stored += uint64(b.Tx[i]) + uint64(b.Rx[i])
				}
			}
			for why := range ingest.Reasons() {
				records += to.Counts.Aside[why].Records
			}
			if stored != to.Counts.Kept.Bytes || records+to.Counts.Kept.Records != to.Counts.Received.Records {
				t.Fatalf("%s: stored %d bytes of %+v", p.Name, stored, to.Counts)
			}
		}
	})
}
