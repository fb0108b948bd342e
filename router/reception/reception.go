package reception

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/router/admission"
	"flowring/router/coding"
)

// Config has the limits of bodies.
type Config struct {
	MaxBody     int64         // bytes, as received and again as decompressed
	MaxDecoding int           // bodies decoded at once
	PostTimeout time.Duration // from the last byte of the body to the outcome
}

// Deps are the collaborators of a Reception.
type Deps struct {
	Admission *admission.Controller
	Waited    prometheus.Observer // gets the seconds that a POST waited before its body is read
	BodyBytes prometheus.Counter  // counts the bytes received
}

// Use is the account of the principal of a POST (package quota).
type Use interface {
	admission.Quota
	Take(records int) error // charges for the records, or refuses them
	Close()
}

// Enter opens the account of a principal for a body of the announced bytes (-1: unknown). It returns nil for a
// principal without limits.
type Enter func(announced int64) (Use, error)

// Reception receives the bodies of POSTs.
type Reception struct {
	Config
	Deps
	decoding chan struct{} // holds one value per body being decoded
	decoders coding.Decoders
	buffers  buffers
}

// New returns a Reception.
func New(cfg Config, deps Deps) *Reception {
	return &Reception{Config: cfg, Deps: deps, decoding: make(chan struct{}, cfg.MaxDecoding)}
}

// After these times a POST stays in progress but becomes inactive. Another POST may then be active.
const (
	SlowBody    = time.Second     // for its body: a slow sender does not keep others out
	SlowOutcome = 2 * time.Second // for its outcome: a hanging store does not keep out POSTs to other stores
)

// POST is a POST whose body has been received. Its context ends with the client, and when the outcome is due.
type POST struct {
	context.Context
	of     *Reception
	cancel context.CancelFunc
	use    Use // nil: no limits
	ticket *admission.Ticket
	slow   *time.Timer
	coding coding.Coding
	body   []byte // as received
}

// Receive receives the body of a request, which has a content coding and an announced length that package head has
// checked. The caller closes the POST.
func (rc *Reception) Receive(r *http.Request, enter Enter, c coding.Coding) (*POST, error) {
	p := &POST{of: rc, coding: c, cancel: func() {}}
	if err := p.receive(r, enter); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *POST) receive(r *http.Request, enter Enter) (err error) {
	if p.use, err = enter(r.ContentLength); err != nil {
		return err
	}
	if p.ticket, err = p.of.Admission.Enter(admission.ClientAddr(r.RemoteAddr), r.ContentLength); err != nil {
		return err
	}
	if p.use != nil {
		p.ticket.Quota = p.use
	}
	begun := time.Now()
	if err := p.ticket.Wait(r.Context()); err != nil {
		return err
	}
	waited := time.Since(begun)
	p.of.Waited.Observe(waited.Seconds())
	p.slow = time.AfterFunc(SlowBody, p.ticket.Release)
	p.body, err = p.of.read(r, p.ticket)
	p.slow.Stop()
	if err != nil {
		return err
	}
	p.of.BodyBytes.Add(float64(len(p.body)))
	p.Context, p.cancel = context.WithTimeout(r.Context(), p.of.PostTimeout-waited)
	return nil
}

// Close ends the POST. The body must not be used afterwards.
func (p *POST) Close() {
	p.cancel()
	p.of.buffers.give(p.body)
	if p.slow != nil {
		p.slow.Stop()
	}
	if p.ticket != nil {
		p.ticket.Close()
	}
	if p.use != nil {
		p.use.Close()
	}
}

// Decode gives the decompressed body to fn. It holds a decoding slot meanwhile, which bounds the work and its memory
// (P12). A POST whose body was slow must become active again first. fn must keep no part of the body.
func (p *POST) Decode(fn func(body []byte) error) error {
	if err := p.ticket.Wait(p); err != nil {
		return err
	}
	select {
	case p.of.decoding <- struct{}{}:
		defer func() { <-p.of.decoding }()
	case <-p.Done():
		return p.of.Admission.Refuse(admission.LimitWait)
	}
	body, err := p.of.decoders.Decompress(p.coding, p.body, p.of.MaxBody, p.ticket)
	if err != nil {
		return err
	}
	return fn(body)
}

// Reserve charges the POST for more bytes of memory.
func (p *POST) Reserve(n int64) error { return p.ticket.Reserve(n) }

// Outcome charges the principal for the records of the POST, and begins the time of its outcome.
func (p *POST) Outcome(records int) error {
	if p.use != nil {
		if err := p.use.Take(records); err != nil {
			return err
		}
	}
	p.slow.Reset(SlowOutcome)
	return nil
}
