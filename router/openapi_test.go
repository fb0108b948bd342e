package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gorilla/mux"
	"go.uber.org/goleak"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/apicheck"
	"flowring/internal/browser"
	"flowring/internal/contract"
	"flowring/router/openapi"
	"flowring/router/principal"
)

// described checks the answers of all tests against the OpenAPI document: each handler of handlerFor reports to it.
var described = func() *apicheck.Checker {
	c, err := apicheck.New([]byte(openapi.Document()))
	if err != nil {
		panic(err)
	}
	return c
}()

func TestMain(m *testing.M) { goleak.VerifyTestMain(checked{m}) }

// checked runs the tests, and then fails for an answer that the document lacks.
type checked struct{ tests *testing.M }

// Run implements goleak.TestingM.
func (c checked) Run() int {
	code := c.tests.Run()
	for _, fault := range described.Faults() {
		fmt.Println("the answer differs from router/openapi/openapi.json:", fault)
		code = max(code, 1)
	}
	return code
}

func TestTheDocumentHasTheRoutesOfTheRouter(t *testing.T) {
	var routes []string
	rt := newRouter(Config{}, Deps{Cluster: newFake(), Log: discard, Metrics: http.NotFoundHandler(), Admin: &operators{}})
	err := rt.routes().Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		for _, method := range methods {
			if method != http.MethodHead {
				routes = append(routes, method+" "+path)
			}
		}
		return err
	})
	slices.Sort(routes)
	if err != nil || !slices.Equal(routes, described.Routes()) {
		t.Errorf("the router has the routes\n%s\n%v\nthe document\n%s", strings.Join(routes, "\n"), err,
			strings.Join(described.Routes(), "\n"))
	}
}

// The table of docs/api.md lists every path, also those of the pages, which the document for programs lacks.
func TestTheListOfRoutesHasEveryPath(t *testing.T) {
	text, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| Method | Path | |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := map[string]bool{}
	for row := range strings.Lines(table) {
		if cells := strings.Split(row, "|"); len(cells) > 3 {
			for _, quoted := range regexp.MustCompile("`(/[^`?]*)").FindAllStringSubmatch(cells[2], -1) {
				listed[quoted[1]] = true
			}
		}
	}
	rt := newRouter(Config{}, Deps{
		Cluster: newFake(), Log: discard, Metrics: http.NotFoundHandler(), Admin: &operators{}, Pages: fakePages{},
	})
	served := map[string]bool{}
	err = rt.routes().Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		served[path] = true
		return err
	})
	if err != nil || !maps.Equal(listed, served) {
		t.Errorf("docs/api.md lists the paths\n%v\n%v\nthe router has\n%v", listed, err, served)
	}
}

// A refusal of an unknown parameter lists the parameters of the route. A route that answers otherwise ignores its query.
func TestTheDocumentHasTheParametersOfTheRouter(t *testing.T) {
	h, _ := handlerFor(Config{}, newFake())
	for _, route := range described.Routes() {
		method, path, _ := strings.Cut(route, " ")
		w := httptest.NewRecorder()
		target := strings.Replace(path, "{name}", "query", 1) + "?zzz=1"
		h.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader("[]")))
		var taken []string
		if list := regexp.MustCompile(`the parameters of \S+ are ([^"]+)"`).FindStringSubmatch(w.Body.String()); list != nil {
			taken = strings.Split(list[1], ", ")
		} else if w.Code == http.StatusBadRequest && !strings.Contains(w.Body.String(), " has no parameters") {
			t.Errorf("%s answers %d %s, want a list of parameters", target, w.Code, w.Body)
		}
		slices.Sort(taken)
		if want := described.Parameters(method, path); !slices.Equal(taken, want) {
			t.Errorf("%s takes %q, and the document has %q", route, taken, want)
		}
	}
}

func TestTheDocumentHasTheProblemsOfTheTable(t *testing.T) {
	var want []string
	for r := range contract.All() {
		if r.Problem() != "" {
			want = append(want, fmt.Sprintf("%d %s", r.Status(), r.Type()))
		}
	}
	slices.Sort(want)
	if want = slices.Compact(want); !slices.Equal(described.Problems(), want) {
		t.Errorf("the document has the problems\n%s\nthe table has\n%s", strings.Join(described.Problems(), "\n"), strings.Join(want, "\n"))
	}
}

// answerTo sends a request to a fake behind the checker.
func answerTo(f *fake, deps Deps, r *http.Request) {
	deps.Cluster, deps.Log, deps.Metrics = f, discard, http.NotFoundHandler()
	if deps.Admin == nil {
		deps.Admin = &operators{}
	}
	described.Handler(New(Config{}, deps)).ServeHTTP(httptest.NewRecorder(), r)
}

// provokeRefusals provokes each answer that no transcript has, because no sound cluster gives it.
func provokeRefusals(t *testing.T) {
	t.Helper()
	guard, err := browser.New(browser.Config{Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	gate, headers := tokensOf(t, map[string]principal.Scopes{"boss": principal.Admin, "writer": principal.Write})
	for _, route := range described.Routes() {
		method, path, _ := strings.Cut(route, " ")
		for _, authorization := range []string{"", headers["boss"], headers["writer"]} {
			without := httptest.NewRequest(method, path, nil)
			without.Header.Set("Authorization", authorization)
			answerTo(newFake(), Deps{Gate: gate}, without)
		}
		evil := httptest.NewRequest(method, path, nil)
		evil.Host = "evil.example"
		answerTo(newFake(), Deps{Guard: guard}, evil)
		second := httptest.NewRequest(method, path, nil)
		second.ProtoMajor = 2
		answerTo(newFake(), Deps{}, second)
	}
	for _, tt := range everyError {
		if slices.Contains([]string{"not-found", "method", "host", "http-version", "guarded"}, tt.name) {
			continue // a store does not answer so
		}
		if strings.HasPrefix(tt.name, "query-") { // only a query is answered so
			f := newFake()
			f.onQuery = func(context.Context, *query.Spec, contract.Ask) (contract.Rows, error) { return nil, tt.err }
			answerTo(f, Deps{}, httptest.NewRequest(http.MethodGet, "/flows?from=1", nil))
			continue
		}
		f := newFake()
		f.onPost = func(context.Context, *flow.Posting) (bool, error) { return false, tt.err }
		if tt.status != http.StatusGone { // only a read is answered so
			answerTo(f, Deps{}, httptest.NewRequest(http.MethodPost, "/flows", strings.NewReader(smallRecord)))
			answerTo(f, Deps{}, httptest.NewRequest(http.MethodPost, "/ingest/goflow2", strings.NewReader(goflow2Record)))
		}
		if tt.status < http.StatusInternalServerError && tt.status != http.StatusGone {
			continue
		}
		f.onGet = func(context.Context, flow.Hour, contract.Ask) (contract.Answer, error) { return nil, tt.err }
		f.onHours = func(context.Context, flow.Hour, flow.Hour, contract.Ask) (contract.Hours, error) {
			return contract.Hours{}, tt.err
		}
		f.onNames = func(context.Context, contract.NamesAsk) (contract.Names, error) { return contract.Names{}, tt.err }
		f.onQuery = func(context.Context, *query.Spec, contract.Ask) (contract.Rows, error) { return nil, tt.err }
		for _, target := range []string{"/flows?hour=1", "/hours?from=1", "/names?from=1&field=app", "/flows/stream?from=1"} {
			answerTo(f, Deps{}, httptest.NewRequest(http.MethodGet, target, nil))
		}
	}
	for _, err := range []error{nil, contract.NotFound, contract.Guarded, &contract.UnavailableError{Reason: "r"}, errors.New("secret")} {
		targets := []string{"/admin/drain?node=n2", "/admin/forget?store=0a", "/admin/retention/confirm", "/admin/retention/confirm?x=1", "/admin/erase?from=1&to=2", "/admin/erase?from=2&to=2"}
		if err == contract.NotFound {
			targets = targets[:2] // the other call names nothing
		}
		for _, target := range targets {
			r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1"+target, nil)
			r.RemoteAddr = "127.0.0.1:1"
			answerTo(newFake(), Deps{Admin: &operators{err: err}}, r)
		}
	}
	for _, err := range []error{nil, contract.NotFound, errors.New("secret")} {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/admin/backup?name=monday", nil)
		r.RemoteAddr = "127.0.0.1:1"
		answerTo(newFake(), Deps{Admin: &operators{err: err}}, r)
	}
	provokeIngestRefusals()
	provokeMetricsAnswers()
	unready := newFake()
	unready.ready = errors.New("stopping")
	answerTo(unready, Deps{}, httptest.NewRequest(http.MethodGet, "/readyz", nil))
}

// provokeIngestRefusals provokes the answers to bodies of other programs that depend on the body.
func provokeIngestRefusals() {
	for _, body := range []io.Reader{
		strings.NewReader(goflow2Record), strings.NewReader(""), strings.NewReader("text"), iotest.ErrReader(os.ErrDeadlineExceeded),
	} {
		answerTo(newFake(), Deps{}, httptest.NewRequest(http.MethodPost, "/ingest/goflow2", body))
	}
	long := httptest.NewRequest(http.MethodPost, "/ingest/goflow2", strings.NewReader(goflow2Record))
	long.ContentLength = 1 << 40
	answerTo(newFake(), Deps{}, long)
	coded := httptest.NewRequest(http.MethodPost, "/ingest/goflow2", strings.NewReader(goflow2Record))
	coded.Header.Set("Content-Encoding", "br")
	answerTo(newFake(), Deps{}, coded)
}

// provokeMetricsAnswers provokes the answers to OTLP metrics.
func provokeMetricsAnswers() {
	const point = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"obi.network.flow.bytes","sum":{"aggregationTemporality":1,
		"isMonotonic":true,"dataPoints":[{"asInt":"1","timeUnixNano":"1700000000000000000","attributes":[
		{"key":"obi.ip","value":{"stringValue":"10.0.0.1"}},{"key":"src.address","value":{"stringValue":"10.0.0.1"}},
		{"key":"dst.address","value":{"stringValue":"10.0.0.2"}}]}]}}]}]}]}`
	post := func(f *fake, body io.Reader, change func(r *http.Request)) {
		r := httptest.NewRequest(http.MethodPost, "/v1/metrics", body)
		r.Header.Set("Content-Type", "application/json")
		change(r)
		answerTo(f, Deps{}, r)
	}
	same := func(*http.Request) {}
	for _, body := range []string{point, `{}`, "text", strings.Replace(point, `Temporality":1`, `Temporality":2`, 1)} {
		post(newFake(), strings.NewReader(body), same)
	}
	post(newFake(), iotest.ErrReader(os.ErrDeadlineExceeded), same)
	post(newFake(), strings.NewReader(point), func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	post(newFake(), strings.NewReader(point), func(r *http.Request) { r.Header.Set("Content-Encoding", "br") })
	post(newFake(), strings.NewReader(point), func(r *http.Request) { r.ContentLength = 1 << 40 })
	post(newFake(), strings.NewReader(point), func(r *http.Request) { r.URL.RawQuery = "x=1" })
	for _, err := range []error{&contract.UnavailableError{Reason: "r"}, errors.New("secret")} {
		f := newFake()
		f.onPost = func(context.Context, *flow.Posting) (bool, error) { return false, err }
		post(f, strings.NewReader(point), same)
	}
}
