package router

import (
	"context"
	"net/http"
	"time"

	"flowring/flow"
)

// getFlows answers with the flows of an hour.
func (rt *router) getFlows(w http.ResponseWriter, r *http.Request) {
	hour, need, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	select {
	case rt.reading <- struct{}{}:
		defer func() { <-rt.reading }()
	default:
		rt.refuse(w, r, errOverloaded)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	answer, err := rt.open(ctx, cancel, hour, need)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	defer answer.Close()
	rt.send(w, r, answer)
}

// open opens the answer within GetTimeout. The answer lives as long as ctx does, so the deadline must not be one of ctx: it
// would break off a long answer that streams well.
func (rt *router) open(ctx context.Context, cancel func(), hour flow.Hour, need Need) (Answer, error) {
	timer := time.AfterFunc(rt.GetTimeout, cancel)
	answer, err := rt.Cluster.Get(ctx, hour, need)
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
