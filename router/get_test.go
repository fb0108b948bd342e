package router

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/coding"
)

func getFrom(h http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

// answering returns a Cluster with one answer for all hours.
func answering(answer *fakeAnswer) *fake {
	f := newFake()
	f.onGet = func(context.Context, flow.Hour, contract.Ask) (contract.Answer, error) { return answer, nil }
	return f
}

func TestGetSaysHowCompleteTheAnswerIs(t *testing.T) {
	for _, level := range []contract.Completeness{contract.Complete, contract.Unproven, contract.Partial} {
		answer := &fakeAnswer{complete: level, chunks: []string{"[]"}}
		h, _ := handlerFor(Config{}, answering(answer))
		w := getFrom(h, "/flows?hour=1")
		if got := w.Header().Get("Flowring-Complete"); w.Code != 200 || got != level.String() {
			t.Errorf("GET = %d with Flowring-Complete %q, want 200 with %q", w.Code, got, level)
		}
		if !answer.closed {
			t.Error("the answer was not closed")
		}
	}
}

func TestGetFollowsTheQuery(t *testing.T) {
	for query, want := range map[string]contract.Need{
		"hour=-7":                  contract.NeedUnproven,
		"hour=-7&partial=true":     contract.NeedPartial,
		"require=complete&hour=-7": contract.NeedComplete,
	} {
		f := newFake()
		f.onGet = func(_ context.Context, hour flow.Hour, ask contract.Ask) (contract.Answer, error) {
			if hour != -7 || ask.Need != want || len(ask.Known) > 0 {
				t.Errorf("GET ?%s asks for hour %d, need %d; want -7, %d", query, hour, ask.Need, want)
			}
			return &fakeAnswer{complete: contract.Complete}, nil
		}
		h, _ := handlerFor(Config{}, f)
		getFrom(h, "/flows?"+query)
	}
}

// P5: a client must not take the beginning of an array for the whole, compressed or not.
func TestATruncatedAnswerDoesNotEndLikeAWholeOne(t *testing.T) {
	for _, c := range []coding.Coding{coding.Identity, coding.Gzip, coding.Zstd} {
		for name, broken := range map[string]error{"negative control: it does not break off": nil, "it breaks off": errors.New("lost")} {
			answer := &fakeAnswer{complete: contract.Complete, chunks: []string{longText(4 * sendBuffer)}, err: broken}
			url, reg := serve(t, Config{}, answering(answer))
			resp, err := getCoded(url+"/flows?hour=1", c)
			if err != nil {
				t.Fatal(err)
			}
			if got := resp.Header.Get("Content-Encoding"); got != string(c) {
				t.Fatalf("Content-Encoding = %q, want %q", got, c)
			}
			body, err := io.ReadAll(decoded(t, resp.Body, c))
			resp.Body.Close()
			if whole := err == nil; whole != (broken == nil) || whole && string(body) != answer.chunks[0] {
				t.Errorf("%s, %s: read of the answer = %d bytes, %v", c, name, len(body), err)
			}
			if !answer.closed {
				t.Errorf("%s, %s: the answer was not closed", c, name)
			}
			if broken != nil {
				wantMetric(t, reg, "flowring_http_answers_broken_total", 1)
			}
			wantMetric(t, reg, "flowring_http_long_answers", 0)
		}
	}
}

func TestAnAnswerWithoutAFirstByteIsRefused(t *testing.T) {
	answer := &fakeAnswer{complete: contract.Complete, chunks: []string{"[1,"}, err: errors.New("disk at 10.0.0.1 lost")}
	h, _ := handlerFor(Config{}, answering(answer))
	w := getFrom(h, "/flows?hour=1")
	if w.Code != 503 || w.Header().Get("Flowring-Complete") != "" || w.Header().Get("Content-Type") != mediaProblem {
		t.Errorf("GET = %d %v, want a 503 that does not claim to be complete", w.Code, w.Header())
	}
	if body := w.Body.String(); strings.Contains(body, "[1,") || strings.Contains(body, "10.0.0.1") {
		t.Errorf("body = %s, want neither the beginning of the answer nor the cause", body)
	}
}

func TestHeadDoesNotWriteTheHour(t *testing.T) {
	answer := &fakeAnswer{complete: contract.Unproven, err: errors.New("written")}
	h, _ := handlerFor(Config{}, answering(answer))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/flows?hour=1", nil))
	if w.Code != 200 || w.Header().Get("Flowring-Complete") != "unproven" || w.Body.Len() > 0 || !answer.closed {
		t.Errorf("HEAD = %d %v %q, want 200, the headers of GET, no body", w.Code, w.Header(), w.Body)
	}
}

func TestTheNumberOfHoursInReadingIsLimited(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	f := newFake()
	f.onGet = func(context.Context, flow.Hour, contract.Ask) (contract.Answer, error) {
		inside <- struct{}{}
		<-leave
		return &fakeAnswer{complete: contract.Complete}, nil
	}
	h, _ := handlerFor(Config{MaxReading: 1}, f)
	first := make(chan int)
	go func() { first <- getFrom(h, "/flows?hour=1").Code }()
	<-inside
	if w := getFrom(h, "/flows?hour=1"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("GET beside as many as may be = %d, want 503", w.Code)
	}
	close(leave)
	if code := <-first; code != 200 {
		t.Errorf("first GET = %d, want 200", code)
	}
}

func TestReadinessHasAReason(t *testing.T) {
	f := newFake()
	f.ready = errors.New("1 of 2 stores known")
	h, _ := handlerFor(Config{}, f)
	if w := getFrom(h, "/readyz"); w.Code != 503 || w.Body.String() != "1 of 2 stores known\n" {
		t.Errorf("GET /readyz = %d %q, want 503 with the reason", w.Code, w.Body)
	}
	if w := getFrom(h, "/livez"); w.Code != 200 {
		t.Errorf("GET /livez of a node that is not ready = %d, want 200", w.Code)
	}
}

func TestMembersAreNeverNull(t *testing.T) {
	f := newFake()
	f.members = MembersView{}
	h, _ := handlerFor(Config{}, f)
	if w := getFrom(h, "/members"); !strings.Contains(w.Body.String(), `"members": []`) {
		t.Errorf("GET /members = %s, want an empty array", w.Body)
	}
}
