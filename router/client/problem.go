package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"flowring/router"
)

// maxShown is how many characters of what a server sent an error shows.
const maxShown = 400

// Problem is an answer other than success.
type Problem struct{ router.Problem }

// Error returns one line that is fit for a terminal, whatever the server sent:
//
//	400 A record is not valid: record 3: field "hour": is missing
func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s", p.Status, p.Title)
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return printable(text)
}

// readProblem reads what a server says about a request that failed, be it ours or a proxy between.
func readProblem(resp *http.Response) *Problem {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what there is of it must do
	p := &Problem{}
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media == "application/problem+json" {
		if json.Unmarshal(body, &p.Problem) != nil {
			p.Problem = router.Problem{}
		}
	} else if strings.HasPrefix(media, "text/plain") {
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

// printable makes text safe to show: no control characters that a terminal would obey, one line, not too long.
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
