package decode

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"flowring/flow/ingest"
)

// Datagram is a message of an exporter.
type Datagram struct {
	From netip.AddrPort
	At   time.Time // of its arrival
	Data []byte
}

// Record is one record of a datagram. Why is Kept unless the record does not count.
type Record struct {
	ingest.Record
	Why    ingest.Reason
	NoTime bool // the time is that of the export
	NoRate bool // the rate of the sampler is not known: the default counts
}

// Direction says which records count by their field flowDirection.
type Direction uint8

// The directions.
const (
	BothDirections Direction = iota
	Ingress                  // records that say egress are set aside
	Egress                   // records that say ingress are set aside
)

// Config has the settings of a Decoder.
type Config struct {
	MaxExporters     int           // pairs of an address and a domain
	MaxTemplates     int           // of all exporters
	MaxFields        int           // of a template
	MaxHeld          int           // bytes of datagrams that wait for a template
	HoldFor          time.Duration // how long a datagram waits for its template
	TemplateLifetime time.Duration // since the template was sent last; an exporter that is silent as long is forgotten
	MaxAhead         time.Duration // a record that ends later than this after its arrival is set aside
	Rate             uint64        // of exporters that tell none
	OutBytes         bool          // OUT_BYTES of v9 beside IN_BYTES is the other direction
	Direction        Direction
}

// Counts are figures of all decoders that share them.
type Counts struct {
	Datagrams  [NumberOfForms]atomic.Uint64 // that were understood
	Malformed  atomic.Uint64                // datagrams that are refused
	Unknown    atomic.Uint64                // datagrams of another version
	Refused    atomic.Uint64                // datagrams of exporters beyond MaxExporters
	Exporters  atomic.Int64                 // now
	Templates  atomic.Int64                 // now
	TooMany    atomic.Uint64                // templates beyond MaxTemplates or MaxFields
	Held       atomic.Int64                 // bytes that wait now
	HeldTotal  atomic.Uint64                // datagrams that waited for a template
	NoTemplate atomic.Uint64                // sets that were lost, because no template came
	Missing    [NumberOfForms]atomic.Uint64 // gaps of sequence numbers: records of v5 and IPFIX, datagrams of v9 and sFlow
	Late       [NumberOfForms]atomic.Uint64 // datagrams with an earlier sequence number
	Restarts   atomic.Uint64                // sequences that began again
	// changes back to an earlier port: two exporters may share an address and domain
	Shared  atomic.Uint64
	NoRate  atomic.Uint64 // records of samplers that are not known
	NewRate atomic.Uint64 // rates that changed, or came after records
	Dropped atomic.Uint64 // samples that sFlow exporters say they dropped
}

// Form is the form of a datagram.
type Form uint8

// The forms.
const (
	V5 Form = iota
	V9
	IPFIX
	SFlow
	NumberOfForms
)

// String returns the name of the form, as in metrics.
func (f Form) String() string {
	return [NumberOfForms]string{"netflow5", "netflow9", "ipfix", "sflow5"}[f]
}

// The refusals of a datagram.
var (
	ErrMalformed = errors.New("the datagram is malformed")
	ErrVersion   = errors.New("the datagram is none of NetFlow v5, v9, IPFIX and sFlow v5")
	ErrExporters = errors.New("there are too many exporters")
)

// domainKey identifies the source of a sequence of datagrams.
type domainKey struct {
	addr netip.Addr
	form Form
	id   uint64
}

// domain is the state of an exporter's observation domain.
type domain struct {
	templates map[uint16]*template
	rates     map[uint64]uint64 // by sampler
	rate      uint64            // of the exporter; 0: not known
	counted   bool              // records have been returned
	boot      int64             // of systemInitTimeMilliseconds, in ns; 0: not known
	baseless  bool              // a datagram has waited for boot in vain, so others do not wait
	seq       sequence
	drops     map[uint64]uint32 // of an sFlow source, as it says
	ports     [2]uint16         // the last two
	last      time.Time
	held      []Datagram
}

// Decoder reads datagrams. NewDecoder returns one.
type Decoder struct {
	cfg     Config
	counts  *Counts
	domains map[domainKey]*domain
	records []Record
	first   bool       // this datagram was not held before
	missing int        // data sets without a template in this datagram
	learnt  bool       // a template or the base of uptimes is new in this datagram
	data    int        // data records in this datagram
	options int        // options records in this datagram
	ready   []Datagram // held ones whose domain has learnt something
}

// NewDecoder returns a decoder without state.
func NewDecoder(cfg Config, counts *Counts) *Decoder {
	return &Decoder{cfg: cfg, counts: counts, domains: map[domainKey]*domain{}}
}

// NetFlow returns the records of a datagram of NetFlow or IPFIX. They are valid until the next call. A datagram without
// a template, or without the base of its uptimes, is held and has none.
func (d *Decoder) NetFlow(g Datagram) ([]Record, error) { return d.netFlow(g, true, true) }

func (d *Decoder) netFlow(g Datagram, first, hold bool) ([]Record, error) {
	d.records, d.first, d.missing, d.learnt, d.data, d.options = d.records[:0], first, 0, false, 0, 0
	if len(g.Data) < 2 {
		return nil, d.refuse(ErrMalformed)
	}
	switch binary.BigEndian.Uint16(g.Data) {
	case 5:
		return d.version5(g)
	case 9:
		return d.sets(g, V9, hold)
	case 10:
		return d.sets(g, IPFIX, hold)
	}
	return nil, d.refuse(ErrVersion)
}

// Release returns the records of a datagram that was held, and whether there was one. The caller repeats it after each
// datagram until there is none.
func (d *Decoder) Release() ([]Record, bool) {
	if len(d.ready) == 0 {
		return nil, false
	}
	g := d.ready[0]
	d.ready = d.ready[1:]
	d.counts.Held.Add(-int64(len(g.Data)))
	records, _ := d.netFlow(g, false, true) // a refusal is counted
	return records, true
}

// Expire forgets exporters that have been silent for long, and returns the records of the held datagrams whose time is
// over, for as long as there are any.
func (d *Decoder) Expire(now time.Time) ([]Record, bool) {
	for key, at := range d.domains {
		if len(at.held) > 0 && now.Sub(at.held[0].At) >= d.cfg.HoldFor {
			g := at.held[0]
			at.held = at.held[1:]
			d.counts.Held.Add(-int64(len(g.Data)))
			records, _ := d.netFlow(g, false, false) // a refusal is counted
			return records, true
		}
		if len(at.held) == 0 && now.Sub(at.last) > d.cfg.TemplateLifetime {
			d.forget(key, at)
		}
	}
	return nil, false
}

// forget removes the state of a domain.
func (d *Decoder) forget(key domainKey, at *domain) {
	d.counts.Templates.Add(-int64(len(at.templates)))
	d.counts.Exporters.Add(-1)
	delete(d.domains, key)
}

// refuse counts a refusal.
func (d *Decoder) refuse(err error) error {
	switch err {
	case ErrMalformed:
		d.counts.Malformed.Add(1)
	case ErrVersion:
		d.counts.Unknown.Add(1)
	default:
		d.counts.Refused.Add(1)
	}
	return err
}

// domain returns the state of the exporter of a datagram, or nil if there are too many.
func (d *Decoder) domain(g Datagram, form Form, id uint64) *domain {
	key := domainKey{g.From.Addr().Unmap(), form, id}
	at := d.domains[key]
	if at == nil {
		if d.counts.Exporters.Add(1) > int64(d.cfg.MaxExporters) {
			d.counts.Exporters.Add(-1)
			return nil
		}
		at = &domain{templates: map[uint16]*template{}, rates: map[uint64]uint64{}}
		d.domains[key] = at
	}
	at.last = g.At
	if port := g.From.Port(); port != at.ports[0] {
		if port == at.ports[1] {
			d.counts.Shared.Add(1)
		} else {
			at.seq = sequence{} // an exporter that came back
		}
		at.ports = [2]uint16{port, at.ports[0]}
	}
	return at
}

// follow judges a sequence number and counts a gap.
func (d *Decoder) follow(at *domain, form Form, seq uint32, steps ...step) {
	switch missing, verdict := at.seq.follow(seq, steps); verdict {
	case inOrder:
		d.counts.Missing[form].Add(missing)
	case late:
		d.counts.Late[form].Add(1)
	case restarted:
		d.counts.Restarts.Add(1)
	}
}

// add adds a record that is complete but for the rules for all.
func (d *Decoder) add(r Record, arrived time.Time) {
	if r.End > arrived.Add(d.cfg.MaxAhead).UnixNano() && r.Why == ingest.Kept {
		r.Why = ingest.Future
	}
	if r.NoRate {
		d.counts.NoRate.Add(1)
	}
	d.records = append(d.records, r)
}
