package router

import (
	"io"
	"net/http"
	"strings"

	"flowring/router/accept"
	"flowring/router/principal"
)

const index = `flowring adds up the bytes of each network flow in each hour.

POST /flows              store records: JSON, CSV or protobuf
POST /v1/metrics         store flows of OTLP metrics
GET  /flows?hour=H       the flows of an hour, added up
GET  /flows?from=A&to=B  the flows of many hours: filters, groups, the largest ones
GET  /flows/stream       the rows of such a query, while they change
GET  /hours?from=A&to=B  the totals of hours
GET  /names?field=F      the names of applications and VPCs
GET  /members            the nodes of the cluster
GET  /healthz, /livez    the process answers
GET  /readyz             the node may be sent requests
GET  /metrics            for Prometheus
GET  /problems/{name}    what an error means
GET  /openapi.json       this API as OpenAPI 3.1

Store a record. With an Idempotency-Key a repeated request counts once:

  curl http://$HOST/flows -H 'Idempotency-Key: any-text-of-your-own' \
    -d '[{"src_app":"foo","dest_app":"bar","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":20}]'

Read an hour:

  curl 'http://$HOST/flows?hour=20'

Ask about many hours:

  curl 'http://$HOST/flows?from=-24h&group_by=src_app&top=10'
  curl 'http://$HOST/flows?from=-7d&dest_app=db-*&group_by=day&format=csv'

Read an hour although nodes are down, or only if it is complete:

  curl 'http://$HOST/flows?hour=20&partial=true'
  curl 'http://$HOST/flows?hour=20&require=complete'
`

// Pages serves the pages for people.
type Pages interface {
	http.Handler // serves the style and the script, and signs out

	// Answer answers with a page. If refused is not nil, the page shows this refusal alone. Answer returns the refusal
	// that the page shows; nil: none.
	Answer(w http.ResponseWriter, r *http.Request, refused error) error
}

// getIndex answers with the overview if the client names text/html, and otherwise with the paths and commands to paste.
func (rt *router) getIndex(w http.ResponseWriter, r *http.Request) {
	if rt.Pages != nil {
		w.Header().Add("Vary", "Accept")
		if accept.Names(r.Header.Values("Accept"), "text/html") {
			rt.getPage(w, r)
			return
		}
	}
	scheme := map[bool]string{true: "https://", false: "http://"}[r.TLS != nil]
	writeText(w, http.StatusOK, strings.NewReplacer("http://", scheme, "$HOST", r.Host).Replace(index))
}

// getPage answers with a page, which needs the scope read.
func (rt *router) getPage(w http.ResponseWriter, r *http.Request) {
	_, refused := rt.Gate.Check(r, principal.Read)
	rt.answerPage(w, r, refused)
}

// signIn answers with the form for a token, and takes one.
func (rt *router) signIn(w http.ResponseWriter, r *http.Request) { rt.answerPage(w, r, nil) }

// answerPage answers with a page. A refusal on it is counted like any other, unless the reader is gone.
func (rt *router) answerPage(w http.ResponseWriter, r *http.Request, refused error) {
	if err := rt.Pages.Answer(w, r, refused); err != nil {
		rt.abortIfGone(r, err)
		refusal, _ := RefusalOf(err)
		rt.noteRefusal(r, refusal, err)
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	io.WriteString(w, text)
}
