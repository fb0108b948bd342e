package router

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
	"flowring/router/admission"
	"flowring/router/reception"
)

func TestAPostBeyondALimitIsRefusedBeforeItsBodyIsRead(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg   Config
		full  bool
		limit string
	}{
		"no memory":          {Config{}, true, admission.LimitMemory},
		"a body too many":    {Config{MaxBuffered: admission.MinCharge}, false, admission.LimitBytes},
		"nothing in the way": {Config{}, false, ""},
	} {
		rt := New(tt.cfg, Deps{Cluster: newFake(), Log: discard, MemoryFull: func() bool { return tt.full }})
		src := &counted{Reader: strings.NewReader(smallRecord + strings.Repeat(" ", 2*admission.MinCharge))}
		r := httptest.NewRequest(http.MethodPost, "/flows", src)
		r.ContentLength = src.Size()
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if refused := tt.limit != ""; (w.Code == 503) != refused || (src.n == 0) != refused {
			t.Errorf("%s: POST = %d %s after %d bytes, want 503 after none: %t", name, w.Code, w.Body, src.n, refused)
		}
		after := w.Header().Get("Retry-After")
		if seconds, _ := strconv.Atoi(after); tt.limit != "" && (seconds < 1 || seconds > admission.MaxRetryAfter || !strings.Contains(w.Body.String(), `"retry_after":`+after)) {
			t.Errorf("%s: Retry-After %q, body %s, want 1 to %d in both", name, after, w.Body, admission.MaxRetryAfter)
		}
	}
}

// counted counts the bytes read.
type counted struct {
	*strings.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

func TestASlowBodyDoesNotKeepOthersOut(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		h, _ := handlerFor(Config{MaxActive: 1, MaxWait: 2 * time.Second}, newFake())
		slow, begun := &drip{after: 5 * time.Second}, time.Now()
		var code int
		var done sync.WaitGroup
		done.Go(func() { code = postTo(h, io.MultiReader(slow, strings.NewReader(smallRecord))).Code })
		synctest.Wait()
		if w := postTo(h, strings.NewReader(smallRecord)); w.Code != 200 || time.Since(begun) != reception.SlowBody {
			t.Errorf("POST beside one that sends slowly = %d after %v, want 200 after %v", w.Code, time.Since(begun), reception.SlowBody)
		}
		done.Wait()
		if code != 200 {
			t.Errorf("POST that sends slowly = %d, want 200", code)
		}
	})
}

// A hanging store keeps out only the POSTs to this store.
func TestASlowOutcomeDoesNotKeepOthersOut(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		f := newFake()
		f.onPost = func(ctx context.Context, p *flow.Posting) (bool, error) {
			if p.Records == 1 {
				<-ctx.Done()
			}
			return false, ctx.Err()
		}
		h, _ := handlerFor(Config{MaxActive: 1, MaxWait: 2500 * time.Millisecond}, f)
		var done sync.WaitGroup
		done.Go(func() { postTo(h, strings.NewReader(smallRecord)) })
		synctest.Wait()
		begun := time.Now()
		two := strings.Replace(smallRecord, "]", ","+smallRecord[1:], 1)
		if w := postTo(h, strings.NewReader(two)); w.Code != 200 || time.Since(begun) != reception.SlowOutcome {
			t.Errorf("POST beside one that hangs = %d after %v, want 200 after %v", w.Code, time.Since(begun), reception.SlowOutcome)
		}
		done.Wait()
	})
}

// drip is a body whose first byte comes after some time.
type drip struct{ after time.Duration }

func (d *drip) Read([]byte) (int, error) { time.Sleep(d.after); return 0, io.EOF }

// The wait of a POST counts against its time for the cluster: an answer comes within 4 s.
func TestWaitingCountsTowardsTheTimeForAnAnswer(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		f := newFake()
		f.onPost = func(ctx context.Context, _ *flow.Posting) (bool, error) { <-ctx.Done(); return false, ctx.Err() }
		h, _ := handlerFor(Config{MaxActive: 1}, f)
		slow := &drip{after: 900 * time.Millisecond}
		var done sync.WaitGroup
		done.Go(func() { postTo(h, io.MultiReader(slow, strings.NewReader("[]"))) })
		synctest.Wait()
		begun := time.Now()
		w := postTo(h, strings.NewReader(smallRecord))
		if took := time.Since(begun); w.Code != 503 || took != DefaultTimeout {
			t.Errorf("POST that waited for a place and then for the cluster = %d after %v, want 503 after %v", w.Code, took, DefaultTimeout)
		}
		done.Wait()
	})
}
