package ask

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"

	"github.com/cespare/xxhash/v2"

	"flowring/flow"
	"flowring/flow/field"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/internal/encoded"
	"flowring/router/parameter"
)

// page is the content of a cursor: where a page begins.
type page struct {
	from, to flow.Hour // of the first page
	after    query.Key // of the last row before the page
}

const (
	cursorVersion = 1
	checkSize     = 8
	maxCursor     = 2048 // bytes; a key has at most 768
)

// Cursor returns the cursor of the page behind a key. spec is the question as resolved.
func (q *Query) Cursor(spec *query.Spec, after query.Key) string {
	content := binary.AppendVarint(nil, int64(spec.From))
	content = binary.AppendVarint(content, int64(spec.To))
	content = binary.AppendVarint(content, after.Time)
	for _, name := range []string{after.Src, after.Dest, after.VPC} {
		content = append(binary.AppendUvarint(content, uint64(len(name))), name...)
	}
	text := binary.BigEndian.AppendUint64([]byte{cursorVersion}, q.check(content))
	return base64.RawURLEncoding.EncodeToString(append(text, content...))
}

// check returns the check of a cursor's content: a hash of it and of the parameters that choose rows.
func (q *Query) check(content []byte) uint64 {
	spec := q.Spec
	spec.Limit = 0
	h := xxhash.New()
	h.WriteString(q.From.String() + " " + q.To.String() + " ") // a Digest cannot fail
	h.Write(spec.Encode())
	h.Write(content)
	return h.Sum64()
}

// parseCursor reads the cursor, after all other parameters.
func (q *Query) parseCursor(values url.Values) error {
	text, given, err := parameter.Once(values, "cursor")
	if err != nil || !given {
		return err
	}
	const advice = "; follow the Link of the page before, or begin without a cursor"
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	switch {
	case len(text) > maxCursor || err != nil || len(data) <= 1+checkSize:
		return contract.Query.Errorf("cursor is %s, which no page has given"+advice, parameter.Quoted(text))
	case data[0] != cursorVersion:
		return contract.Query.Errorf("cursor is %s, which is of another version of this program"+advice,
			parameter.Quoted(text))
	}
	content := data[1+checkSize:]
	p, ok := parsePage(content)
	if binary.BigEndian.Uint64(data[1:]) != q.check(content) || !ok {
		return contract.Query.Errorf("cursor is %s, which is damaged or belongs to another query"+advice,
			parameter.Quoted(text))
	}
	q.page = p
	return nil
}

func parsePage(data []byte) (*page, bool) {
	r := encoded.NewReader(data)
	p := &page{from: flow.Hour(r.Varint()), to: flow.Hour(r.Varint())}
	p.after = query.Key{Time: r.Varint(), Src: readName(&r), Dest: readName(&r), VPC: readName(&r)}
	return p, r.End() == nil && p.from < p.to
}

func readName(r *encoded.Reader) string {
	name := r.Text()
	if len(name) > field.MaxName {
		r.Fail("a name of %d bytes", len(name))
		return ""
	}
	return string(name)
}
