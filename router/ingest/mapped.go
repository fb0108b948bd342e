package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"flowring/flow"
	"flowring/flow/ingest"
	"flowring/flow/ingest/envelope"
	"flowring/flow/ingest/form"
	"flowring/flow/ingest/preset"
	"flowring/internal/contract"
)

// mapped is a body after its mapping.
type mapped struct {
	preset   *preset.Preset
	posting  *flow.Posting
	content  [sha256.Size]byte
	key      string
	firehose string // the ID of a delivery of Firehose
	replayed bool
	Counts   ingest.Counts
	dropped  map[ingest.Reason]ingest.Sum // flows of hours that the cluster does not take, and their bytes
}

// mapBody maps a body. It keeps no part of it.
func (h *Handler) mapBody(p *preset.Preset, body []byte, key string, received Received) (*mapped, error) {
	if len(body) == 0 { // some senders send an empty body when they repeat a request
		return nil, contract.Body.Errorf("the body is empty")
	}
	content, err := envelope.Open(body, p.Envelopes, h.MaxBody)
	if err != nil {
		return nil, h.envelopeError(err)
	}
	if content.Own {
		if err := received.Reserve(int64(len(content.Body))); err != nil {
			return nil, err
		}
	}
	to := rows{preset: p, to: p.Engine(h.Names(), h.Observed).NewBody(len(content.Body) / likelyRow), maxParts: h.MaxParts}
	if p.Key == "records" {
		to.ids = map[string]bool{}
	}
	for range content.Malformed {
		to.Malformed()
	}
	reader, err := form.New(p)
	if err != nil {
		return nil, err
	}
	err = reader.Read(content.Body, &to)
	// the delivery is whole, so its content was so from the start
	if errors.As(err, new(*form.BrokenError)) && content.Kind != "" {
		to.Malformed()
		err = nil
	}
	if err != nil {
		return nil, h.formError(err)
	}
	m := to.mapped(to.key(key, &content))
	if content.Kind == "firehose" {
		m.firehose = content.Request
	}
	return m, nil
}

// likelyRow is the expected number of bytes of a record. It only decides how much room there is at first.
const likelyRow = 400

// envelopeError turns an error of package envelope into a refusal.
func (h *Handler) envelopeError(err error) error {
	if errors.As(err, new(*envelope.TooLargeError)) {
		return contract.TooLarge.Errorf("%w", err)
	}
	return contract.Body.Errorf("the envelope of the records cannot be opened: %w", err)
}

// errTooManyParts ends the reading of a body.
var errTooManyParts = errors.New("too many parts")

// formError turns an error of package form into a refusal.
func (h *Handler) formError(err error) error {
	var body *form.BodyError
	switch {
	case errors.Is(err, errTooManyParts):
		h.metrics.partsRefused.Inc()
		return contract.TooLarge.Errorf("the body becomes more than %d records of hours (--max-ingest-parts); "+
			"let the sender buffer less", h.MaxParts)
	case errors.As(err, new(*form.BrokenError)):
		return contract.JSON.Errorf("%w", err)
	case errors.As(err, &body):
		return contract.JSON.Errorf("%s; the preset of the path says which form it must have", body.Reason)
	}
	return fmt.Errorf("read rows: %w", err)
}

// rows maps the rows of a body.
type rows struct {
	preset   *preset.Preset
	to       *ingest.Body
	maxParts int
	ids      map[string]bool // of the records; nil: the preset has none
	noID     bool            // a record has none
}

// Row implements form.Sink.
func (r *rows) Row(values []string) error {
	if r.ids != nil {
		id := r.preset.ID(values)
		if r.ids[id] && id != "" { // an entry may be in a body twice
			r.to.SetAside(ingest.Repeated, 0)
			return nil
		}
		r.ids[id] = true
		r.noID = r.noID || id == ""
	}
	r.preset.Add(values, r.to)
	if r.to.Parts() > r.maxParts {
		return errTooManyParts
	}
	return nil
}

// Malformed implements form.Sink.
func (r *rows) Malformed() {
	r.to.SetAside(ingest.Malformed, 0)
	r.noID = true
}

// mapped ends a body. key is the best key that its request has.
func (r *rows) mapped(key string) *mapped {
	m := &mapped{
		preset: r.preset, key: "preset " + r.preset.Name + " " + key, Counts: r.to.Counts,
		dropped: map[ingest.Reason]ingest.Sum{},
	}
	m.posting, m.content = r.to.Posting()
	return m
}

// key returns the key of a body: the best that its request has.
func (r *rows) key(given string, content *envelope.Content) string {
	switch {
	case given != "": // before all others
	case r.ids != nil && !r.noID && len(r.ids) > 0:
		ids := make([]string, 0, len(r.ids))
		for id := range r.ids {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		return "records " + hash([]byte(strings.Join(ids, "\n")))
	case content.Request != "":
		return "request " + content.Request
	}
	return plainKey(given, content.Body)
}

// plainKey returns the key of a body whose records and delivery have no IDs.
func plainKey(given string, body []byte) string {
	if given != "" {
		return "key " + given
	}
	return "body " + hash(body)
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// drop leaves out the batches of the hours below from and above to, and counts them. The identity of the others does
// not change.
func (m *mapped) drop(from, to flow.Hour) {
	m.dropWhere(func(h flow.Hour) (ingest.Reason, bool) {
		if h < from {
			return ingest.Expired, true
		}
		return ingest.Future, h > to
	})
}

// dropHour leaves out the batches of one closed hour, as drop. It reports whether there were some.
func (m *mapped) dropHour(closed flow.Hour) bool {
	before := len(m.posting.Batches)
	m.dropWhere(func(h flow.Hour) (ingest.Reason, bool) { return ingest.Expired, h == closed })
	return len(m.posting.Batches) < before
}

func (m *mapped) dropWhere(drops func(flow.Hour) (ingest.Reason, bool)) {
	p := *m.posting
	p.Batches = slices.DeleteFunc(slices.Clone(p.Batches), func(b *flow.Batch) bool {
		why, drop := drops(b.Slice.Hour)
		if !drop {
			return false
		}
		m.dropped[why] = m.dropped[why].Plus(ingest.SumOf(b))
		return true
	})
	m.posting = &p
}
