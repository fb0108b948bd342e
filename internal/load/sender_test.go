package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a double of a cluster. It answers each request with the next step, and repeats the last step.
type fake struct {
	mu    sync.Mutex
	steps []http.HandlerFunc
	seen  []string // "host key body" of each request
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.seen = append(f.seen, fmt.Sprintf("%s %s %s", r.Host, r.Header.Get("Idempotency-Key"), body))
	step := f.steps[0]
	if len(f.steps) > 1 {
		f.steps = f.steps[1:]
	}
	f.mu.Unlock()
	step(w, r)
}

func reply(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

const accepted = `{"records":1,"flows":1,"hours":[20]}`

var (
	stored   = reply(200, accepted)
	replayed = reply(200, accepted, "Idempotency-Replayed: true")
	busy     = reply(503, `{"type":"/problems/overloaded","title":"Too much","detail":"by far"}`, "Content-Type: application/problem+json")
	invalid  = reply(400, `{"type":"/problems/invalid-record","title":"A record is not valid","detail":"record 0"}`,
		"Content-Type: application/problem+json")
)

// sendOne sends one post to a fake with these steps.
func sendOne(t *testing.T, key string, timeout time.Duration, steps ...http.HandlerFunc) (Answer, *Traffic, *fake) {
	t.Helper()
	f := &fake{steps: steps}
	server := httptest.NewServer(f)
	defer server.Close()
	s, err := NewSender(Access{Targets: []string{server.URL}, Connections: 1, Timeout: timeout, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Post(t.Context(), Post{N: 7, Body: []byte("[1]")}), s.Traffic, f
}

func TestPostsEndInOneOfThreeWays(t *testing.T) {
	for _, test := range []struct {
		name     string
		key      string
		steps    []http.HandlerFunc
		outcome  Outcome
		replayed bool
		answers  map[int]int64
		kinds    []string // of failures, with their number
	}{
		{"stored", "k", []http.HandlerFunc{stored}, Stored, false, map[int]int64{200: 1}, nil},
		{"stored after two failures", "k", []http.HandlerFunc{busy, hangUp, stored}, Stored, false,
			map[int]int64{503: 1, 200: 1}, []string{"1 503 overloaded", "1 connection lost"}},
		{"stored by an attempt whose answer was lost", "k", []http.HandlerFunc{hangUp, replayed}, Stored, true,
			map[int]int64{200: 1}, []string{"1 connection lost"}},
		{"refused", "k", []http.HandlerFunc{invalid}, Refused, false, map[int]int64{400: 1}, []string{"1 400 invalid-record"}},
		{"refused by another server", "k", []http.HandlerFunc{reply(404, "no")}, Refused, false, map[int]int64{404: 1}, []string{"1 404"}},
		{"redirected", "k", []http.HandlerFunc{reply(302, "", "Location: http://127.0.0.1:1/")}, Refused, false,
			map[int]int64{302: 1}, []string{"1 302"}},
		{"stored without a key", "", []http.HandlerFunc{stored}, Stored, false, map[int]int64{200: 1}, nil},
		{"refused without a key", "", []http.HandlerFunc{invalid}, Refused, false, map[int]int64{400: 1}, []string{"1 400 invalid-record"}},
		{"not repeated without a key", "", []http.HandlerFunc{busy, stored}, Unknown, false,
			map[int]int64{503: 1}, []string{"1 503 overloaded"}},
		{"lost without a key", "", []http.HandlerFunc{hangUp, stored}, Unknown, false, map[int]int64{}, []string{"1 connection lost"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, traffic, f := sendOne(t, test.key, 10*time.Second, test.steps...)
			if a.Outcome != test.outcome || a.Replayed != test.replayed || (a.Err == nil) != (test.outcome == Stored) {
				t.Errorf("Post() = %+v, want outcome %d, replayed %v", a, test.outcome, test.replayed)
			}
			if clean := a.Outcome == Stored && len(f.seen) == 1; a.Kept == clean {
				t.Errorf("the body is kept: %v after %d attempts", a.Kept, len(f.seen))
			}
			var kinds []string
			for _, failure := range traffic.Failures() {
				kinds = append(kinds, fmt.Sprint(failure.Count, " ", failure.Kind))
				if !strings.HasPrefix(failure.Example, "127.0.0.1:") {
					t.Errorf("the example of %s is %q, want it to name the node", failure.Kind, failure.Example)
				}
			}
			if !reflect.DeepEqual(traffic.Answers(), test.answers) || !reflect.DeepEqual(kinds, test.kinds) {
				t.Errorf("answers are %v, failures %q; want %v, %q", traffic.Answers(), kinds, test.answers, test.kinds)
			}
			if int(traffic.Attempts()) != len(f.seen) {
				t.Errorf("%d attempts are counted, want %d", traffic.Attempts(), len(f.seen))
			}
			for _, seen := range f.seen {
				if key := strings.Fields(seen + " -")[1]; test.key != "" && key != "k-7" || test.key == "" && key == "k-7" {
					t.Errorf("a request was %q, want the key k-7 if any", seen)
				}
			}
		})
	}
}

func TestAPostWithoutAnAnswerIsUnknown(t *testing.T) {
	for _, key := range []string{"k", ""} {
		a, traffic, _ := sendOne(t, key, 50*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		if f := traffic.Failures(); a.Outcome != Unknown || len(f) != 1 || f[0].Kind != "no answer in time" {
			t.Errorf("with key %q Post() = %+v with failures %v, want unknown, no answer in time", key, a, f)
		}
	}
}

func TestAPostToAClosedPortIsNotStored(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s, err := NewSender(Access{Targets: []string{"http://" + l.Addr().String()}, Timeout: 50 * time.Millisecond, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	a := s.Post(t.Context(), Post{Body: []byte("[]")})
	if f := s.Traffic.Failures(); a.Outcome == Stored || len(f) != 1 || f[0].Kind != "connection refused" {
		t.Errorf("Post() = %+v with failures %v, want connection refused", a, f)
	}
}

func TestTargetsAreTakenInTurn(t *testing.T) {
	for _, key := range []string{"k", ""} {
		f := &fake{steps: []http.HandlerFunc{stored}}
		a, b := httptest.NewServer(f), httptest.NewServer(f)
		defer a.Close()
		defer b.Close()
		s, err := NewSender(Access{Targets: []string{a.URL, b.URL}, Timeout: time.Minute, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		for n := range int64(10) {
			s.Post(t.Context(), Post{N: n, Body: []byte("[]")})
		}
		count := 0
		for _, seen := range f.seen {
			if strings.HasPrefix(seen, strings.TrimPrefix(a.URL, "http://")) {
				count++
			}
		}
		if count != 5 {
			t.Errorf("with key %q the first of two targets got %d of 10 posts, want 5", key, count)
		}
		s.Close()
	}
}

func TestAReadGoesToTheEndOfTheAnswer(t *testing.T) {
	for _, test := range []struct {
		name  string
		step  http.HandlerFunc
		bytes int64
		ok    bool
	}{
		{"a whole answer", reply(200, "[12345]", "Flowring-Complete: true"), 7, true},
		{"an answer without its completeness", reply(200, "[]"), 0, false},
		{"an answer that is cut short", func(w http.ResponseWriter, r *http.Request) {
			reply(200, "[12", "Flowring-Complete: true", "Content-Length: 7")(w, r)
		}, 3, false},
	} {
		server := httptest.NewServer(&fake{steps: []http.HandlerFunc{test.step}})
		s, err := NewSender(Access{Targets: []string{server.URL}, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.Get(context.WithoutCancel(t.Context()), 20)
		if n != test.bytes || (err == nil) != test.ok {
			t.Errorf("%s: Get() = %d, %v, want %d, an error: %v", test.name, n, err, test.bytes, !test.ok)
		}
		s.Close()
		server.Close()
	}
}

func TestKindsOfFailuresAreBounded(t *testing.T) {
	var traffic Traffic
	for i := range 1000 {
		traffic.failed(fmt.Sprint("kind ", i), "example")
	}
	all := traffic.Failures()
	if len(all) != maxKinds+1 || all[0].Kind != "other" || all[0].Count != 1000-maxKinds {
		t.Errorf("%d kinds are kept, the first is %+v; want %d, and the rest as other", len(all), all[0], maxKinds+1)
	}
}

func TestEveryPostCarriesTheHeadersAndNoErrorShowsAPassword(t *testing.T) {
	for _, key := range []string{"k", ""} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Tenant") != "west" {
				t.Errorf("a post with the key %q has the headers %v, want Tenant: west among them", key, r.Header)
			}
			invalid(w, r)
		}))
		target := strings.Replace(server.URL, "//", "//u:geheim@", 1)
		s, err := NewSender(Access{Targets: []string{target}, Timeout: time.Second, Key: key, Header: http.Header{"Tenant": {"west"}}})
		if err != nil {
			t.Fatal(err)
		}
		refused := s.Post(t.Context(), Post{Body: []byte("[1]")})
		server.Close()
		lost := s.Post(t.Context(), Post{Body: []byte("[1]")})
		for _, a := range []Answer{refused, lost} {
			if a.Err == nil || strings.Contains(a.Err.Error(), "geheim") {
				t.Errorf("a post with the key %q fails with %v, want an error without the password", key, a.Err)
			}
		}
		s.Close()
	}
}
