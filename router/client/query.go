package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"flowring/internal/contract"
)

// ErrUnchanged is the error of a Query whose answer the caller has.
var ErrUnchanged = errors.New("the answer has not changed")

// Rows is the answer to a query, as a stream.
type Rows struct {
	io.ReadCloser                       // in the form of the query; a truncated answer ends with an error
	Complete      contract.Completeness // of the least complete hour
	Tag           string                // the ETag; may be empty

	header, trailer http.Header // a long answer has some headers in its trailer, which follows the body
}

// Saturated reports whether a sum of the answer is larger than 2^63-1. It is valid after the answer has been read to
// its end.
func (r *Rows) Saturated() bool {
	return r.header.Get("Flowring-Saturated") != "" || r.trailer.Get("Flowring-Saturated") != ""
}

// Next returns the query of the next page, or nil after the last page. It is valid after the answer has been read to
// its end.
func (r *Rows) Next() url.Values {
	if next := nextPage(r.header); next != nil {
		return next
	}
	return nextPage(r.trailer)
}

// Last reports whether it is certain that no page follows, before the answer has been read.
func (r *Rows) Last() bool {
	_, announced := r.trailer["Link"]
	return !announced && nextPage(r.header) == nil
}

// Query asks a question at a path such as /flows. known is the tag of the answer that the caller has, or empty: if the
// answer has this tag, Query returns ErrUnchanged. The caller reads the answer to its end, and closes it.
func (c *Client) Query(ctx context.Context, path string, query url.Values, known string) (*Rows, error) {
	var rows *Rows
	var header http.Header
	if known != "" {
		header = http.Header{"If-None-Match": {known}}
	}
	_, err := c.retry(ctx, func(ctx context.Context, target string) error {
		resp, err := c.open(ctx, target+path+"?"+query.Encode(), header)
		if err != nil {
			return err
		}
		rows, err = rowsOf(resp)
		return err
	})
	if p := (*Problem)(nil); errors.As(err, &p) && p.Status == http.StatusNotModified {
		return nil, ErrUnchanged
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", path, err)
	}
	return rows, nil
}

// rowsOf returns the answer in resp. An answer without a completeness must not pass for one that has one (P5).
func rowsOf(resp *http.Response) (*Rows, error) {
	complete, err := contract.ParseCompleteness(resp.Header.Get("Flowring-Complete"))
	if err != nil {
		resp.Body.Close()
		return nil, errNoCompleteness
	}
	return &Rows{
		ReadCloser: resp.Body, Complete: complete, Tag: resp.Header.Get("ETag"), header: resp.Header, trailer: resp.Trailer,
	}, nil
}

var errNoCompleteness = errors.New("the answer does not say how complete it is; is this a Flowring node?")

// nextPage returns the query of the link of the form <URL>; rel="next" (RFC 8288).
func nextPage(h http.Header) url.Values {
	for _, link := range h.Values("Link") {
		address, parameters, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
		if u, err := url.Parse(address); err == nil && strings.Contains(parameters, `rel="next"`) {
			return u.Query()
		}
	}
	return nil
}

// Names returns the answer to GET /names: names of a field, for completion.
func (c *Client) Names(ctx context.Context, query url.Values) (names []string, err error) {
	rows, err := c.Query(ctx, "/names", query, "")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	text, err := io.ReadAll(io.LimitReader(rows, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("get /names: %w", err)
	}
	return names, json.Unmarshal(text, &names)
}
