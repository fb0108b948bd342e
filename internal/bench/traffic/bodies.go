package traffic

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/klauspost/compress/zstd"

	"flowring/flow"
	"flowring/internal/load"
)

const (
	totalFlows = 100_000 // of an hour, if a round has as many records
	apps       = 1000
	mostBodies = 4096 // that are kept for a round
	leastKept  = 12
)

// bodies are the bodies of one round, which repeat. It implements load.Posts.
type bodies struct {
	kept    [][]byte
	records int
}

var _ load.Posts = (*bodies)(nil)

// Append implements load.Posts.
func (b *bodies) Append(dst []byte, n int64) []byte {
	return append(dst, b.kept[n%int64(len(b.kept))]...)
}

// Records implements load.Posts.
func (b *bodies) Records() int { return b.records }

// newBodies returns the bodies of a cell whose newest hour is given. Equal arguments give equal bodies.
func newBodies(c Cell, newest flow.Hour, coding string) (*bodies, error) {
	b := &bodies{records: c.records}
	rng := rand.New(rand.NewPCG(1, uint64(newest)))
	names := newNames(c.name)
	for n := range min(max(totalFlows/c.records, leastKept), mostBodies) {
		text := c.body(rng, names, n, newest)
		packed, err := compressed(text, coding)
		if err != nil {
			return nil, err
		}
		b.kept = append(b.kept, packed)
	}
	return b, nil
}

// body returns body n as JSON.
func (c Cell) body(rng *rand.Rand, names []string, n int, newest flow.Hour) []byte {
	own := max(1, c.records*c.distinct/100)
	text := []byte("[")
	for i := range c.records {
		if i > 0 {
			text = append(text, c.form.between...)
		}
		number := i
		if i >= own {
			number = rng.IntN(own)
		}
		f := (n*own + number) * 7919 % totalFlows // a prime: the flows of a body lie far apart
		r := flow.Record{
			Key: flow.Key{SrcApp: names[f%apps], DestApp: names[(f/apps*37+f%apps*7)%apps],
				VPCID: fmt.Sprint("vpc-5eed00-", f%20)},
			Totals: flow.Totals{BytesTx: 40 << rng.IntN(20), BytesRx: int64(rng.IntN(1 << 20))},
			Hour:   newest - flow.Hour(number%c.hours+n%c.moving),
		}
		text = c.form.append(text, &r, rng)
	}
	return append(text, ']')
}

// newNames returns the names of the applications.
func newNames(length int) []string {
	var all []string
	for i := range apps {
		number := fmt.Sprint(i)
		all = append(all, strings.Repeat("service-", length/8+1)[:max(0, length-len(number))]+number)
	}
	return all
}

// compressed returns text in a coding of HTTP.
func compressed(text []byte, coding string) ([]byte, error) {
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "":
		return text, nil
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		encoder, err := zstd.NewWriter(&b)
		if err != nil {
			return nil, err
		}
		w = encoder
	default:
		return nil, fmt.Errorf("there is no coding %q", coding)
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
