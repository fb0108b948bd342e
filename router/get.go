package router

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"flowring/internal/contract"
	"flowring/router/ask"
	"flowring/router/condition"
	"flowring/router/parameter"
)

// getFlows answers with the flows of an hour, or with the rows of a query.
func (rt *router) getFlows(w http.ResponseWriter, r *http.Request) {
	values, err := parameter.Parse(r.URL.RawQuery)
	switch {
	case err != nil:
		rt.refuse(w, r, err)
	case ask.IsQuery(values):
		rt.getQuery(w, r, values)
	default:
		rt.getHour(w, r, values)
	}
}

// getHour answers with the flows of an hour.
func (rt *router) getHour(w http.ResponseWriter, r *http.Request, values url.Values) {
	hour, need, err := ask.ParseHour(values)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	rt.reads(w, r, func(ctx context.Context) (*reply, error) {
		a := &reply{media: mediaJSON, broken: "the hour could not be read to its end"}
		err := within(ctx, rt.GetTimeout, func(ctx context.Context) (err error) {
			a.Answer, err = rt.Cluster.Get(ctx, hour, askOf(r, need, asIs))
			return err
		})
		return a, err
	})
}

// reads sends the reply that open returns, as one of at most MaxReading reads. The reply lives as long as the context
// of open. It may have an answer beside an error.
func (rt *router) reads(w http.ResponseWriter, r *http.Request, open func(context.Context) (*reply, error)) {
	select {
	case rt.reading <- struct{}{}:
		defer func() { <-rt.reading }()
	default:
		rt.refuse(w, r, contract.Overloaded)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	reply, err := open(ctx)
	if reply.Answer != nil {
		defer reply.Close()
	}
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	rt.send(w, r, reply)
}

// asIs is the form of tags of answers in one form.
func asIs(tag contract.Tag) contract.Tag { return tag }

// askOf returns the ask of a GET. HEAD knows every tag, because it wants only the headers. tag turns a tag of the
// client into one of the cluster; the empty tag is of an answer in another form.
func askOf(r *http.Request, need contract.Need, tag func(contract.Tag) contract.Tag) contract.Ask {
	a := contract.Ask{Need: need}
	for _, known := range condition.KnownTags(r.Header) {
		if known = tag(known); known != "" {
			a.Known = append(a.Known, known)
		}
	}
	if r.Method == http.MethodHead {
		a.Known = append(a.Known, contract.AnyTag)
	}
	return a
}

// within calls open, and cancels its context after a time. What open returns lives as long as this context, so the
// context must not have a deadline: it would cut a long answer. The context ends with ctx.
func within(ctx context.Context, limit time.Duration, open func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(limit, cancel)
	err := open(ctx)
	if timer.Stop() || errors.As(err, new(*contract.UnavailableError)) { // which names the stores
		return err
	}
	return context.DeadlineExceeded
}
