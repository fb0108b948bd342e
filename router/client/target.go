package client

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// target is one of the nodes.
type target struct {
	url   string // prefix of the URLs of requests, with the password
	shown string // the same for messages: without user, password and query
}

// parseTarget reads the n-th target, from 0. Its error never holds the text, because an unencoded password may
// break the URL, or end up in another part of it.
func parseTarget(n int, text string) (target, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.User == nil && strings.Contains(text, "@"):
		return target{}, fmt.Errorf("target %d is not a URL like http://host:8080; "+
			"in a user or password, special characters are written as %%2C and the like", n+1)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return target{}, fmt.Errorf("target %q is not a URL like http://host:8080", shown(u))
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return target{}, fmt.Errorf("target %q has a query or a fragment", shown(u))
	}
	return target{strings.TrimRight(text, "/"), strings.TrimRight(shown(u), "/")}, nil
}

// shown returns the URL without its possible secrets.
func shown(u *url.URL) string {
	public := *u
	public.User, public.RawQuery, public.ForceQuery, public.Fragment, public.RawFragment = nil, "", false, "", ""
	return public.String()
}

// Shown returns a target as in messages: without user, password and query.
func Shown(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "a target"
	}
	return shown(u)
}

// WithHeader returns a RoundTripper that adds headers to each request, also Host, and passes it to next.
func WithHeader(next http.RoundTripper, header http.Header) http.RoundTripper {
	if len(header) == 0 {
		return next
	}
	return &withHeader{next, header}
}

type withHeader struct {
	next   http.RoundTripper
	header http.Header
}

// RoundTrip clones the request, because the interface forbids changes of it.
func (w *withHeader) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	for name, values := range w.header {
		if name == "Host" {
			req.Host = values[0]
			continue
		}
		req.Header[name] = values
	}
	return w.next.RoundTrip(req)
}

// CloseIdleConnections closes the idle connections of next.
func (w *withHeader) CloseIdleConnections() {
	if next, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
