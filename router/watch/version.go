package watch

import (
	"bytes"
	"strconv"
	"sync"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/format"
)

// version is the outcome of an evaluation. It is immutable once published, apart from all.
type version struct {
	number   int
	tag      contract.Tag // the id of its events
	complete contract.Completeness
	from     *flow.Hour // the first hour, if others of the range have expired; nil: none has
	erased   int64      // when hours of the range were erased, in seconds since 1970; 0: none is
	table    *table
	change   []byte // the event that leads from the version before to this one
	err      error  // of a failed evaluation; the other fields are those of the version before

	encode sync.Once
	all    []byte
}

// failed returns the version behind v after an evaluation that failed. The viewers keep the rows of v.
func (v *version) failed(err error, problem func(error) []byte) *version {
	return &version{
		number: v.number + 1, tag: v.tag, complete: v.complete, from: v.from, erased: v.erased, table: v.table, err: err,
		change: event("", "error", problem(err)),
	}
}

// encodeAll returns the event that replaces all rows.
func (v *version) encodeAll() []byte {
	v.encode.Do(func() {
		data := append(v.head(), `,"rows":[`...)
		data = append(data, bytes.Join(v.table.texts, []byte(","))...)
		v.all = event(string(v.tag), "all", append(data, "]}"...))
	})
	return v.all
}

// encodeChange returns the event with the differences to the version before.
func (v *version) encodeChange(before *version) []byte {
	var changed, removed [][]byte
	for at, key := range v.table.keys {
		if was, ok := before.table.text(key); !ok || !bytes.Equal(was, v.table.texts[at]) {
			changed = append(changed, v.table.texts[at])
		}
	}
	if before.table != nil {
		for _, key := range before.table.keys {
			if _, ok := v.table.text(key); !ok {
				removed = append(removed, []byte(key))
			}
		}
	}
	data := append(v.head(), `,"rows":[`...)
	data = append(data, bytes.Join(changed, []byte(","))...)
	data = append(append(data, `],"removed":[`...), bytes.Join(removed, []byte(","))...)
	return event(string(v.tag), "change", append(data, "]}"...))
}

// head is the beginning of the data of an event.
func (v *version) head() []byte {
	data := append([]byte(`{"complete":`), strconv.Quote(v.complete.String())...)
	if v.from != nil {
		data = strconv.AppendInt(append(data, `,"from":`...), int64(*v.from), 10)
	}
	if v.erased > 0 {
		data = strconv.AppendQuote(append(data, `,"erased":`...), time.Unix(v.erased, 0).UTC().Format(time.RFC3339))
	}
	return data
}

// event returns a server-sent event. Its data has one line.
func event(id, kind string, data []byte) []byte {
	var e []byte
	if id != "" {
		e = append(append(append(e, "id: "...), id...), '\n')
	}
	e = append(append(append(e, "event: "...), kind...), "\ndata: "...)
	return append(append(e, bytes.TrimSpace(data)...), "\n\n"...)
}

// table has the rows of a version as JSON.
type table struct {
	texts [][]byte       // in the order of the question
	keys  []string       // of the rows, as JSON
	byKey map[string]int // the place of each row
}

func (t *table) text(key string) ([]byte, bool) {
	if t == nil {
		return nil, false
	}
	at, ok := t.byKey[key]
	if !ok {
		return nil, false
	}
	return t.texts[at], true
}

// readTable reads the rows of an answer, of which there may be most.
func readTable(answer contract.Rows, spec *query.Spec, numbers bool, most int) (*table, error) {
	var text, key bytes.Buffer
	rowWriter := format.NewRows(&text, format.NDJSON, numbers, spec)
	keyWriter := format.NewRows(&key, format.NDJSON, numbers, spec)
	t := &table{byKey: map[string]int{}}
	for row, err := range answer.All() {
		if err != nil {
			return nil, err
		}
		if len(t.texts) == most {
			return nil, contract.Query.Errorf("the query has more than %d rows, and a stream holds so many "+
				"(--max-stream-rows); add top, limit or filters", most)
		}
		text.Reset()
		key.Reset()
		_ = rowWriter.Write(&row) // into memory, as the key
		_ = keyWriter.WriteKey(&row)
		t.keys = append(t.keys, string(bytes.TrimSpace(key.Bytes())))
		t.byKey[t.keys[len(t.texts)]] = len(t.texts)
		t.texts = append(t.texts, bytes.Clone(bytes.TrimSpace(text.Bytes())))
	}
	return t, nil
}
