package router

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/coding"
)

// longText returns n bytes with four bits of information in each.
func longText(n int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = "0123456789abcdef"[rng.IntN(16)]
	}
	return string(text)
}

// getCoded sends a GET that asks for one coding. Without a coding in the header the transport asks for gzip, and
// decompresses the answer in silence; a header without values does not keep it from that.
func getCoded(url string, c coding.Coding) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", cmp.Or(string(c), "identity"))
	return http.DefaultClient.Do(req)
}

func decoded(t *testing.T, r io.Reader, c coding.Coding) io.Reader {
	t.Helper()
	switch c {
	case coding.Gzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		return z
	case coding.Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(z.Close)
		return z
	}
	return r
}

func TestACompressedAnswerHasTheSameText(t *testing.T) {
	for _, n := range []int{0, 1, coding.MinLength - 1, coding.MinLength, sendBuffer - 1, sendBuffer, sendBuffer + 1, 20 * sendBuffer} {
		text := longText(n)
		var chunks []string
		for rest := text; rest != ""; {
			part := min(len(rest), 10_000)
			chunks, rest = append(chunks, rest[:part]), rest[part:]
		}
		for _, c := range []coding.Coding{coding.Identity, coding.Gzip, coding.Zstd} {
			h, reg := handlerFor(Config{}, answering(&fakeAnswer{complete: contract.Complete, tag: "t", chunks: chunks}))
			for range 2 { // the second time with a pooled encoder
				req := httptest.NewRequest(http.MethodGet, "/flows?hour=1", nil)
				req.Header.Set("Accept-Encoding", string(c))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, req)
				want := c
				if n < coding.MinLength {
					want = coding.Identity
				}
				got := w.Result().Header
				if got.Get("Content-Encoding") != string(want) || got.Get("Vary") != "Accept-Encoding" || got.Get("ETag") != `W/"t"` {
					t.Errorf("%d bytes, asked for %q: %v, want Content-Encoding %q, Vary, one ETag for all forms", n, c, got, want)
				}
				body, err := io.ReadAll(decoded(t, w.Body, want))
				if err != nil || string(body) != text {
					t.Errorf("%d bytes as %q: %d bytes decoded, %v", n, want, len(body), err)
				}
			}
			wantMetric(t, reg, "flowring_http_long_answers", 0)
		}
	}
}

func TestARefusalIsNotCompressed(t *testing.T) {
	answer := &fakeAnswer{complete: contract.Complete, tag: "t", chunks: []string{strings.Repeat(" ", 2*sendBuffer)}, err: errors.New("lost")}
	h, _ := handlerFor(Config{}, answering(answer))
	req := httptest.NewRequest(http.MethodGet, "/flows?hour=1", nil)
	req.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req) // the encoder has too few bytes to send any
	for _, name := range []string{"Content-Encoding", "ETag", "Flowring-Complete"} {
		if value := w.Result().Header.Get(name); value != "" {
			t.Errorf("%s = %q with a refusal, want none", name, value)
		}
	}
	if w.Code != 503 || !strings.HasPrefix(w.Body.String(), `{"type":"/problems/unavailable"`) {
		t.Errorf("GET = %d %.80q, want a plain problem", w.Code, w.Body)
	}
}

// endless is an answer that lasts until end is closed.
type endless struct {
	fakeAnswer
	text string
	end  chan struct{}
}

func (a *endless) WriteTo(w io.Writer) (n int64, err error) {
	for {
		m, err := io.WriteString(w, a.text)
		if n += int64(m); err != nil {
			return n, err
		}
		select {
		case <-a.end:
			return n, nil
		default:
		}
	}
}

// If all places for long answers are in use, the next long answer waits, and is refused in time. A short answer
// does not wait.
func TestLongAnswersWaitForAPlaceAndShortOnesDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, end := newFake(), make(chan struct{})
		f.onGet = func(_ context.Context, hour flow.Hour, _ contract.Ask) (contract.Answer, error) {
			if hour == 0 {
				return &fakeAnswer{complete: contract.Complete, chunks: []string{longText(sendBuffer)}}, nil
			}
			return &endless{fakeAnswer{complete: contract.Complete}, strings.Repeat(" ", sendBuffer+1), end}, nil
		}
		h, reg := handlerFor(Config{MaxLong: 1}, f)
		first := make(chan int)
		go func() {
			w := &idleWriter{ResponseRecorder: httptest.NewRecorder()}
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/flows?hour=1", nil))
			first <- w.Code
		}()
		time.Sleep(time.Second)
		begun := time.Now()
		if w := getFrom(h, "/flows?hour=0"); w.Code != 200 || w.Body.Len() != sendBuffer || time.Since(begun) != 0 {
			t.Errorf("GET of a short answer = %d, %d bytes after %v, want 200 at once", w.Code, w.Body.Len(), time.Since(begun))
		}
		w := getFrom(h, "/flows?hour=1")
		if took := time.Since(begun); w.Code != 503 || w.Header().Get("Retry-After") == "" || took != DefaultTimeout {
			t.Errorf("GET of a long answer = %d after %v, want 503 with Retry-After after %v", w.Code, took, DefaultTimeout)
		}
		wantMetric(t, reg, "flowring_http_long_answers", 1)
		wantMetric(t, reg, "flowring_http_long_answers_refused_total", 1)
		waits := make(chan int)
		go func() { waits <- getFrom(h, "/flows?hour=1").Code }()
		synctest.Wait()
		begun = time.Now()
		if w := getFrom(h, "/flows?hour=1"); w.Code != 503 || time.Since(begun) != 0 {
			t.Errorf("GET of a long answer while as many wait as may = %d after %v, want 503 at once", w.Code, time.Since(begun))
		}
		wantMetric(t, reg, "flowring_http_long_answers_refused_total", 2)
		if code := <-waits; code != 503 {
			t.Errorf("GET of a long answer that waited = %d, want 503", code)
		}
		time.AfterFunc(time.Second, func() { close(end) })
		if w := getFrom(h, "/flows?hour=1"); w.Code != 200 {
			t.Errorf("GET of a long answer that waits for a place = %d, want 200", w.Code)
		}
		if code := <-first; code != 200 {
			t.Errorf("the first GET = %d, want 200", code)
		}
		wantMetric(t, reg, "flowring_http_long_answers", 0)
	})
}

// idleWriter is a client with a delay for each write. It keeps no bytes.
type idleWriter struct{ *httptest.ResponseRecorder }

func (w *idleWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	time.Sleep(100 * time.Millisecond)
	return len(p), nil
}
