package router

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"flowring/flow"
	"flowring/flow/csv"
	"flowring/router/admission"
)

// Accepted is the answer to a POST: what was stored.
type Accepted struct {
	Records int         `json:"records"` // as sent
	Flows   int         `json:"flows"`   // distinct flows, counted once per hour
	Hours   []flow.Hour `json:"hours"`
}

// postFlows stores the records of the body on enough stores, and answers 200 only then (P1).
func (rt *router) postFlows(w http.ResponseWriter, r *http.Request) {
	posting, replayed, err := rt.post(r)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	rt.metrics.accepted(posting, replayed)
	w.Header().Set("Content-Type", mediaJSON)
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.Write(Accepted{posting.Records, posting.Flows(), posting.Hours()}.document()) // fails only when the client is gone
}

// document returns the JSON of the answer: small posts are many, and a general encoder is 2 % of what one costs.
func (a Accepted) document() []byte {
	doc := make([]byte, 0, 96)
	doc = strconv.AppendInt(append(doc, `{"records":`...), int64(a.Records), 10)
	doc = strconv.AppendInt(append(doc, `,"flows":`...), int64(a.Flows), 10)
	doc = append(doc, `,"hours":[`...)
	for i, hour := range a.Hours {
		if i > 0 {
			doc = append(doc, ',')
		}
		doc = strconv.AppendInt(doc, int64(hour), 10)
	}
	return append(doc, "]}\n"...)
}

// post takes a request from its headers to its outcome. What can be refused by the headers is refused before the body is read, and
// before a 100 Continue.
func (rt *router) post(r *http.Request) (p *flow.Posting, replayed bool, err error) {
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return nil, false, err
	}
	media, err := bodyMedia(r.Header)
	if err != nil {
		return nil, false, err
	}
	coding, err := contentCoding(r.Header)
	if err != nil {
		return nil, false, err
	}
	if r.ContentLength > rt.MaxBody {
		return nil, false, &tooLargeError{"the body", rt.MaxBody}
	}
	ticket, err := rt.admission.Enter(admission.ClientAddr(r.RemoteAddr), r.ContentLength)
	if err != nil {
		return nil, false, err
	}
	defer ticket.Close()
	begun := time.Now()
	if err := ticket.Wait(r.Context()); err != nil {
		return nil, false, err
	}
	waited := time.Since(begun) // the body may be there since
	slow := time.AfterFunc(slowBody, ticket.Release)
	defer slow.Stop()
	body, err := rt.receive(r, ticket)
	slow.Stop()
	if err != nil {
		return nil, false, err
	}
	defer rt.buffers.give(body) // batches keep nothing of it
	rt.metrics.bodyBytes.Add(float64(len(body)))
	ctx, cancel := context.WithTimeout(r.Context(), rt.PostTimeout-waited)
	defer cancel()
	p, err = rt.decode(ctx, media, coding, body, ticket)
	if err != nil || len(p.Batches) == 0 {
		return p, false, err
	}
	if hours := len(p.Batches); hours > rt.MaxHours {
		return nil, false, &hoursError{hours, rt.MaxHours}
	}
	p.Identify(principal(r), key)
	slow.Reset(slowOutcome)
	replayed, err = rt.Cluster.Post(ctx, p)
	return p, replayed, err
}

// hoursError says that a request names too many hours. Each hour is work for an owner of its own, and the answer is due within 4 s.
type hoursError struct{ hours, most int }

// Error returns both numbers and says how to send the records.
func (e *hoursError) Error() string {
	return fmt.Sprintf("the records are of %d hours, and one request may name %d; send them in several requests of at most %[2]d records",
		e.hours, e.most)
}

// slowOutcome is how long a post may wait for its outcome before another one may be let in in its place: a store that hangs does not
// keep out those that do not need it. Where all are slow, as the disk is, places are what keeps posts from piling up behind it until
// none ends in time.
const slowOutcome = 2 * time.Second

// decode turns a body into batches, in one of the places for it: the work and its memory are bounded, whoever waits (P12). A slow
// body must be let in anew.
func (rt *router) decode(ctx context.Context, media string, c coding, body []byte, ticket *admission.Ticket) (*flow.Posting, error) {
	if err := ticket.Wait(ctx); err != nil {
		return nil, err
	}
	select {
	case rt.decoding <- struct{}{}:
		defer func() { <-rt.decoding }()
	case <-ctx.Done():
		return nil, rt.admission.Refuse(admission.LimitWait)
	}
	body, err := rt.codings.decompress(c, body, rt.MaxBody, ticket)
	if err != nil {
		return nil, err
	}
	d, _ := rt.decoders.Get().(*decoder)
	if d == nil {
		d = newDecoder(flow.Leniency{AnyHour: rt.AnyHour})
	}
	defer rt.decoders.Put(d)
	if media == mediaCSV {
		return d.csv.Decode(body, int(rt.MaxBody/rowCharge))
	}
	return d.json.Decode(body)
}

// decoder decodes the body of one POST at a time.
type decoder struct {
	json flow.Decoder
	csv  csv.Decoder
}

func newDecoder(lenient flow.Leniency) *decoder {
	return &decoder{json: flow.Decoder{Leniency: lenient}, csv: csv.Decoder{Leniency: lenient}}
}

// rowCharge is how many bytes of Config.MaxBody each row of CSV stands for: those of a short record of JSON, which costs as much memory.
const rowCharge = 80

// principal returns on whose behalf the request is made: keys of different principals are different keys. The public contract
// knows one principal.
func principal(*http.Request) string { return "" }
