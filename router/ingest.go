package router

import (
	"math"
	"net/http"

	"github.com/gorilla/mux"

	"flowring/flow"
	"flowring/flow/ingest/preset"
	"flowring/router/head"
	"flowring/router/ingest"
	"flowring/router/principal"
)

// newIngest returns the handler of bodies of other programs.
func (rt *router) newIngest() *ingest.Handler {
	cfg := rt.Config.Ingest
	if cfg.Presets == nil {
		cfg.Presets = preset.NewSet()
	}
	cfg.MaxBody, cfg.MaxHours = rt.MaxBody, rt.MaxHours
	hours := rt.Hours
	if hours == nil {
		hours = func() (from, to flow.Hour) { return math.MinInt64, math.MaxInt64 }
	}
	return ingest.New(cfg, ingest.Deps{
		Receive: rt.receiveAny, Post: rt.Cluster.Post, Refuse: rt.refuse, Hours: hours, Log: rt.Log, Registry: rt.Registry,
		Now: rt.Now,
	})
}

// postIngest stores the records of a body of another program.
func (rt *router) postIngest(w http.ResponseWriter, r *http.Request, who principal.Principal) {
	rt.ingest.Post(w, r, who, mux.Vars(r)["preset"])
}

// postMetrics stores the flows of OTLP metrics.
func (rt *router) postMetrics(w http.ResponseWriter, r *http.Request, who principal.Principal) {
	rt.ingest.Metrics(w, r, who)
}

// receiveAny receives a body of any media type.
func (rt *router) receiveAny(
	r *http.Request, who principal.Principal,
) (key string, received ingest.Received, err error) {
	h, err := head.OfAny(r, rt.MaxBody)
	if err != nil {
		return "", nil, err
	}
	p, err := rt.reception.Receive(r, rt.entering(who), h.Coding)
	if err != nil {
		return "", nil, err
	}
	return h.Key, p, nil
}
