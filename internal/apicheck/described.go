package apicheck

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// mediaProblem is the media type of problems.
const mediaProblem = "application/problem+json"

// Routes returns the operations of the document as "GET /flows", sorted.
func (c *Checker) Routes() []string {
	var all []string
	for path, item := range c.doc.Paths.Map() {
		for method := range item.Operations() {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// Parameters returns the names of the query parameters of an operation, sorted.
func (c *Checker) Parameters(method, path string) []string {
	var all []string
	for _, ref := range c.doc.Paths.Value(path).GetOperation(method).Parameters {
		if ref.Value.In == openapi3.ParameterInQuery {
			all = append(all, ref.Value.Name)
		}
	}
	slices.Sort(all)
	return all
}

// Problems returns the problems of all responses as "404 /problems/not-found", sorted.
func (c *Checker) Problems() []string {
	var all []string
	for _, ref := range c.doc.Components.Responses {
		for _, name := range problemsOf(ref.Value) {
			all = append(all, statusOf(ref.Value)+" "+name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Unseen returns the answers and the problems of the document that Check has not seen, sorted.
func (c *Checker) Unseen() []string {
	want := map[string]bool{}
	for path, item := range c.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				want[fmt.Sprintf("%s %s %s", method, path, status)] = true
			}
		}
	}
	for _, ref := range c.doc.Components.Responses {
		for _, name := range problemsOf(ref.Value) {
			want[name] = true
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(want, func(name string, _ bool) bool { return c.seen[name] })
	return slices.Sorted(maps.Keys(want))
}

// problemsOf returns the types of the problems of a response: those that the second part of its schema lists.
func problemsOf(response *openapi3.Response) []string {
	var all []string
	for _, value := range problemProperty(response, "type").Enum {
		all = append(all, fmt.Sprint(value))
	}
	return all
}

// statusOf returns the status of the problems of a response.
func statusOf(response *openapi3.Response) string {
	value, ok := problemProperty(response, "status").Const.(float64)
	if !ok {
		return ""
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

// problemProperty returns the narrowed property of the problem schema of a response, or an empty one.
func problemProperty(response *openapi3.Response, name string) *openapi3.Schema {
	media := response.Content[mediaProblem]
	if media == nil || len(media.Schema.Value.AllOf) != 2 {
		return &openapi3.Schema{}
	}
	ref := media.Schema.Value.AllOf[1].Value.Properties[name]
	return cmp.Or(ref, &openapi3.SchemaRef{Value: &openapi3.Schema{}}).Value
}

// isProblem reports whether a Content-Type is that of problems.
func isProblem(media string) bool { return strings.HasPrefix(media, mediaProblem) }
