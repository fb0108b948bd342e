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
)

func getFrom(h http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

// answering returns a Cluster whose every hour is answer.
func answering(answer *fakeAnswer) *fake {
	f := newFake()
	f.onGet = func(context.Context, flow.Hour, Need) (Answer, error) { return answer, nil }
	return f
}

func TestGetSaysHowCompleteTheAnswerIs(t *testing.T) {
	for _, level := range []Completeness{Complete, Unproven, Partial} {
		answer := &fakeAnswer{complete: level, chunks: []string{"[]"}}
		h, _ := handlerFor(Config{}, answering(answer))
		w := getFrom(h, "/flows?hour=1")
		if got := w.Header().Get("Flowring-Complete"); w.Code != 200 || got != string(level) {
			t.Errorf("GET = %d with Flowring-Complete %q, want 200 with %q", w.Code, got, level)
		}
		if !answer.closed {
			t.Error("the answer was not closed")
		}
	}
}

func TestGetAsksForWhatTheQuerySays(t *testing.T) {
	for query, want := range map[string]Need{
		"hour=-7":                  NeedUnproven,
		"hour=-7&partial=true":     NeedPartial,
		"require=complete&hour=-7": NeedComplete,
	} {
		f := newFake()
		f.onGet = func(_ context.Context, hour flow.Hour, need Need) (Answer, error) {
			if hour != -7 || need != want {
				t.Errorf("GET ?%s asks for hour %d, need %d; want -7, %d", query, hour, need, want)
			}
			return &fakeAnswer{complete: Complete}, nil
		}
		h, _ := handlerFor(Config{}, f)
		getFrom(h, "/flows?"+query)
	}
}

// P5: nobody may take the beginning of an array for the whole.
func TestAnAnswerThatBreaksOffDoesNotEndLikeAWholeOne(t *testing.T) {
	chunk := "[" + strings.Repeat(" ", 2*sendBuffer) + "]"
	answer := &fakeAnswer{complete: Complete, chunks: []string{chunk}, err: errors.New("lost")}
	url, reg := serve(t, Config{}, answering(answer))
	resp, err := http.Get(url + "/flows?hour=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("read of a broken answer = %d bytes without an error", len(body))
	}
	if !answer.closed {
		t.Error("the answer was not closed")
	}
	wantMetric(t, reg, "flowring_http_answers_broken_total", 1)
}

func TestAnAnswerThatFailsBeforeItsFirstByteIsRefused(t *testing.T) {
	answer := &fakeAnswer{complete: Complete, chunks: []string{"[1,"}, err: errors.New("disk at 10.0.0.1 lost")}
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
	answer := &fakeAnswer{complete: Unproven, err: errors.New("written")}
	h, _ := handlerFor(Config{}, answering(answer))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/flows?hour=1", nil))
	if w.Code != 200 || w.Header().Get("Flowring-Complete") != "unproven" || w.Body.Len() > 0 || !answer.closed {
		t.Errorf("HEAD = %d %v %q, want 200, the headers of GET, no body", w.Code, w.Header(), w.Body)
	}
}

func TestNotMoreHoursAreReadAtOnceThanMayBe(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	f := newFake()
	f.onGet = func(context.Context, flow.Hour, Need) (Answer, error) {
		inside <- struct{}{}
		<-leave
		return &fakeAnswer{complete: Complete}, nil
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

func TestReadinessSaysWhyNot(t *testing.T) {
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
