package router

import (
	"context"
	"net/http"
	"time"

	"flowring/flow"
	"flowring/router/admission"
)

// getFlows answers with the flows of an hour.
func (rt *router) getFlows(w http.ResponseWriter, r *http.Request) {
	hour, ask, err := parseAsk(r)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	select {
	case rt.reading <- struct{}{}:
		defer func() { <-rt.reading }()
	default:
		rt.refuse(w, r, admission.ErrOverloaded)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	answer, err := rt.open(ctx, cancel, hour, ask)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	defer answer.Close()
	rt.send(w, r, answer)
}

// parseAsk reads which hour is asked for, and how. For HEAD nothing but what is said about the hour.
func parseAsk(r *http.Request) (flow.Hour, Ask, error) {
	hour, need, err := parseQuery(r.URL.RawQuery)
	ask := Ask{Need: need, Known: knownTags(r.Header)}
	if r.Method == http.MethodHead {
		ask.Known = append(ask.Known, AnyTag)
	}
	return hour, ask, err
}

// open opens the answer within GetTimeout. The answer lives as long as ctx does, so the deadline must not be one of ctx: it
// would break off a long answer that streams well.
func (rt *router) open(ctx context.Context, cancel func(), hour flow.Hour, ask Ask) (Answer, error) {
	timer := time.AfterFunc(rt.GetTimeout, cancel)
	answer, err := rt.Cluster.Get(ctx, hour, ask)
	switch {
	case timer.Stop():
		return answer, err
	case err == nil:
		answer.Close()
	case as[*UnavailableError](err):
		return nil, err // it knows more
	}
	return nil, context.DeadlineExceeded
}
