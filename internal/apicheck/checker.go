package apicheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Checker compares exchanges with a document.
type Checker struct {
	doc *openapi3.T

	mu     sync.Mutex
	seen   map[string]bool // "GET /flows 503", and types of problems
	faults []string        // of Handler
}

// Answer is the answer to a request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // nil: the body is not checked
}

// New returns a checker. It fails if the document is not valid, examples included.
func New(document []byte) (*Checker, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, err
	}
	if !doc.IsOpenAPI31OrLater() {
		return nil, fmt.Errorf("the document is of OpenAPI %s, want 3.1", doc.OpenAPI)
	}
	if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, err
	}
	for _, lines := range []string{"application/x-ndjson", "text/event-stream"} { // of which a schema sees the text
		openapi3filter.RegisterBodyDecoder(lines, openapi3filter.FileBodyDecoder)
	}
	return &Checker{doc: doc, seen: map[string]bool{}}, nil
}

// Check returns the differences between an exchange and the document.
func (c *Checker) Check(r *http.Request, a Answer) error {
	template, route := c.find(r)
	response, name := c.response(route, template, a.Status)
	if response == nil {
		return fmt.Errorf("%s %s: the document has no answer %d", r.Method, r.URL.Path, a.Status)
	}
	c.note(name)
	err := errors.Join(checkHeaders(response, a.Header), c.checkBody(r, route, response, a))
	if route.Operation != nil && a.Status < http.StatusBadRequest {
		err = errors.Join(err, checkParameters(r, route))
	}
	if err != nil {
		return fmt.Errorf("%s %s, answer %d: %w", r.Method, r.URL, a.Status, err)
	}
	return nil
}

// find returns the path of the document for a request and its operation, which is nil without one.
func (c *Checker) find(r *http.Request) (string, *routers.Route) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	route := &routers.Route{Spec: c.doc, Method: method}
	for path, item := range c.doc.Paths.Map() {
		if fits(path, r.URL.Path) {
			route.Path, route.PathItem, route.Operation = path, item, item.GetOperation(method)
		}
	}
	return route.Path, route
}

// fits reports whether a path is that of a template with at most one variable, which is its last part.
func fits(template, path string) bool {
	before, _, variable := strings.Cut(template, "{")
	if !variable {
		return path == template
	}
	last, ok := strings.CutPrefix(path, before)
	return ok && last != "" && !strings.Contains(last, "/")
}

// shared names the responses to requests outside of all operations.
func shared(status int) string {
	return map[int]string{
		http.StatusNoContent: "Preflight", http.StatusForbidden: "CrossOrigin", http.StatusNotFound: "NotFound",
		http.StatusMethodNotAllowed: "MethodNotAllowed", http.StatusMisdirectedRequest: "Host",
		http.StatusHTTPVersionNotSupported: "HTTPVersion",
	}[status]
}

// response returns the described response with the name under which it counts as seen, or nil.
func (c *Checker) response(route *routers.Route, path string, status int) (*openapi3.Response, string) {
	if route.Operation == nil {
		name := shared(status)
		if ref := c.doc.Components.Responses[name]; ref != nil {
			return ref.Value, name
		}
		return nil, ""
	}
	if ref := route.Operation.Responses.Status(status); ref != nil {
		return ref.Value, fmt.Sprintf("%s %s %d", route.Method, path, status)
	}
	return nil, ""
}

// undescribed lists the headers that HTTP, CORS or the server set on any answer. The document describes the ID of a
// request once, for all answers.
func undescribed() []string {
	return []string{"Connection", "Content-Length", "Content-Type", "Date", "Trailer", "Transfer-Encoding", "Vary",
		"X-Content-Type-Options", "Flowring-Request-Id", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods",
		"Access-Control-Allow-Headers", "Access-Control-Expose-Headers"}
}

// checkHeaders returns an error for a header that the response lacks. The values are checked with the body.
func checkHeaders(response *openapi3.Response, h http.Header) error {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		described := slices.ContainsFunc(slices.Collect(maps.Keys(response.Headers)), func(known string) bool {
			return strings.EqualFold(name, known)
		})
		if !described && !slices.Contains(undescribed(), name) {
			return fmt.Errorf("the document lacks the header %s", name)
		}
	}
	return nil
}

// checkBody checks the values of the headers, the media type and the body. openapi3filter checks neither HEAD nor 304:
// they are passed to it as a GET and as a 200 without a body.
func (c *Checker) checkBody(r *http.Request, route *routers.Route, response *openapi3.Response, a Answer) error {
	c.noteProblem(response, a)
	without := a.Body == nil || r.Method == http.MethodHead || a.Status == http.StatusNotModified ||
		a.Header.Get("Content-Encoding") != ""
	asked, described, status := *r, *route, a.Status
	asked.Method = route.Method
	if status == http.StatusNotModified {
		status = http.StatusOK
	}
	described.Operation = &openapi3.Operation{Responses: openapi3.NewResponses(
		openapi3.WithStatus(status, &openapi3.ResponseRef{Value: response}),
	)}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: &asked, Route: &described},
		Status:                 status, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: without},
	})
}

// noteProblem notes the type of a problem. A type that the response lacks fails its schema.
func (c *Checker) noteProblem(response *openapi3.Response, a Answer) {
	for _, name := range problemsOf(response) {
		if bytes.Contains(a.Body, []byte(strconv.Quote(name))) {
			c.note(name)
		}
	}
}

// checkParameters returns an error for a parameter that the operation lacks, or whose value it refuses.
func checkParameters(r *http.Request, route *routers.Route) error {
	query := r.URL.Query()
	input := &openapi3filter.RequestValidationInput{Request: r, QueryParams: query, Route: route}
	input.PathParams = map[string]string{}
	var known []string
	for _, ref := range route.Operation.Parameters {
		p := ref.Value
		known = append(known, p.Name)
		if p.In == openapi3.ParameterInPath {
			input.PathParams[p.Name] = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		}
		if err := openapi3filter.ValidateParameter(context.Background(), input, p); err != nil {
			return err
		}
	}
	if route.Operation.Responses.Status(http.StatusBadRequest) == nil {
		return nil // the route ignores its query
	}
	for name := range query {
		if !strings.HasPrefix(name, "_") && !slices.Contains(known, name) {
			return fmt.Errorf("the document lacks the parameter %s", name)
		}
	}
	return nil
}

func (c *Checker) note(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[name] = true
}
