package tally

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"flowring/flow"
)

// id identifies a sum.
type id struct {
	flow.Key
	Hour flow.Hour
}

// Tally is sums by flow and hour. The zero value is empty.
type Tally struct {
	sums map[id]flow.Totals
	over []flow.Record // records whose sum would exceed 2^63-1
}

// Add adds a record. Its bytes are not negative.
func (t *Tally) Add(r flow.Record) {
	if t.sums == nil {
		t.sums = map[id]flow.Totals{}
	}
	at := id{r.Key, r.Hour}
	sum, saturated := t.sums[at].Add(r.Totals)
	if saturated {
		t.over = append(t.over, r)
		return
	}
	t.sums[at] = sum
}

// Len returns the number of sums.
func (t *Tally) Len() int { return len(t.sums) + len(t.over) }

// Reset empties the tally.
func (t *Tally) Reset() {
	clear(t.sums)
	t.over = t.over[:0]
}

// Payload returns the sums as requests with bodies of at most most bytes.
func (t *Tally) Payload(most int) []byte {
	ids := slices.SortedFunc(maps.Keys(t.sums), func(a, b id) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), a.Key.Compare(b.Key))
	})
	w := writer{most: most}
	for _, at := range ids {
		w.add(flow.Record{Key: at.Key, Totals: t.sums[at], Hour: at.Hour})
	}
	for _, r := range t.over {
		w.add(r)
	}
	w.end()
	return w.payload
}

// writer writes requests.
type writer struct {
	most     int
	payload  []byte
	body     []byte // of the request that is not ended; empty: none
	hour     flow.Hour
	records  int
	appender flow.Appender
}

// add adds a sum, as several records if it has more bytes than one may have.
func (w *writer) add(r flow.Record) {
	for rest := r.Totals; ; {
		r.Totals = flow.Totals{BytesTx: min(rest.BytesTx, flow.MaxBytes), BytesRx: min(rest.BytesRx, flow.MaxBytes)}
		w.record(r)
		rest.BytesTx, rest.BytesRx = rest.BytesTx-r.BytesTx, rest.BytesRx-r.BytesRx
		if rest == (flow.Totals{}) {
			return
		}
	}
}

func (w *writer) record(r flow.Record) {
	if w.records > 0 && w.hour != r.Hour {
		w.end()
	}
	before := len(w.body)
	w.body = append(w.body, "[,"[min(w.records, 1)])
	w.body = w.appender.Append(w.body, r)
	if len(w.body)+1 > w.most && w.records > 0 {
		w.body = w.body[:before]
		w.end()
		w.body = w.appender.Append(append(w.body, '['), r)
	}
	w.hour = r.Hour
	w.records++
}

// end ends a request.
func (w *writer) end() {
	if w.records == 0 {
		return
	}
	w.body = append(w.body, ']')
	w.payload = binary.AppendVarint(w.payload, int64(w.hour))
	w.payload = binary.AppendUvarint(w.payload, uint64(w.records))
	w.payload = binary.AppendUvarint(w.payload, uint64(len(w.body)))
	w.payload = append(w.payload, w.body...)
	w.body, w.records = w.body[:0], 0
}

// Request is a request of a payload.
type Request struct {
	Hour    flow.Hour
	Records int
	Body    []byte // a part of the payload
}

// errPayload refuses a payload that Payload did not write.
var errPayload = errors.New("the payload is no list of requests")

// Parse returns the requests of a payload.
func Parse(payload []byte) (all []Request, err error) {
	for len(payload) > 0 {
		hour, n := binary.Varint(payload)
		if n <= 0 {
			return nil, errPayload
		}
		records, m := binary.Uvarint(payload[n:])
		if m <= 0 || records > uint64(len(payload)) {
			return nil, errPayload
		}
		length, k := binary.Uvarint(payload[n+m:])
		payload = payload[min(n+m+max(k, 0), len(payload)):]
		if k <= 0 || length > uint64(len(payload)) {
			return nil, errPayload
		}
		all = append(all, Request{flow.Hour(hour), int(records), payload[:length]})
		payload = payload[length:]
	}
	return all, nil
}
