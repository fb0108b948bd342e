package bench

import (
	"strings"
	"testing"
	"time"

	"flowring/internal/load"
	"flowring/router"
)

func TestBenchTable(t *testing.T) {
	b := Bench{Plan: load.Plan{Connections: 1}, Shape: load.Shape{Records: 5, Flows: 1000, Hours: 24}, Rate: 50_000, NoKeys: true}
	r := &load.Result{
		Seconds: 10, Records: 499_500, Posts: 99_900, Bytes: 55e6, RecordsPerSecond: 49_950, PostsPerSecond: 9990,
		Latency: load.Latency{P50: .5, P90: 9.994, P99: 10, P999: 123.4, Max: 1234},
		Answers: map[int]int64{503: 3, 200: 99_900}, Retries: 1, Replayed: 1, Refused: 1, Unknown: 99, Unsent: 12_345,
		Failures: []load.Failure{{Kind: "503 overloaded", Count: 3, Example: "n1:8080: 503 Too\x1bmuch"}},
		Reads:    &load.Reads{Reads: 20, Failed: 1, Bytes: 12e6}, Verified: &load.Verified{Hours: 1, Flows: 1000}, CPUSeconds: 2,
	}
	view := router.MembersView{Members: []router.Member{{State: "alive"}, {State: "absent"}}, Ring: router.RingView{ReplicationFactor: 2, WriteQuorum: 2}}
	want := `1 of 2 nodes, 2 copies of each batch, 2 acknowledge it
1 connection, 5 records in each post, 1,000 flows in 24 hours, 50,000 records due in a second, without keys

stored        499,500 records in 99,900 posts, 55.0 MB, in 10.0 s
rate          49,950 records/s, 9,990 posts/s
latency       p50 0.50 ms, p90 9.99 ms, p99 10.0 ms, p99.9 123 ms, max 1234 ms
answers       200: 99,900, 503: 3
retries       1; 1 post stored by an attempt with a lost answer
failed        1 post refused, 99 unknown
not sent      12,345 posts that were due, because all connections were busy
reads         20, 12.0 MB, 1 failed; p50 0.00 ms, p90 0.00 ms, p99 0.00 ms, p99.9 0.00 ms, max 0.00 ms
verified      1,000 flows in 1 hour have the expected totals
bench itself  2.00 s of CPU, 4.00 s for a million records
error         "3 times 503 overloaded, such as n1:8080: 503 Too\x1bmuch"
`
	var got strings.Builder
	if err := b.Print(&got, view, r); err != nil || got.String() != want {
		t.Errorf("Print() = %v with\n%s, want\n%s", err, &got, want)
	}
}

func TestProgressShowsTheLastSecond(t *testing.T) {
	start := time.Now()
	var stderr strings.Builder
	tally := &load.Tally{}
	p := &progress{stderr: &stderr, tally: tally, traffic: &load.Traffic{}, start: start, last: start, latency: tally.Latency.Counts()}
	tally.Records.Add(1_234_567)
	tally.Stored.Add(1235)
	tally.Latency.Add(5 * time.Millisecond)
	p.print(start.Add(time.Second))
	tally.Latency.Add(50 * time.Millisecond)
	p.print(start.Add(3 * time.Second))
	want := "   1s  1,234,567 records/s    1,235 posts/s   p50 5.00 ms   p99 5.00 ms   0 errors\n" +
		"   3s          0 records/s        0 posts/s   p50 50.0 ms   p99 50.0 ms   0 errors\n"
	if stderr.String() != want {
		t.Errorf("progress is\n%swant\n%s", &stderr, want)
	}
}
