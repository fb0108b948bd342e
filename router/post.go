package router

import (
	"net/http"
	"strconv"
	"strings"

	"flowring/flow"
	"flowring/flow/compact"
	"flowring/flow/csv"
	"flowring/internal/contract"
	"flowring/internal/redact"
	"flowring/router/head"
	"flowring/router/principal"
	"flowring/router/reception"
)

// Accepted is the answer to a POST.
type Accepted struct {
	Records int         `json:"records"` // as sent
	Flows   int         `json:"flows"`   // distinct flows, counted once per hour
	Hours   []flow.Hour `json:"hours"`

	SetAside *int     `json:"set_aside,omitzero"` // records that are not valid, of a lenient request
	Reasons  []string `json:"reasons,omitempty"`  // of the first of them
}

// accepted returns the answer to a posting.
func accepted(p *flow.Posting, lenient bool) Accepted {
	a := Accepted{Records: p.Records, Flows: p.Flows(), Hours: p.Hours()}
	if lenient {
		a.SetAside = &p.Aside.Records
		for _, why := range p.Aside.First {
			a.Reasons = append(a.Reasons, redact.Tokens(why.Error()))
		}
	}
	return a
}

// postFlows stores the records of the body, and answers 200 only after enough stores have them (P1).
func (rt *router) postFlows(w http.ResponseWriter, r *http.Request, who principal.Principal) {
	posting, lenient, replayed, err := rt.post(r, who)
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	rt.metrics.accepted(posting, replayed)
	w.Header().Set("Content-Type", mediaJSON)
	if replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	if lenient {
		w.Header().Set("Preference-Applied", head.Lenient)
	}
	w.Write(accepted(posting, lenient).document()) // fails only if the client is gone
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
	doc = append(doc, ']')
	if a.SetAside != nil {
		doc = strconv.AppendInt(append(doc, `,"set_aside":`...), int64(*a.SetAside), 10)
	}
	for i, why := range a.Reasons {
		doc = append(doc, []string{`,"reasons":[`, ","}[min(i, 1)]...)
		doc = flow.AppendName(doc, strings.ToValidUTF8(why, "?"))
	}
	if len(a.Reasons) > 0 {
		doc = append(doc, ']')
	}
	return append(doc, "}\n"...)
}

// post takes a request from its headers to its outcome. It checks the headers and the limits of the principal before it
// reads the body, and before net/http sends a 100 Continue.
func (rt *router) post(r *http.Request, who principal.Principal) (p *flow.Posting, lenient, replayed bool, err error) {
	h, err := head.Of(r, rt.MaxBody)
	if err != nil {
		return nil, false, false, err
	}
	received, err := rt.reception.Receive(r, rt.entering(who), h.Coding)
	if err != nil {
		return nil, false, false, err
	}
	defer received.Close()
	err = received.Decode(func(body []byte) error {
		p, err = rt.decode(h.Media, h.Lenient, body)
		return err
	})
	if err != nil || len(p.Batches) == 0 {
		return p, h.Lenient, false, err
	}
	if hours := len(p.Batches); hours > rt.MaxHours {
		return nil, false, false, tooManyHours(hours, rt.MaxHours)
	}
	if err := received.Outcome(p.Records); err != nil {
		return nil, false, false, err
	}
	p.Identify(who.Name, h.Key) // equal keys of different principals are different keys
	replayed, err = rt.Cluster.Post(received, p)
	return p, h.Lenient, replayed, err
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
func (rt *router) decode(media string, lenient bool, body []byte) (p *flow.Posting, err error) {
	d, _ := rt.parsers.Get().(*parser)
	if d == nil {
		d = newParser(flow.Leniency{AnyHour: rt.AnyHour})
	}
	defer rt.parsers.Put(d)
	d.json.SetAside, d.csv.SetAside, d.compact.SetAside = lenient, lenient, lenient
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
		json: flow.Decoder{Leniency: lenient}, csv: csv.Decoder{Leniency: lenient},
		compact: compact.Decoder{Leniency: lenient},
	}
}

// rowCharge is the charge for a record of CSV or protobuf, in bytes of Config.MaxBody: the length of a short JSON
// record, because such a record takes as much memory.
const rowCharge = 80
