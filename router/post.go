package router

import (
	"context"
	"encoding/json"
	"net/http"

	"flowring/flow"
)

// Accepted is the answer to a POST: what was stored.
type Accepted struct {
	Records int         `json:"records"` // as sent
	Flows   int         `json:"flows"`   // distinct flows, counted once per hour
	Hours   []flow.Hour `json:"hours"`
}

// postFlows stores the records of the body on enough stores, and answers 200 only then (P1).
func (rt *router) postFlows(w http.ResponseWriter, r *http.Request) {
	held := charge{budget: &rt.budget}
	defer held.release()
	posting, replayed, err := rt.post(w, r, &held)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	rt.metrics.accepted(posting, replayed)
	w.Header().Set("Content-Type", mediaJSON)
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	json.NewEncoder(w).Encode(Accepted{posting.Records, posting.Flows(), posting.Hours()}) // fails only when the client is gone
}

// post takes a request from its headers to its outcome. What can be refused by the headers is refused before the body is read.
func (rt *router) post(w http.ResponseWriter, r *http.Request, held *charge) (p *flow.Posting, replayed bool, err error) {
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return nil, false, err
	}
	if err := checkMediaType(r.Header); err != nil {
		return nil, false, err
	}
	coding, err := contentCoding(r.Header)
	if err != nil {
		return nil, false, err
	}
	body, err := rt.receive(w, r, held)
	if err != nil {
		return nil, false, err
	}
	rt.metrics.bodyBytes.Add(float64(len(body)))
	ctx, cancel := context.WithTimeout(r.Context(), rt.PostTimeout)
	defer cancel()
	p, err = rt.decode(ctx, coding, body, held)
	if err != nil || len(p.Batches) == 0 {
		return p, false, err
	}
	p.Identify(principal(r), key)
	replayed, err = rt.Cluster.Post(ctx, p)
	return p, replayed, err
}

// decode turns a body into batches, in one of the places for it: the work and its memory are bounded, whoever waits (P12).
func (rt *router) decode(ctx context.Context, c coding, body []byte, held *charge) (*flow.Posting, error) {
	select {
	case rt.decoding <- struct{}{}:
		defer func() { <-rt.decoding }()
	case <-ctx.Done():
		return nil, errOverloaded
	}
	body, err := rt.codings.decompress(c, body, rt.MaxBody, held)
	if err != nil {
		return nil, err
	}
	decoder, _ := rt.decoders.Get().(*flow.Decoder)
	if decoder == nil {
		decoder = new(flow.Decoder)
	}
	defer rt.decoders.Put(decoder)
	return decoder.Decode(body, rt.Cluster.Slices())
}

// principal returns on whose behalf the request is made: keys of different principals are different keys. The public contract
// knows one principal.
func principal(*http.Request) string { return "" }
