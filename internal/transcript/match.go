package transcript

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// received is the answer of a server.
type received struct {
	status  int
	headers http.Header
	body    string // without the line end behind it
}

// mayFollow reports whether the contract promises that a repeated read yields the wanted answer: got is a 503 or not
// proven to be complete, as reads of busy nodes may be at any time.
func (want answer) mayFollow(method string, got received) bool {
	if method != http.MethodGet && method != http.MethodHead {
		return false
	}
	complete := got.headers.Get("Flowring-Complete")
	return got.status == http.StatusServiceUnavailable && want.status != got.status ||
		complete != "" && complete != "true" && slices.Contains(want.headers, "Flowring-Complete: true")
}

// differences returns a line for each difference between got and want.
func (want answer) differences(got received, v vars) []string {
	var diffs []string
	if got.status != want.status {
		diffs = append(diffs, fmt.Sprintf("status = %d, want %d", got.status, want.status))
	}
	for _, h := range want.headers {
		diffs = append(diffs, headerDifference(got.headers, h, v)...)
	}
	if d := textDifference(got.body, want.body, v); d != "" {
		diffs = append(diffs, "body "+d)
	}
	return diffs
}

// headerDifference compares one line of the answer's headers: "Name: value" or "!Name".
func headerDifference(got http.Header, line string, v vars) []string {
	if name, absent := strings.CutPrefix(line, "!"); absent {
		if values := got.Values(name); len(values) > 0 {
			return []string{fmt.Sprintf("header %s = %q, want none", name, values)}
		}
		return nil
	}
	name, value, _ := strings.Cut(line, ":")
	actual := strings.Join(got.Values(name), ", ")
	if d := textDifference(actual, strings.TrimSpace(value), v); d != "" {
		return []string{"header " + name + " " + d}
	}
	return nil
}

// textDifference returns "" if got matches want.
func textDifference(got, want string, v vars) string {
	p, err := v.pattern(want)
	if err != nil {
		return err.Error()
	}
	if p.MatchString(got) {
		return ""
	}
	expanded, err := v.expand(want)
	if err != nil {
		expanded = want // because of {{any}} or {{int}}
	}
	return fmt.Sprintf("differs\n got: %s\nwant: %s", got, expanded)
}

// updated returns want with the differing parts of got.
func (want answer) updated(got received, v vars) answer {
	out := answer{status: got.status, body: want.body}
	for _, h := range want.headers {
		name, _, _ := strings.Cut(strings.TrimPrefix(h, "!"), ":")
		if headerDifference(got.headers, h, v) != nil {
			h = "!" + name
			if values := got.headers.Values(name); len(values) > 0 {
				h = name + ": " + v.collapse(strings.Join(values, ", "), h)
			}
		}
		out.headers = append(out.headers, h)
	}
	if textDifference(got.body, want.body, v) != "" {
		out.body = got.body
	}
	return out
}
