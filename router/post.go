package router

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"flowring/flow"
	"flowring/flow/csv"
	"flowring/internal/contract"
	"flowring/router/admission"
	"flowring/router/head"
	"flowring/router/principal"
	"flowring/router/quota"
)

// Accepted is the answer to a POST.
type Accepted struct {
	Records int         `json:"records"` // as sent
	Flows   int         `json:"flows"`   // distinct flows, counted once per hour
	Hours   []flow.Hour `json:"hours"`
}

// postFlows stores the records of the body, and answers 200 only after enough stores have them (P1).
func (rt *router) postFlows(w http.ResponseWriter, r *http.Request, who principal.Principal) {
	posting, replayed, err := rt.post(r, who)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	rt.metrics.accepted(posting, replayed)
	w.Header().Set("Content-Type", mediaJSON)
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.Write(Accepted{posting.Records, posting.Flows(), posting.Hours()}.document()) // fails only if the client is gone
}

// document returns the JSON of the answer. It is written by hand, because a general encoder takes 2 % of the CPU of a
// small POST.
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

// post takes a request from its headers to its outcome. It checks the headers and the limits of the principal before it
// reads the body, and before net/http sends a 100 Continue.
func (rt *router) post(r *http.Request, who principal.Principal) (p *flow.Posting, replayed bool, err error) {
	h, err := head.Of(r, rt.MaxBody)
	if err != nil {
		return nil, false, err
	}
	use, err := rt.accounts.Enter(who, r.ContentLength)
	if err != nil {
		return nil, false, err
	}
	defer use.Close()
	ticket, err := rt.admission.Enter(admission.ClientAddr(r.RemoteAddr), r.ContentLength)
	if err != nil {
		return nil, false, err
	}
	defer ticket.Close()
	if use != nil {
		ticket.Quota = use
	}
	begun := time.Now()
	if err := ticket.Wait(r.Context()); err != nil {
		return nil, false, err
	}
	waited := time.Since(begun) // counts against PostTimeout, because the body may have arrived meanwhile
	rt.metrics.waited.Observe(waited.Seconds())
	slow := time.AfterFunc(slowBody, ticket.Release)
	defer slow.Stop()
	body, err := rt.receive(r, ticket)
	slow.Stop()
	if err != nil {
		return nil, false, err
	}
	defer rt.buffers.give(body) // batches keep no reference to it
	rt.metrics.bodyBytes.Add(float64(len(body)))
	ctx, cancel := context.WithTimeout(r.Context(), rt.PostTimeout-waited)
	defer cancel()
	p, err = rt.decode(ctx, h, body, ticket)
	if err != nil || len(p.Batches) == 0 {
		return p, false, err
	}
	if err := rt.charge(p, use); err != nil {
		return nil, false, err
	}
	p.Identify(who.Name, h.Key) // equal keys of different principals are different keys
	slow.Reset(slowOutcome)
	replayed, err = rt.Cluster.Post(ctx, p)
	return p, replayed, err
}

// charge refuses a request that has too many hours, or whose principal has sent too many records.
func (rt *router) charge(p *flow.Posting, use *quota.Use) error {
	if hours := len(p.Batches); hours > rt.MaxHours {
		return tooManyHours(hours, rt.MaxHours)
	}
	return use.Take(p.Records)
}

// tooManyHours refuses a request with too many hours, because each hour is work for its own owner, and the answer
// is due within 4 s.
func tooManyHours(hours, most int) error {
	return contract.HoursInRequest.Errorf(
		"the records are of %d hours, and one request may name %d; send them in several requests of at most %[2]d records",
		hours, most)
}

// After these times a POST stays in progress but becomes inactive. Another POST may then be active.
const (
	slowBody    = time.Second     // for its body: a slow sender does not keep others out
	slowOutcome = 2 * time.Second // for its outcome: a hanging store does not keep out POSTs to other stores
)

// decode turns a body into batches. It holds a decoding place meanwhile, which bounds the work and its memory (P12). A
// POST whose body was slow must become active again first.
func (rt *router) decode(
	ctx context.Context, h head.Head, body []byte, ticket *admission.Ticket,
) (*flow.Posting, error) {
	if err := ticket.Wait(ctx); err != nil {
		return nil, err
	}
	select {
	case rt.decoding <- struct{}{}:
		defer func() { <-rt.decoding }()
	case <-ctx.Done():
		return nil, rt.admission.Refuse(admission.LimitWait)
	}
	body, err := rt.decoders.Decompress(h.Coding, body, rt.MaxBody, ticket)
	if err != nil {
		return nil, err
	}
	d, _ := rt.parsers.Get().(*parser)
	if d == nil {
		d = newParser(flow.Leniency{AnyHour: rt.AnyHour})
	}
	defer rt.parsers.Put(d)
	var p *flow.Posting
	if h.Media == head.CSV {
		p, err = d.csv.Decode(body, int(rt.MaxBody/rowCharge))
	} else {
		p, err = d.json.Decode(body)
	}
	return p, decodeRefusal(err)
}

// parser parses the body of one POST at a time.
type parser struct {
	json flow.Decoder
	csv  csv.Decoder
}

func newParser(lenient flow.Leniency) *parser {
	return &parser{json: flow.Decoder{Leniency: lenient}, csv: csv.Decoder{Leniency: lenient}}
}

// rowCharge is the charge for a row of CSV, in bytes of Config.MaxBody: the length of a short JSON record, because
// a row takes as much memory.
const rowCharge = 80
