package client

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"flowring/router"
)

// maxShown limits the characters of a server's text in an error.
const maxShown = 400

// Problem is an answer other than success.
type Problem struct{ router.Problem }

// Error returns one printable line, for any text of the server:
//
//	400 A record is not valid: record 3: field "hour": is missing
func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s", p.Status, p.Title)
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return printable(text)
}

// readProblem returns the problem of a failed request, from a node or from a proxy.
func readProblem(resp *http.Response) *Problem {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // a truncated body must do
	p := &Problem{}
	header := resp.Header.Get("Content-Type")
	if media, _, _ := mime.ParseMediaType(header); media == "application/problem+json" {
		lenient := json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) // for proxies
		if json.Unmarshal(body, &p.Problem, lenient) != nil {
			p.Problem = router.Problem{}
		}
	} else if media == "text/plain" || header == "" { // an HTTPS server answers HTTP without a type
		p.Detail = strings.TrimSpace(string(body))
	}
	p.Status = resp.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = seconds
	}
	p.RetryAfter = min(max(p.RetryAfter, 0), 3600)
	return p
}

// printable returns text as one line of limited length, without control characters for a terminal.
func printable(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > maxShown {
			b.WriteString("...")
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}
