package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"flowring/internal/contract"
)

func TestQueryHasTheHeadersOfTheAnswer(t *testing.T) {
	c, _ := newTestClient(t, 1, func(req *http.Request) (*http.Response, error) {
		if got := req.URL.Path + "?" + req.URL.RawQuery; got != "/flows?from=-24h&src_app=web-%2A" || req.Header.Get("If-None-Match") != `W/"old"` {
			t.Errorf("the request is %s with %v", got, req.Header)
		}
		return reply(200, "[]\n", "Flowring-Complete: unproven", `ETag: W/"new"`, `Link: </flows?from=1&cursor=abc>; rel="next"`)(req)
	})
	rows, err := c.Query(t.Context(), "/flows", url.Values{"from": {"-24h"}, "src_app": {"web-*"}}, `W/"old"`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	text, err := io.ReadAll(rows)
	if string(text) != "[]\n" || err != nil || rows.Complete != contract.Unproven || rows.Tag != `W/"new"` ||
		rows.Next().Encode() != "cursor=abc&from=1" || rows.Last() || rows.Saturated() {
		t.Errorf("Query = %q, %v, %+v", text, err, rows)
	}
}

func TestQueryKnowsAnAnswerThatHasNotChanged(t *testing.T) {
	c, _ := newTestClient(t, 1, reply(304, "", "Flowring-Complete: true"))
	if _, err := c.Query(t.Context(), "/flows", nil, `W/"x"`); !errors.Is(err, ErrUnchanged) {
		t.Errorf("Query = %v, want ErrUnchanged", err)
	}
}

func TestASaturatedSumIsInTheHeaderOrInTheTrailer(t *testing.T) {
	c, _ := newTestClient(t, 1, reply(200, "[]", "Flowring-Complete: true", "Flowring-Saturated: true"))
	rows, err := c.Query(t.Context(), "/flows", nil, "")
	if err != nil || !rows.Saturated() {
		t.Errorf("Query = %+v, %v, want a saturated answer", rows, err)
	}
	rows.Close()
	c, _ = newTestClient(t, 1, func(req *http.Request) (*http.Response, error) {
		resp, err := reply(200, "[]", "Flowring-Complete: true")(req)
		resp.Trailer = http.Header{"Flowring-Saturated": {"true"}}
		return resp, err
	})
	if rows, err = c.Query(t.Context(), "/flows", nil, ""); err != nil || !rows.Saturated() {
		t.Errorf("Query = %+v, %v, want a saturated answer", rows, err)
	}
	rows.Close()
}

// The trailer of a long answer is announced before it, and has its values after it.
func TestTheNextPageOfALongAnswerIsInItsTrailer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Flowring-Complete", "true")
		w.Header().Set("Trailer", "Link, Flowring-Saturated")
		io.WriteString(w, "[]\n")
		if r.URL.Query().Has("more") {
			w.Header().Set("Link", `</flows?cursor=x>; rel="next"`)
		}
	}))
	defer server.Close()
	c, err := New(Config{Targets: []string{server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for query, want := range map[string]string{"more=1": "cursor=x", "": ""} {
		values, _ := url.ParseQuery(query)
		rows, err := c.Query(t.Context(), "/flows", values, "")
		if err != nil {
			t.Fatal(err)
		}
		if rows.Last() {
			t.Errorf("%q: an answer that announces a Link is the last page", query)
		}
		if _, err := io.ReadAll(rows); err != nil || rows.Next().Encode() != want {
			t.Errorf("%q: after the answer the next page is %q, %v, want %q", query, rows.Next().Encode(), err, want)
		}
		rows.Close()
	}
}

func TestALinkOtherThanTheNextPageIsIgnored(t *testing.T) {
	for link, want := range map[string]string{
		"": "", "</flows?a=1>": "", `</flows?a=1>; rel="prev"`: "", "nonsense": "", `<:%zz>; rel="next"`: "",
		`<http://n1:8080/flows?a=1>; rel="next"`: "a=1",
	} {
		if got := nextPage(http.Header{"Link": {link}}).Encode(); got != want {
			t.Errorf("nextPage(%s) = %q, want %q", link, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	c, _ := newTestClient(t, 1, reply(200, `["a","b"]`, "Flowring-Complete: true"))
	if names, err := c.Names(t.Context(), url.Values{"field": {"src_app"}}); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("Names = %q, %v", names, err)
	}
}
