package watch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/router/ask"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source answers queries by source with its sums.
type source struct {
	mu       sync.Mutex
	sums     map[string]int64
	complete contract.Completeness
	from     *flow.Hour
	err      error
	asked    int
	folded   int // answers with rows
}

func (s *source) Query(_ context.Context, _ *query.Spec, a contract.Ask) (contract.Rows, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.err != nil {
		return nil, s.err
	}
	answer := &answer{tag: contract.Tag(strings.NewReplacer(" ", "", "map", "t").Replace(fmt.Sprint(s.sums))), complete: s.complete, from: s.from}
	if a.Knows(answer.tag) {
		return answer, nil
	}
	s.folded++
	for _, name := range slices.Sorted(maps.Keys(s.sums)) {
		answer.rows = append(answer.rows, query.Row{Key: query.Key{Src: name}, Tx: query.SumOf(s.sums[name])})
	}
	return answer, nil
}

func (s *source) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

type answer struct {
	tag      contract.Tag
	complete contract.Completeness
	from     *flow.Hour
	erased   int64
	rows     []query.Row
}

func (a *answer) Complete() contract.Completeness { return a.complete }
func (a *answer) Tag() contract.Tag               { return a.tag }
func (a *answer) Close() error                    { return nil }
func (a *answer) From() *flow.Hour                { return a.from }
func (a *answer) Erased() int64                   { return a.erased }
func (a *answer) Next() (query.Key, bool)         { return query.Key{}, false }
func (a *answer) All() iter.Seq2[query.Row, error] {
	return func(yield func(query.Row, error) bool) {
		for _, row := range a.rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func newHub(cfg Config, s *source, ending func() bool) *Hub {
	return New(cfg, Deps{
		Query: s.Query, Now: time.Now, Ending: ending,
		Problem: func(err error) []byte { return fmt.Appendf(nil, `{"detail":%q}`+"\n", err) },
	})
}

// pipe is the answer to a viewer. The test reads it line by line.
type pipe struct {
	header http.Header
	*io.PipeWriter
	lines *bufio.Scanner
}

func (p *pipe) Header() http.Header              { return p.header }
func (p *pipe) WriteHeader(int)                  {}
func (p *pipe) Flush()                           {}
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// view begins to watch the sums by source. stop ends it and returns the error of Serve.
func view(t *testing.T, h *Hub, lastID string) (p *pipe, stop func() error) {
	t.Helper()
	q, err := ask.Parser{}.Parse(url.Values{"from": {"-1h"}, "group_by": {"src_app"}})
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	p = &pipe{http.Header{}, w, bufio.NewScanner(r)}
	ctx, cancel := context.WithCancel(context.Background())
	request := httptest.NewRequest("GET", "/flows/stream", nil).WithContext(ctx)
	request.Header.Set("Last-Event-ID", lastID)
	served := make(chan error, 1)
	go func() { served <- h.Serve(p, request, q); w.Close() }()
	synctest.Wait() // for the first evaluation
	return p, func() error { cancel(); r.Close(); return <-served }
}

// got is an event or a comment.
type got struct {
	ID, Event, Comment string
	Data               struct {
		Complete string
		From     flow.Hour
		Detail   string
		Rows     []map[string]any
		Removed  []map[string]any
	}
}

// next returns the next event or comment; ok is false at the end.
func (p *pipe) next(t *testing.T) (e got, ok bool) {
	t.Helper()
	for p.lines.Scan() {
		name, value, _ := strings.Cut(p.lines.Text(), ": ")
		switch name {
		case "id":
			e.ID = value
		case "event":
			e.Event = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e.Data); err != nil {
				t.Fatalf("data %s: %v", value, err)
			}
		case "retry":
			p.lines.Scan() // the empty line behind it
		case "":
			if value != "" {
				e.Comment = value
			} else {
				return e, true
			}
		}
	}
	return e, false
}

func (p *pipe) want(t *testing.T, event, rows, removed string) got {
	t.Helper()
	e, ok := p.next(t)
	if !ok || e.Event != event || fmt.Sprint(e.Data.Rows) != rows || fmt.Sprint(e.Data.Removed) != removed {
		t.Fatalf("next event = %+v, %t, want %s with %s and without %s", e, ok, event, rows, removed)
	}
	return e
}

func bubble(t *testing.T, test func(t *testing.T)) {
	if racetest.Enabled {
		t.Skip("a bubble crashes under the race detector with Go 1.26")
	}
	synctest.Test(t, test)
}

func TestAViewerGetsTheRowsThatChange(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &source{sums: map[string]int64{"a": 1, "b": 2}, complete: contract.Complete}
		p, stop := view(t, newHub(Config{}, s, nil), "")
		e := p.want(t, "all", "[map[bytes_rx:0 bytes_tx:1 src_app:a] map[bytes_rx:0 bytes_tx:2 src_app:b]]", "[]")
		if e.ID != "t[a:1b:2]" || e.Data.Complete != "true" || p.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("the first event is %+v with %v", e, p.header)
		}
		s.set(func() { s.sums = map[string]int64{"b": 3, "c": 4} })
		e = p.want(t, "change", "[map[bytes_rx:0 bytes_tx:3 src_app:b] map[bytes_rx:0 bytes_tx:4 src_app:c]]", "[map[src_app:a]]")
		if e.ID != "t[b:3c:4]" {
			t.Errorf("the id is %q", e.ID)
		}
		s.set(func() { s.complete = contract.Unproven })
		if e = p.want(t, "change", "[]", "[]"); e.Data.Complete != "unproven" {
			t.Errorf("the level is %q, want unproven (P5)", e.Data.Complete)
		}
		from := flow.Hour(7)
		s.set(func() { s.from, s.sums = &from, map[string]int64{"b": 3, "c": 4, "d": 1} })
		if e = p.want(t, "change", "[map[bytes_rx:0 bytes_tx:1 src_app:d]]", "[]"); e.Data.From != 7 {
			t.Errorf("the rows are from hour %d on, want 7, because others have expired", e.Data.From)
		}
		s.set(func() { s.err = errors.New("lost") })
		if e = p.want(t, "error", "[]", "[]"); e.Data.Detail != "lost" || e.ID != "" {
			t.Errorf("the failure is %+v", e)
		}
		time.Sleep(10 * time.Second) // the same failure is told once
		s.set(func() { s.err = nil; s.sums["c"] = 5 })
		p.want(t, "change", "[map[bytes_rx:0 bytes_tx:5 src_app:c]]", "[]")
		if err := stop(); err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
}

func TestAViewerGoesOnBehindItsLastEvent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &source{sums: map[string]int64{"a": 1}, complete: contract.Complete}
		h := newHub(Config{}, s, nil)
		p, stop := view(t, h, "t[a:1]")
		s.set(func() { s.sums["a"] = 2 })
		p.want(t, "change", "[map[bytes_rx:0 bytes_tx:2 src_app:a]]", "[]")
		stop()
		p, stop = view(t, h, "t[a:1]")
		p.want(t, "all", "[map[bytes_rx:0 bytes_tx:2 src_app:a]]", "[]")
		stop()
	})
}

// A viewer that takes nothing for two versions gets all rows, and the versions between them are not kept.
func TestASlowViewerGetsAllRows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &source{sums: map[string]int64{"a": 1}, complete: contract.Complete}
		p, stop := view(t, newHub(Config{}, s, nil), "")
		p.want(t, "all", "[map[bytes_rx:0 bytes_tx:1 src_app:a]]", "[]")
		for i := range 5 { // while the viewer reads nothing: the pipe holds the write of the first change
			s.set(func() { s.sums["a"] = int64(10 + i) })
			time.Sleep(2 * time.Second)
		}
		p.want(t, "change", "[map[bytes_rx:0 bytes_tx:10 src_app:a]]", "[]")
		p.want(t, "all", "[map[bytes_rx:0 bytes_tx:14 src_app:a]]", "[]")
		stop()
	})
}

// P12: a hundred viewers of one query cost one evaluation a second, and an unchanged query costs no rows.
func TestViewersOfOneQueryShareItsEvaluation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		counts := map[int][2]int{}
		for _, viewers := range []int{1, 100} {
			s := &source{sums: map[string]int64{"a": 1}, complete: contract.Complete}
			h := newHub(Config{}, s, nil)
			var stops []func() error
			for range viewers {
				p, stop := view(t, h, "")
				p.want(t, "all", "[map[bytes_rx:0 bytes_tx:1 src_app:a]]", "[]")
				go func() { io.Copy(io.Discard, readerOf(p)) }()
				stops = append(stops, stop)
			}
			for range 60 {
				time.Sleep(time.Second)
			}
			s.set(func() { counts[viewers] = [2]int{s.asked, s.folded} })
			for _, stop := range stops {
				stop()
			}
			if len(h.streams) != 0 || h.viewers != 0 {
				t.Errorf("%d streams and %d viewers are left", len(h.streams), h.viewers)
			}
		}
		if one, many := counts[1], counts[100]; one[0] < 60 || many[0] > one[0]+1 || many[1] != 1 || one[1] != 1 {
			t.Errorf("evaluations and folds for 1 viewer: %v, for 100: %v; want the same, about 61 and 1", one, many)
		}
	})
}

// readerOf reads the lines of a viewer.
func readerOf(p *pipe) io.Reader { return scanning{p.lines} }

type scanning struct{ *bufio.Scanner }

func (s scanning) Read(b []byte) (int, error) {
	if !s.Scan() {
		return 0, io.EOF
	}
	return min(len(b), 1), nil
}

func TestViewersBeyondTheLimitAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &source{sums: map[string]int64{"a": 1}}
		h := newHub(Config{MaxViewers: 1}, s, nil)
		p, stop := view(t, h, "")
		p.want(t, "all", "[map[bytes_rx:0 bytes_tx:1 src_app:a]]", "[]")
		_, second := view(t, h, "")
		synctest.Wait()
		if err := second(); !errors.Is(err, contract.Overloaded) {
			t.Errorf("the second viewer: %v, want %v", err, contract.Overloaded)
		}
		stop()
	})
}

func TestAStreamWithTooManyRowsIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &source{sums: map[string]int64{"a": 1, "b": 2}}
		_, stop := view(t, newHub(Config{MaxRows: 1}, s, nil), "")
		synctest.Wait()
		if err := stop(); !errors.Is(err, contract.Query) || !strings.Contains(err.Error(), "more than 1 rows") {
			t.Errorf("Serve = %v, want the problem query with the limit", err)
		}
	})
}

func TestTheFirstFailureRefusesTheViewer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &source{err: &contract.UnavailableError{Reason: "too few stores"}}
		_, stop := view(t, newHub(Config{}, s, nil), "")
		synctest.Wait()
		if err := stop(); err == nil || err.Error() != "too few stores" {
			t.Errorf("Serve = %v, want the refusal of the evaluation", err)
		}
	})
}

// A stream ends without an error when its node is not ready any more, and the node takes no viewer then.
func TestAStreamEndsWithItsNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &source{sums: map[string]int64{"a": 1}}
		ending := false
		var mu sync.Mutex
		h := newHub(Config{}, s, func() bool { mu.Lock(); defer mu.Unlock(); return ending })
		p, stop := view(t, h, "")
		p.want(t, "all", "[map[bytes_rx:0 bytes_tx:1 src_app:a]]", "[]")
		mu.Lock()
		ending = true
		mu.Unlock()
		if e, ok := p.next(t); !ok || !strings.Contains(e.Comment, "connect again") {
			t.Errorf("the last event = %+v, %t, want a comment", e, ok)
		}
		if e, ok := p.next(t); ok {
			t.Errorf("after the end: %+v", e)
		}
		if err := stop(); err != nil {
			t.Errorf("Serve = %v", err)
		}
		_, second := view(t, h, "")
		synctest.Wait()
		if err := second(); !errors.As(err, new(*contract.UnavailableError)) {
			t.Errorf("a new viewer: %v, want a refusal", err)
		}
	})
}

func TestAQuietStreamHasHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &source{sums: map[string]int64{"a": 1}}
		p, stop := view(t, newHub(Config{}, s, nil), "")
		p.want(t, "all", "[map[bytes_rx:0 bytes_tx:1 src_app:a]]", "[]")
		begun := time.Now()
		if e, ok := p.next(t); !ok || e.Comment != "nothing has changed" || time.Since(begun) != 15*time.Second {
			t.Errorf("after %v: %+v, %t, want a comment after 15 s", time.Since(begun), e, ok)
		}
		stop()
	})
}

// A range that is relative to the present moves with the clock.
func TestTheRangeOfAStreamMoves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var last flow.Hour
		s := &source{sums: map[string]int64{"a": 1}}
		h := newHub(Config{}, s, nil)
		h.Query = func(ctx context.Context, spec *query.Spec, a contract.Ask) (contract.Rows, error) {
			mu.Lock()
			last = spec.From
			mu.Unlock()
			return s.Query(ctx, spec, a)
		}
		p, stop := view(t, h, "")
		p.want(t, "all", "[map[bytes_rx:0 bytes_tx:1 src_app:a]]", "[]")
		go func() { io.Copy(io.Discard, readerOf(p)) }()
		mu.Lock()
		first := last
		mu.Unlock()
		time.Sleep(time.Hour + 2*time.Second)
		mu.Lock()
		if last != first+1 {
			t.Errorf("an hour later the range begins at %d, want %d", last, first+1)
		}
		mu.Unlock()
		stop()
	})
}
