package router

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"flowring/router/ask"
	"flowring/router/rows"
)

// getQuery answers with the rows of a query.
func (rt *router) getQuery(w http.ResponseWriter, r *http.Request, values url.Values) {
	q, err := rt.parser().Parse(values)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	spec, err := q.Resolve(rt.Now())
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	out := outputOf(w, r, q.Output)
	defer rt.asked(r, rows.KindOf(spec), out)()
	rt.reads(w, r, func(ctx context.Context) (*reply, error) {
		a := &rows.Query{Output: out, Asked: q, Spec: spec, Path: r.URL.Path}
		err := within(ctx, rt.GetTimeout, func(ctx context.Context) (err error) {
			a.Rows, err = rt.Cluster.Query(ctx, spec, askOf(r, q.Need, out.ClusterTag))
			return err
		})
		if a.Rows == nil {
			return &reply{}, err
		}
		return &reply{
			Answer: a, media: out.ContentType(), hold: max(sendBuffer, a.Held()), trailers: rows.Trailers, ended: a.SetEnd,
			broken: "the query could not be read to its end",
		}, err
	})
}

// getHours answers with the totals of the hours of a range.
func (rt *router) getHours(w http.ResponseWriter, r *http.Request) {
	q, err := rt.parser().ParseHours(r.URL.Query())
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	from, to, err := q.Resolve(rt.Now())
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	out := outputOf(w, r, q.Output)
	defer rt.asked(r, rows.KindHours, out)()
	rt.reads(w, r, func(ctx context.Context) (*reply, error) {
		a := &rows.Hours{Output: out}
		err := within(ctx, rt.GetTimeout, func(ctx context.Context) (err error) {
			a.Hours, err = rt.Cluster.Hours(ctx, from, to, askOf(r, q.Need, out.ClusterTag))
			return err
		})
		return &reply{Answer: a, media: out.ContentType(), trailers: rows.Trailers, ended: a.SetEnd}, err
	})
}

// getNames answers with the names of a range, for completion.
func (rt *router) getNames(w http.ResponseWriter, r *http.Request) {
	q, err := rt.parser().ParseNames(r.URL.Query(), rt.Now())
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	out := outputOf(w, r, q.Output)
	defer rt.asked(r, rows.KindNames, out)()
	rt.reads(w, r, func(ctx context.Context) (*reply, error) {
		a := &rows.Names{Output: out}
		err := within(ctx, rt.GetTimeout, func(ctx context.Context) (err error) {
			a.Names, err = rt.Cluster.Names(ctx, q.NamesAsk)
			return err
		})
		if err == nil {
			w.Header().Set("Flowring-More", strconv.FormatBool(a.Names.More))
		}
		return &reply{Answer: a, media: out.ContentType()}, err
	})
}

// getStream sends the rows of a query while they change.
func (rt *router) getStream(w http.ResponseWriter, r *http.Request) {
	q, err := rt.parser().Parse(r.URL.Query())
	if err == nil {
		_, err = q.Resolve(rt.Now())
	}
	if err == nil && r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		return
	}
	if err == nil {
		err = rt.watch.Serve(w, r, q)
	}
	if err != nil {
		rt.refuse(w, r, err)
	}
}

func (rt *router) parser() ask.Parser { return ask.Parser{AnyHour: rt.AnyHour} }

// outputOf returns the form that the client asks for.
func outputOf(w http.ResponseWriter, r *http.Request, o ask.Output) *rows.Output {
	w.Header().Add("Vary", "Accept")
	return rows.OutputOf(o, r.Header)
}

// asked returns a function that counts and logs a question at its end, answered or not.
func (rt *router) asked(r *http.Request, kind string, out *rows.Output) func() {
	end := rt.Meter.Begin(r.Context(), kind, r.URL)
	return func() { end(out.Rows) }
}
