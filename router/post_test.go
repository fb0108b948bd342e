package router

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"flowring/flow"
	"flowring/flow/compact"
	"flowring/router/admission"
	"flowring/router/coding"
)

// postTo sends a body to a handler without a network.
func postTo(h http.Handler, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/flows", body)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const smallRecord = `[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":2,"hour":3}]`

func TestAnAnswerIsItsJSON(t *testing.T) {
	for _, a := range []Accepted{
		{Hours: []flow.Hour{}},
		{Records: 1, Flows: 1, Hours: []flow.Hour{20}},
		{Records: math.MaxInt, Flows: 12345, Hours: []flow.Hour{math.MinInt64, -1, 0, 493_000, math.MaxInt64}},
		{Hours: []flow.Hour{}, SetAside: new(int)},
		{Hours: []flow.Hour{1}, SetAside: new(int), Reasons: []string{`a "b" \`, "c\n"}},
	} {
		want, err := json.Marshal(a)
		if got := a.document(); err != nil || string(got) != string(want)+"\n" {
			t.Errorf("document = %q, want %s (%v) and a line feed", got, want, err)
		}
	}
}

func TestPostAnswersExactly(t *testing.T) {
	h, _ := handlerFor(Config{}, newFake())
	w := postTo(h, strings.NewReader(smallRecord))
	if got, want := w.Body.String(), `{"records":1,"flows":1,"hours":[3]}`+"\n"; w.Code != 200 || got != want {
		t.Errorf("POST = %d %q, want 200 %q", w.Code, got, want)
	}
}

func TestPostOfNoRecordsDoesNotAskTheCluster(t *testing.T) {
	f := newFake()
	f.onPost = func(context.Context, *flow.Posting) (bool, error) { return false, errors.New("asked") }
	h, _ := handlerFor(Config{}, f)
	if w := postTo(h, strings.NewReader("[]")); w.Code != 200 {
		t.Errorf("POST [] = %d %s, want 200", w.Code, w.Body)
	}
}

// zeros yields zeros without end and counts them.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.n += int64(len(p))
	return len(p), nil
}

func TestABodyTooLongByItsHeaderIsRefusedUnread(t *testing.T) {
	h, _ := handlerFor(Config{MaxBody: 1000}, newFake())
	src := &zeros{}
	r := httptest.NewRequest(http.MethodPost, "/flows", src)
	r.ContentLength = 1001
	w := &earlyWriter{httptest.NewRecorder(), src, 0}
	h.ServeHTTP(w, r)
	if w.Code != 413 || w.read != 0 || src.n > maxDiscarded*1000 {
		t.Errorf("POST = %d after %d bytes, of %d in all, want 413 after none", w.Code, w.read, src.n)
	}
}

// P16: the cost of a bomb depends on the limit, and not on its decompressed size.
func TestABombIsRefused(t *testing.T) {
	const expanded, limit = 256 << 20, 1 << 20
	for _, c := range []coding.Coding{coding.Gzip, coding.Zstd, coding.Deflate} {
		var bomb bytes.Buffer
		z := compressor(c, &bomb)
		io.CopyN(z, &zeros{}, expanded)
		z.Close()
		h, reg := handlerFor(Config{MaxBody: limit}, newFake())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w := postTo(h, &bomb, "Content-Encoding", string(c))
		runtime.ReadMemStats(&after)
		if w.Code != 413 {
			t.Errorf("POST of a %s bomb = %d %s, want 413", c, w.Code, w.Body)
		}
		if cost := after.TotalAlloc - before.TotalAlloc; cost > 32*limit {
			t.Errorf("a %s bomb costs %d bytes of memory", c, cost)
		}
		wantMetric(t, reg, "flowring_http_buffered_bytes", 0)
	}
}

func compressor(c coding.Coding, w io.Writer, o ...zstd.EOption) io.WriteCloser {
	switch c {
	case coding.Gzip:
		return gzip.NewWriter(w)
	case coding.Deflate:
		return zlib.NewWriter(w)
	}
	z, _ := zstd.NewWriter(w, append(o, zstd.WithEncoderConcurrency(1))...)
	return z
}

func TestBodiesBeyondTheMemoryAreRefused(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	f := newFake()
	f.onPost = func(context.Context, *flow.Posting) (bool, error) {
		inside <- struct{}{}
		<-leave
		return false, nil
	}
	h, reg := handlerFor(Config{MaxBuffered: admission.MinCharge + admission.MinCharge/2}, f)
	first := make(chan int)
	go func() { first <- postTo(h, strings.NewReader(smallRecord)).Code }()
	<-inside
	w := postTo(h, strings.NewReader(smallRecord))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "overloaded") {
		t.Errorf("POST beside one that fills the memory = %d %s, want 503 and when to come back", w.Code, w.Body)
	}
	close(leave)
	if code := <-first; code != 200 {
		t.Errorf("POST within memory = %d, want 200", code)
	}
	wantMetric(t, reg, "flowring_http_buffered_bytes", 0)
	wantMetric(t, reg, "flowring_http_refusals_total", 1, "reason", "overloaded")
}

// dialRaw opens a connection on which a test can misbehave.
func dialRaw(t *testing.T, url string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// A client may close only its sending side. If the handler returned without an answer, the client would read a 200.
func TestATruncatedBodyIsNeverAcknowledged(t *testing.T) {
	for _, framing := range []string{"Content-Length: 200\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n200\r\n"} {
		for path, route := range map[string]string{"/flows": "/flows", "/ingest/goflow2": "/ingest/{preset}", "/v1/metrics": "/v1/metrics"} {
			f := newFake()
			url, reg := serve(t, Config{}, f)
			conn := dialRaw(t, url)
			io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\n"+framing+smallRecord)
			conn.CloseWrite()
			if answer, _ := io.ReadAll(conn); len(answer) > 0 {
				t.Errorf("%s, body cut short (%q): answer %q, want none", path, framing, answer)
			}
			if f.applied() != 0 {
				t.Errorf("%s, body cut short (%q): applied", path, framing)
			}
			wantMetric(t, reg, "flowring_http_requests_total", 1, "route", route, "method", "POST", "code", "aborted")
		}
	}
}

func TestABodyWithBrokenFramingIsRefused(t *testing.T) {
	url, _ := serve(t, Config{}, newFake())
	conn := dialRaw(t, url)
	io.WriteString(conn, "POST /flows HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n")
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 400" {
		t.Errorf("broken chunks: %q, %v; want 400", answer, err)
	}
}

func TestAHugeKeyIsRefusedBriefly(t *testing.T) {
	h, _ := handlerFor(Config{}, newFake())
	w := postTo(h, strings.NewReader("[]"), "Idempotency-Key", strings.Repeat("k", 500_000))
	if w.Code != 400 || w.Body.Len() > 400 {
		t.Errorf("POST with a huge key = %d with %d bytes, want 400 and a short text", w.Code, w.Body.Len())
	}
}

func TestTheBodyIsNotReadBeforeTheHeadersAreRefused(t *testing.T) {
	for name, headers := range map[string][]string{
		"key":      {"Idempotency-Key", "a b"},
		"type":     {"Content-Type", "application/xml"},
		"encoding": {"Content-Encoding", "br"},
	} {
		src := &zeros{}
		h, _ := handlerFor(Config{}, newFake())
		r := httptest.NewRequest(http.MethodPost, "/flows", src)
		r.Header.Add(headers[0], headers[1])
		w := &earlyWriter{httptest.NewRecorder(), src, 0}
		if h.ServeHTTP(w, r); w.Code < 400 || w.read > 0 {
			t.Errorf("%s: POST = %d after %d bytes, want a refusal after none", name, w.Code, w.read)
		}
	}
}

// A row of CSV takes fewer bytes than a JSON record, and as much memory. Therefore a row counts for more bytes (P16).
func TestRowsOfCSVAreLimited(t *testing.T) {
	h, _ := handlerFor(Config{MaxBody: 10 * rowCharge, MaxBuffered: 1 << 20}, newFake())
	for rows, want := range map[int]int{10: 200, 11: 413} {
		body := "src_ip,dest_ip,vpc,bytes_tx,bytes_rx,hour\n" + strings.Repeat("a,b,c,1,1,1\n", rows)
		w := postTo(h, strings.NewReader(body), "Content-Type", "text/csv")
		if w.Code != want {
			t.Errorf("POST of %d rows of CSV = %d %s, want %d", rows, w.Code, w.Body, want)
		}
	}
}

// The same holds for a record of protobuf.
func TestRecordsOfProtobufAreLimited(t *testing.T) {
	h, _ := handlerFor(Config{MaxBody: 10 * rowCharge, MaxBuffered: 1 << 20}, newFake())
	record := flow.Record{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "c"}, Hour: 1}
	for n, want := range map[int]int{10: 200, 11: 413} {
		body := compact.Encode(slices.Repeat([]flow.Record{record}, n))
		w := postTo(h, bytes.NewReader(body), "Content-Type", "application/x-protobuf")
		if w.Code != want {
			t.Errorf("POST of %d records of protobuf = %d %s, want %d", n, w.Code, w.Body, want)
		}
	}
}

// A node that is configured with the least max-body, and with the least max-buffered for it, stores a body of full size
// in every content coding.
func TestTheLeastBodyFitsIntoItsMemory(t *testing.T) {
	h, reg := handlerFor(Config{MaxBody: LeastBody, MaxBuffered: 3 * LeastBody}, newFake())
	var records strings.Builder
	for records.Len() < LeastBody-200 {
		fmt.Fprintf(&records, `{"src_app":%q,"dest_app":"b","vpc_id":"c","bytes_tx":1,"bytes_rx":1,"hour":1}`+"\n", rand.Text())
	}
	blank := strings.Repeat(" ", LeastBody-len(smallRecord)) + smallRecord
	for range 3 { // the later POSTs use kept buffers
		for _, c := range []string{"", "gzip", "zstd", "deflate"} {
			for name, text := range map[string]string{"records": records.String(), "white space": blank} {
				if w := postTo(h, bytes.NewReader(compressedAs(t, c, text)), "Content-Encoding", c); w.Code != 200 {
					t.Errorf("POST of %d bytes of %s as %q = %d %s, want 200", len(text), name, c, w.Code, w.Body)
				}
			}
		}
		wantMetric(t, reg, "flowring_http_buffered_bytes", 0)
	}
}

// Without expansion of the template a sender would send all requests with one key.
func TestAnUnexpandedTemplateIsNotAKey(t *testing.T) {
	f := newFake()
	h, reg := handlerFor(Config{}, f)
	for i, key := range []string{"${HOST}-${UNIQID}", "{{.Host}}", "a-%{host}", "$(uuidgen)", `"{{x"`} {
		w := postTo(h, strings.NewReader(smallRecord), "Idempotency-Key", key)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "/problems/idempotency-key") || !strings.Contains(w.Body.String(), "template that was not expanded") {
			t.Errorf("POST with the key %s = %d %s, want 400 that says so", key, w.Code, w.Body)
		}
		wantMetric(t, reg, "flowring_http_refusals_total", float64(i+1), "reason", "idempotency-key")
	}
	for _, key := range []string{"$HOST", "{a}", "%7B", "a{b", "$", "100%", "(x)", "$-{"} {
		if w := postTo(h, strings.NewReader(smallRecord), "Idempotency-Key", key); w.Code != 200 {
			t.Errorf("POST with the key %s = %d %s, want 200", key, w.Code, w.Body)
		}
	}
	if f.applied() != 8 {
		t.Errorf("%d postings are stored, want 8", f.applied())
	}
}
