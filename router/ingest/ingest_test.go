package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"flowring/flow"
	mapping "flowring/flow/ingest"
	"flowring/flow/ingest/preset"
	"flowring/internal/contract"
	"flowring/router/principal"
)

// cluster is a cluster of one store, which holds parts by key and hour as an owner does.
type cluster struct {
	parts map[string]int64 // bytes by key and hour
	ids   map[string]string
	fail  []error // of the next calls, in order
	lost  bool    // the next call stores, and its answer is lost
	floor flow.Hour
	posts int
}

func newCluster() *cluster { return &cluster{parts: map[string]int64{}, ids: map[string]string{}} }

func (c *cluster) post(_ context.Context, p *flow.Posting) (replayed bool, err error) {
	c.posts++
	if len(c.fail) > 0 {
		err, c.fail = c.fail[0], c.fail[1:]
		if err != nil {
			return false, err
		}
	}
	known := slices.ContainsFunc(p.Batches, func(b *flow.Batch) bool {
		_, held := c.parts[fmt.Sprintf("%s %d", b.Key, b.Slice.Hour)]
		return held
	})
	closed := slices.ContainsFunc(p.Batches, func(b *flow.Batch) bool { return b.Slice.Hour < c.floor })
	if closed && !known { // the key comes before the floor
		return false, &contract.HourError{Hour: p.Batches[0].Slice.Hour, Err: contract.TooOld}
	}
	replayed = true
	for _, b := range p.Batches {
		part := fmt.Sprintf("%s %d", b.Key, b.Slice.Hour)
		if _, held := c.parts[part]; held {
			continue
		}
		replayed = false
		for i := range b.Len() {
			c.parts[part] += b.Tx[i] + b.Rx[i]
		}
		c.ids[part] = b.ID.String()
	}
	if c.lost {
		c.lost = false
		return false, &contract.UnavailableError{Reason: "the answer is lost"}
	}
	return replayed, nil
}

// sum returns the bytes of all parts.
func (c *cluster) sum() (all int64) {
	for _, bytes := range c.parts {
		all += bytes
	}
	return all
}

// body is a body that has been received.
type body struct {
	context.Context
	text    []byte
	charged *int64 // bytes
}

func (b body) Decode(fn func([]byte) error) error { return fn(b.text) }
func (b body) Reserve(bytes int64) error          { *b.charged += bytes; return nil }
func (b body) Outcome(int) error                  { return nil }
func (b body) Close()                             {}

// valueOf returns the value of a counter.
func valueOf(c prometheus.Counter) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		panic(err)
	}
	return m.GetCounter().GetValue()
}

// names is a names file of single addresses.
type names map[string]mapping.Name

func (n names) Lookup(a netip.Addr) (mapping.Name, bool) {
	name, ok := n[a.String()]
	return name, ok
}

// fixture is a handler with its cluster.
type fixture struct {
	*Handler
	*cluster
	file names
	from flow.Hour
	log  bytes.Buffer
	reg  *prometheus.Registry

	charged int64 // bytes beside those of the bodies
}

func newFixture(t *testing.T, cfg Config) *fixture {
	t.Helper()
	f := &fixture{cluster: newCluster(), reg: prometheus.NewRegistry()}
	cfg.Presets = preset.NewSet()
	cfg.Names, cfg.Observed, cfg.MaxBody = func() mapping.Names { return f.file }, mapping.Private(), 1<<20
	if cfg.MaxHours == 0 {
		cfg.MaxHours = 1000
	}
	f.Handler = New(cfg, Deps{
		Receive: func(r *http.Request, _ principal.Principal) (string, Received, error) {
			var text bytes.Buffer
			_, err := text.ReadFrom(r.Body)
			return r.Header.Get("Idempotency-Key"), body{r.Context(), text.Bytes(), &f.charged}, err
		},
		Post: f.cluster.post,
		Refuse: func(w http.ResponseWriter, _ *http.Request, err error) {
			refusal, detail, _ := contract.RefusalOf(err)
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Content-Length", "7")
			w.WriteHeader(refusal.Status())
			w.Write(document(map[string]string{"title": refusal.Title(), "detail": detail}))
		},
		Hours: func() (from, to flow.Hour) { return f.from, 472300 },
		Log:   slog.New(slog.NewTextHandler(&f.log, nil)), Registry: f.reg, Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
	})
	return f
}

// send posts a body to a preset. headers are names and values.
func (f *fixture) send(preset, text string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/ingest/"+preset, strings.NewReader(text))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.Handler.Post(w, r, principal.Principal{Name: "agent"}, preset)
	return w
}

// want fails unless an answer has a status and a text.
func want(t *testing.T, w *httptest.ResponseRecorder, status int, text string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), text) {
		t.Errorf("answer = %d %s, want %d with %s", w.Code, w.Body, status, text)
	}
}

// line writes a line of aws-vpc of so many bytes, in the hours from a time after the start of hour 472222.
func line(src string, bytes, from, to int) string {
	const start = 472222 * 3600
	return fmt.Sprintf("2 1 eni-1 %s 198.51.100.9 1 2 6 9 %d %d %d ACCEPT OK", src, bytes, start+from, start+to)
}

// firehose writes a delivery.
func firehose(id string, lines ...string) string {
	data := base64.StdEncoding.EncodeToString([]byte(strings.Join(lines, "\n")))
	return fmt.Sprintf(`{"requestId":%q,"timestamp":1700000000000,"records":[{"data":%q}]}`, id, data)
}

func TestAnAnswerSaysWhatCounts(t *testing.T) {
	f := newFixture(t, Config{})
	w := f.send("aws-vpc", line("10.0.0.1", 100, 0, 60)+"\nnonsense\n2 1 eni-1 - - - - - - - 1700000000 1700000060 - NODATA")
	want(t, w, 200, `{"received":3,"kept":1,"set_aside":{"malformed":1,"no-data":1},"hours":[472222]}`)
	if f.sum() != 100 {
		t.Errorf("stored %d bytes, want 100", f.sum())
	}
	if !strings.Contains(f.log.String(), `msg="records set aside" preset=aws-vpc`) || !strings.Contains(f.log.String(), "reason=malformed records=1") {
		t.Errorf("log = %s", f.log.String())
	}
	wantMetrics(t, f, map[string]float64{"kept": 1, "malformed": 1, "no-data": 1})
	f.send("aws-vpc", line("10.0.0.1", 100, 0, 60)+"\nnonsense\n2 1 eni-1 - - - - - - - 1700000000 1700000060 - NODATA")
	wantMetrics(t, f, map[string]float64{"kept": 1, "malformed": 1, "no-data": 1}) // a replay counts once
	if got := valueOf(f.Handler.metrics.replays.WithLabelValues("aws-vpc")); got != 1 {
		t.Errorf("%v replays, want 1", got)
	}
}

// A sender that is wrong all the time hides no fault of another preset, and no other reason.
func TestEachPresetAndReasonHasALogLineOfItsOwn(t *testing.T) {
	f := newFixture(t, Config{})
	for range 2 { // the second time within the interval
		f.send("aws-vpc", "nonsense\n2 1 eni-1 - - - - - - - 1700000000 1700000060 - SKIPDATA", "Idempotency-Key", rand.Text())
		f.send("flp", "[1]", "Idempotency-Key", rand.Text())
	}
	for _, want := range []string{"preset=aws-vpc client=192.0.2.1:1234 reason=data-lost", "preset=aws-vpc client=192.0.2.1:1234 reason=malformed", "preset=flp client=192.0.2.1:1234 reason=malformed"} {
		if got := strings.Count(f.log.String(), want); got != 1 {
			t.Errorf("%d lines with %q, want 1, in the log\n%s", got, want, f.log.String())
		}
	}
}

// wantMetrics compares the records of aws-vpc by outcome.
func wantMetrics(t *testing.T, f *fixture, want map[string]float64) {
	t.Helper()
	got := map[string]float64{}
	for _, outcome := range slices.Concat([]string{"kept"}, slices.Collect(func(yield func(string) bool) {
		for why := range mapping.Reasons() {
			if !yield(why.String()) {
				return
			}
		}
	})) {
		if n := valueOf(f.Handler.metrics.records.WithLabelValues("aws-vpc", outcome)); n > 0 {
			got[outcome] = n
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("records = %v, want %v", got, want)
	}
}

func TestFirehoseGetsTheAnswerOfItsForm(t *testing.T) {
	f := newFixture(t, Config{})
	for _, headers := range [][]string{{}, {"X-Amz-Firehose-Request-Id", "req-1"}} {
		w := f.send("aws-vpc", firehose("req-1", line("10.0.0.1", 100, 0, 60)), headers...)
		var answer struct {
			RequestID string
			Timestamp int64
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.RequestID != "req-1" || answer.Timestamp != 1_700_000_000_000 ||
			w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("answer = %d %s, %v", w.Code, w.Body, err)
		}
	}
	if f.sum() != 100 {
		t.Errorf("two attempts stored %d bytes, want 100", f.sum())
	}
	f.fail = []error{&contract.UnavailableError{Reason: "few stores"}}
	w := f.send("aws-vpc", firehose("req-2"), "X-Amz-Firehose-Request-Id", "req-2")
	want(t, w, 200, `"requestId":"req-2"`) // nothing is to be stored
	w = f.send("aws-vpc", firehose("req-3", line("10.0.0.1", 1, 0, 60)), "X-Amz-Firehose-Request-Id", "req-3")
	want(t, w, 503, `"requestId":"req-3"`)
	want(t, w, 503, `"errorMessage":"few stores`)
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Content-Length") != "" {
		t.Errorf("headers = %v", w.Header())
	}
}

// TestTheKeyOfABody: two bodies with one key are attempts of one request (P2).
func TestTheKeyOfABody(t *testing.T) {
	entry := func(id string) string {
		return fmt.Sprintf(`{"insertId":%q,"logName":"l","timestamp":"2023-11-14T22:20:00Z","jsonPayload":{"reporter":"SRC","bytes_sent":"5","start_time":"2023-11-14T22:10:00Z","end_time":"2023-11-14T22:15:00Z","connection":{"src_ip":"10.0.0.1","dest_ip":"10.0.0.2"}}}`, id)
	}
	push := func(message, text string) string {
		return fmt.Sprintf(`{"message":{"data":%q,"messageId":%q},"subscription":"s"}`, base64.StdEncoding.EncodeToString([]byte(text)), message)
	}
	for _, test := range []struct {
		name, preset  string
		first, second string
		same          bool
	}{
		{"the same body", "aws-vpc", line("10.0.0.1", 5, 0, 60), line("10.0.0.1", 5, 0, 60), true},
		{"another body", "aws-vpc", line("10.0.0.1", 5, 0, 60), line("10.0.0.1", 5, 60, 120), false},
		{"the same delivery of Firehose", "aws-vpc", firehose("r", line("10.0.0.1", 5, 0, 60)), firehose("r", line("10.0.0.1", 5, 0, 60)), true},
		{"another delivery with the same lines", "aws-vpc", firehose("r", line("10.0.0.1", 5, 0, 60)), firehose("s", line("10.0.0.1", 5, 0, 60)), false},
		{"one log entry in two messages", "gcp-vpc", push("1", entry("a")), push("2", entry("a")), true},
		{"two log entries", "gcp-vpc", push("1", entry("a")), push("2", entry("b")), false},
		{"log entries in another order", "gcp-vpc", entry("a") + entry("b"), entry("b") + entry("a"), true},
		{"a message of which the entry has no ID", "gcp-vpc", push("1", entry("")), push("1", entry("")), true},
		{"messages of which the entries have no ID", "gcp-vpc", push("1", entry("")), push("2", entry("")), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, Config{})
			f.send(test.preset, test.first)
			once := f.sum()
			f.send(test.preset, test.second)
			if same := f.sum() == once; same != test.same || once == 0 {
				t.Errorf("bytes after the first and the second = %d and %d, want the same: %v", once, f.sum(), test.same)
			}
		})
	}
	f := newFixture(t, Config{})
	f.send("aws-vpc", line("10.0.0.1", 5, 0, 60), "Idempotency-Key", "k")
	f.send("aws-vpc", line("10.0.0.1", 6, 0, 60), "Idempotency-Key", "k")
	if f.sum() != 5 {
		t.Errorf("two bodies under one Idempotency-Key stored %d bytes, want 5", f.sum())
	}
}

// TestEqualBodiesOfTwoAgentsAreTwoFacts: the hash of a body is a key of its principal alone.
func TestEqualBodiesOfTwoAgentsAreTwoFacts(t *testing.T) {
	f := newFixture(t, Config{})
	for _, agent := range []string{"one", "two", "one"} {
		r := httptest.NewRequest("POST", "/ingest/aws-vpc", strings.NewReader(line("10.0.0.1", 5, 0, 60)))
		w := httptest.NewRecorder()
		f.Handler.Post(w, r, principal.Principal{Name: agent}, "aws-vpc")
		want(t, w, 200, `"kept":1`)
	}
	if f.sum() != 10 {
		t.Errorf("two agents stored %d bytes, want 10", f.sum())
	}
}

func TestAnEntryTwiceInABodyCountsOnce(t *testing.T) {
	f := newFixture(t, Config{})
	entry := `{"insertId":"a","logName":"l","timestamp":"2023-11-14T22:20:00Z","jsonPayload":{"reporter":"SRC","bytes_sent":"5","start_time":"2023-11-14T22:10:00Z","end_time":"2023-11-14T22:15:00Z","connection":{"src_ip":"10.0.0.1","dest_ip":"10.0.0.2"}}}`
	want(t, f.send("gcp-vpc", entry+"\n"+entry), 200, `"received":2,"kept":1,"set_aside":{"repeated":1}`)
	if f.sum() != 5 {
		t.Errorf("stored %d bytes, want 5", f.sum())
	}
}

// TestTheNamesFileChangesBetweenALostAnswerAndItsRetry (P2).
func TestTheNamesFileChangesBetweenALostAnswerAndItsRetry(t *testing.T) {
	f := newFixture(t, Config{})
	f.lost = true
	text := line("10.0.0.1", 100, 3500, 3700)
	want(t, f.send("aws-vpc", text), 503, "the answer is lost")
	f.file = names{"10.0.0.1": {App: "web", VPC: "prod"}}
	want(t, f.send("aws-vpc", text), 200, `"kept":1`)
	if f.sum() != 100 {
		t.Errorf("stored %d bytes, want 100", f.sum())
	}
}

// TestTheFloorRisesBetweenALostAnswerAndItsRetry: the part of the hour that is still open keeps its identity (P2).
func TestTheFloorRisesBetweenALostAnswerAndItsRetry(t *testing.T) {
	f := newFixture(t, Config{})
	f.lost = true
	text := line("10.0.0.1", 100, 3500, 3700)
	want(t, f.send("aws-vpc", text), 503, "the answer is lost")
	before := maps.Clone(f.ids)
	f.from, f.floor = 472223, 472223
	want(t, f.send("aws-vpc", text), 200, `"set_aside":{},"hours":[472222,472223]`)
	if f.sum() != 100 || !maps.Equal(before, f.ids) {
		t.Errorf("stored %d bytes with the IDs %v, want 100 with %v", f.sum(), f.ids, before)
	}
	other := newFixture(t, Config{}) // another node, of which the store has nothing yet
	other.from, other.floor = 472223, 472223
	want(t, other.send("aws-vpc", text), 200, `"hour-closed":1`)
	if other.sum() != 50 {
		t.Errorf("a new request with a closed hour stored %d bytes, want 50", other.sum())
	}
	for part, id := range other.ids {
		if before[part] != id {
			t.Errorf("part %s has the ID %s at another node, want %s", part, id, before[part])
		}
	}
}

// TestAKnownRequestStoresItsClosedHour: an earlier attempt stored one hour of two, and the other one is closed now (P3).
func TestAKnownRequestStoresItsClosedHour(t *testing.T) {
	f := newFixture(t, Config{})
	text := line("10.0.0.1", 100, 3500, 3700)
	f.send("aws-vpc", text)
	for part := range f.parts {
		if strings.HasSuffix(part, " 472222") {
			delete(f.parts, part)
		}
	}
	f.from, f.floor = 472223, 472223
	want(t, f.send("aws-vpc", text), 200, `"set_aside":{},"hours":[472222,472223]`)
	if f.sum() != 100 {
		t.Errorf("stored %d bytes, want 100", f.sum())
	}
}

// TestAFloorThatANodeHasNotHeardOfIsNoRefusal: the owner says it, and the rest is stored.
func TestAFloorThatANodeHasNotHeardOfIsNoRefusal(t *testing.T) {
	f := newFixture(t, Config{})
	f.floor = 472223
	f.Handler.Deps.Post = func(ctx context.Context, p *flow.Posting) (bool, error) {
		replayed, err := f.cluster.post(ctx, p)
		if errors.Is(err, contract.TooOld) {
			f.from = f.floor // the answer carries the roster
		}
		return replayed, err
	}
	want(t, f.send("aws-vpc", line("10.0.0.1", 100, 3500, 3700)), 200, `"hour-closed":1`)
	if f.sum() != 50 {
		t.Errorf("stored %d bytes, want 50", f.sum())
	}
}

// An hour that an operator has erased is dropped like one below the floor, and the rest is stored.
func TestRecordsOfAnErasedHourAreDropped(t *testing.T) {
	f := newFixture(t, Config{})
	f.Handler.Deps.Post = func(ctx context.Context, p *flow.Posting) (bool, error) {
		for _, b := range p.Batches {
			if b.Slice.Hour == 472222 {
				return false, &contract.HourError{Hour: 472222, Err: contract.ClosedHour}
			}
		}
		return f.cluster.post(ctx, p)
	}
	want(t, f.send("aws-vpc", line("10.0.0.1", 100, 3500, 3700)), 200, `"hour-closed":1`)
	if f.sum() != 50 {
		t.Errorf("stored %d bytes, want 50", f.sum())
	}
}

func TestHoursThatTheClusterDoesNotTakeAreCounted(t *testing.T) {
	f := newFixture(t, Config{})
	want(t, f.send("aws-vpc", line("10.0.0.1", 7, 100*3600, 100*3600+60)), 200, `"set_aside":{"hour-ahead":1},"hours":[]`)
	for outcome, bytes := range map[string]float64{"kept": 0, "hour-ahead": 7} {
		if got := valueOf(f.Handler.metrics.bytes.WithLabelValues("aws-vpc", outcome)); got != bytes {
			t.Errorf("%s: %v bytes, want %v", outcome, got, bytes)
		}
	}
}

// TestNoAnswerMakesASenderDropGoodRecords: most senders drop a batch after a 4xx (P3).
func TestNoAnswerMakesASenderDropGoodRecords(t *testing.T) {
	for _, refusal := range []error{
		contract.KeyReused, contract.Overflow, contract.TooManyFlows, contract.TooManyNames, contract.TooManyHours, contract.HoursReserved,
		contract.FutureHour, contract.TooOld, &contract.HourError{Hour: 472222, Err: contract.TooManyFlows},
	} {
		f := newFixture(t, Config{})
		f.fail = []error{refusal, refusal, refusal}
		want(t, f.send("aws-vpc", line("10.0.0.1", 7, 0, 60)), 503, "a store does not take the records now")
	}
}

func TestABodyThatCanNeverBeStoredIsRefused(t *testing.T) {
	f := newFixture(t, Config{MaxParts: 3})
	want(t, f.send("none", "x"), 404, "has no preset")
	want(t, f.send("obi", "x"), 404, "/v1/metrics")
	want(t, f.send("aws-vpc", ""), 400, "the body is empty")
	want(t, f.send("flp", "text"), 400, "neither a JSON array nor JSON objects")
	want(t, f.send("aws-vpc", line("10.0.0.1", 7000, 0, 4*3600)), 413, "--max-ingest-parts")
	if f.posts != 0 || valueOf(f.Handler.metrics.partsRefused) != 1 {
		t.Errorf("%d posts, %v refused for their parts; want 0 and 1", f.posts, valueOf(f.Handler.metrics.partsRefused))
	}
}

// A part of a body must not count: the sender sends the whole again, under another hash (P2). A broken text in a delivery
// that is whole would be the same in each attempt.
func TestABodyThatBreaksOffIsRefused(t *testing.T) {
	const (
		record  = `{"SrcAddr":"10.0.0.1","DstAddr":"10.0.0.2","SrcK8S_Name":"a","DstK8S_Name":"b","Bytes":5,"FlowDirection":1,"TimeFlowEndMs":1700000060000}`
		array   = "[" + record + "," + record + "]"
		records = `{"flow_logs":` + array + `}`
	)
	for name, whole := range map[string]string{"an array": array, "an object with the records": records} {
		f := newFixture(t, Config{})
		for _, n := range []int{len(whole) - 1, len(record) + 5, len(record) + 40} {
			want(t, f.send("flp", whole[:n]), 400, "the body ends within its JSON")
		}
		want(t, f.send("flp", strings.Replace(whole, "},{", "},?{", 1)), 400, "no JSON at byte")
		if f.posts != 0 {
			t.Errorf("%s: %d posts of bodies that break off, want none", name, f.posts)
		}
		want(t, f.send("flp", whole), 200, `"received":2,"kept":2`)
	}
	f := newFixture(t, Config{})
	want(t, f.send("flp", record+"\n"+record[:30]+"\n"+record+"\n"), 200, `"received":3,"kept":2,"set_aside":{"malformed":1}`)
	want(t, f.send("flp", record+"\n"+record[:30]), 400, "the body ends within its JSON")

	data := base64.StdEncoding.EncodeToString([]byte(`{"insertId":"i","jsonPayload":{`))
	push := fmt.Sprintf(`{"message":{"data":%q,"messageId":"1"},"subscription":"s"}`, data)
	want(t, newFixture(t, Config{}).send("gcp-vpc", push), 200, `"received":1,"kept":0,"set_aside":{"malformed":1}`)
}

// The text of a body may be as long as the limit, however short its compressed form is (P12).
func TestACopyOfABodyIsChargedFor(t *testing.T) {
	text := line("10.0.0.1", 100, 0, 60)
	for name, c := range map[string]struct {
		body string
		want int64
	}{
		"plain": {text, 0}, "an envelope": {firehose("r", text), int64(len(text))}, "gzip without a header": {zip(text), int64(len(text))},
	} {
		f := newFixture(t, Config{})
		want(t, f.send("aws-vpc", c.body), 200, "")
		if f.charged != c.want || f.sum() != 100 {
			t.Errorf("%s: %d bytes charged and %d stored, want %d and 100", name, f.charged, f.sum(), c.want)
		}
	}
}

func zip(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

func TestABodyOfManyHoursIsPostedInParts(t *testing.T) {
	f := newFixture(t, Config{MaxHours: 2})
	text := line("10.0.0.1", 5000, 0, 5*3600)
	want(t, f.send("aws-vpc", text), 200, `"hours":[472222,472223,472224,472225,472226]`)
	if f.sum() != 5000 || f.posts != 3 {
		t.Errorf("stored %d bytes in %d posts, want 5000 in 3", f.sum(), f.posts)
	}
	if w := f.send("aws-vpc", text); w.Header().Get("Idempotency-Replayed") != "true" || f.sum() != 5000 {
		t.Errorf("again: %d bytes, headers %v", f.sum(), w.Header())
	}
}
