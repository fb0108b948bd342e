package router

import (
	"net/http"
	"strconv"

	"flowring/flow"
	"flowring/flow/compact"
	"flowring/flow/csv"
	"flowring/internal/contract"
	"flowring/router/head"
	"flowring/router/principal"
	"flowring/router/reception"
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
	received, err := rt.reception.Receive(r, rt.entering(who), h.Coding)
	if err != nil {
		return nil, false, err
	}
	defer received.Close()
	err = received.Decode(func(body []byte) error {
		p, err = rt.decode(h.Media, body)
		return err
	})
	if err != nil || len(p.Batches) == 0 {
		return p, false, err
	}
	if hours := len(p.Batches); hours > rt.MaxHours {
		return nil, false, tooManyHours(hours, rt.MaxHours)
	}
	if err := received.Outcome(p.Records); err != nil {
		return nil, false, err
	}
	p.Identify(who.Name, h.Key) // equal keys of different principals are different keys
	replayed, err = rt.Cluster.Post(received, p)
	return p, replayed, err
}

// entering opens the account of a principal.
func (rt *router) entering(who principal.Principal) reception.Enter {
	return func(announced int64) (reception.Use, error) {
		use, err := rt.accounts.Enter(who, announced)
		if use == nil { // a nil of its own type would be another one
			return nil, err
		}
		return use, err
	}
}

// tooManyHours refuses a request with too many hours, because each hour is work for its own owner, and the answer
// is due within 4 s.
func tooManyHours(hours, most int) error {
	return contract.HoursInRequest.Errorf(
		"the records are of %d hours, and one request may name %d; send them in several requests of at most %[2]d records",
		hours, most)
}

// decode turns a body into batches, which keep no reference to it.
func (rt *router) decode(media string, body []byte) (p *flow.Posting, err error) {
	d, _ := rt.parsers.Get().(*parser)
	if d == nil {
		d = newParser(flow.Leniency{AnyHour: rt.AnyHour})
	}
	defer rt.parsers.Put(d)
	switch media {
	case head.CSV:
		p, err = d.csv.Decode(body, int(rt.MaxBody/rowCharge))
	case head.Proto:
		p, err = d.compact.Decode(body, int(rt.MaxBody/rowCharge))
	default:
		p, err = d.json.Decode(body)
	}
	return p, decodeRefusal(err)
}

// parser parses the body of one POST at a time.
type parser struct {
	json    flow.Decoder
	csv     csv.Decoder
	compact compact.Decoder
}

func newParser(lenient flow.Leniency) *parser {
	return &parser{
		json: flow.Decoder{Leniency: lenient}, csv: csv.Decoder{Leniency: lenient}, compact: compact.Decoder{Leniency: lenient},
	}
}

// rowCharge is the charge for a record of CSV or protobuf, in bytes of Config.MaxBody: the length of a short JSON record, because
// such a record takes as much memory.
const rowCharge = 80
