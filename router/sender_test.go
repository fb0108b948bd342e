package router

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/racetest"
	"flowring/router/coding"
)

// curl repeats a request with an empty body if it read the body from a pipe. A 200 would lose the records.
func TestAnEmptyBodyIsNever200(t *testing.T) {
	h, _ := handlerFor(Config{}, newFake())
	for _, media := range []string{
		"", "application/json", "application/x-ndjson", "text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "text/csv",
		"application/x-protobuf",
	} {
		for _, name := range []string{"", "gzip", "zstd", "deflate"} {
			for _, space := range []string{"", " \r\n\t\n"} {
				for form, body := range map[string][]byte{"as it is": []byte(space), "compressed": compressedAs(t, name, space)} {
					header := []string{"Content-Encoding", name, "Idempotency-Key", "k"}
					if media != "" {
						header = append(header, "Content-Type", media)
					}
					w := postTo(h, bytes.NewReader(body), header...)
					if w.Code/100 != 4 {
						t.Errorf("POST of %q as %q %s, %s = %d %s, want 4xx", space, media, name, form, w.Code, w.Body)
					}
				}
			}
		}
	}
}

// compressedAs returns a text in a content coding.
func compressedAs(t *testing.T, name, text string) []byte {
	t.Helper()
	if name == "" {
		return []byte(text)
	}
	var out bytes.Buffer
	w := compressor(coding.Coding(name), &out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Most senders drop records after a 422 without a message. A rate-limited message in the log has the client and the
// count.
func TestAReusedKeyIsLoggedWithTheClient(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		reg := prometheus.NewRegistry()
		h := New(Config{}, Deps{Cluster: newFake(), Registry: reg, Log: slog.New(slog.NewTextHandler(&log, nil))})
		for i := range 4 {
			body := strings.Replace(smallRecord, `"bytes_tx":1`, fmt.Sprintf(`"bytes_tx":%d`, i), 1)
			want := http.StatusUnprocessableEntity
			if i == 0 {
				want = http.StatusOK
			}
			if w := postTo(h, strings.NewReader(body), "Idempotency-Key", "k"); w.Code != want {
				t.Errorf("POST %d = %d %s, want %d", i, w.Code, w.Body, want)
			}
		}
		const line = `level=WARN msg="key reused" client=192.0.2.1:1234 refused=`
		if n := strings.Count(log.String(), line); n != 1 || !strings.Contains(log.String(), line+"1\n") {
			t.Errorf("the log has %d lines for 3 refusals at a time, want the first: %s", n, &log)
		}
		time.Sleep(11 * time.Second)
		postTo(h, strings.NewReader(strings.Replace(smallRecord, `"bytes_tx":1`, `"bytes_tx":9`, 1)), "Idempotency-Key", "k")
		if !strings.Contains(log.String(), line+"3\n") {
			t.Errorf("the log has no line for 3 more refusals: %s", &log)
		}
		wantMetric(t, reg, "flowring_http_refusals_total", 4, "reason", "key-reused")
		synctest.Wait()
	})
}
