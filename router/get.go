package router

import (
	"context"
	"errors"
	"net/http"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/ask"
	"flowring/router/parameter"
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
		rt.refuse(w, r, contract.Overloaded)
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

// parseAsk returns the hour of a GET and the ask. HEAD knows every tag, because it wants only the headers.
func parseAsk(r *http.Request) (flow.Hour, contract.Ask, error) {
	values, err := parameter.Parse(r.URL.RawQuery)
	if err != nil {
		return 0, contract.Ask{}, err
	}
	hour, need, err := ask.ParseHour(values)
	ask := contract.Ask{Need: need, Known: knownTags(r.Header)}
	if r.Method == http.MethodHead {
		ask.Known = append(ask.Known, contract.AnyTag)
	}
	return hour, ask, err
}

// open opens the answer within GetTimeout. The answer lives as long as ctx, so ctx must not have this deadline: it
// would cut a long answer.
func (rt *router) open(ctx context.Context, cancel func(), hour flow.Hour, ask contract.Ask) (contract.Answer, error) {
	timer := time.AfterFunc(rt.GetTimeout, cancel)
	answer, err := rt.Cluster.Get(ctx, hour, ask)
	switch {
	case timer.Stop():
		return answer, err
	case err == nil:
		answer.Close()
	case errors.As(err, new(*contract.UnavailableError)):
		return nil, err // it names the stores
	}
	return nil, context.DeadlineExceeded
}
