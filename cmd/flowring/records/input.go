package records

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"flowring/flow"
)

// plainText returns the text of an input: without a byte order mark, and as it was before gzip or zstd compressed it.
func plainText(r io.Reader) (io.Reader, error) {
	r, err := decompressed(r)
	if err != nil {
		return nil, err
	}
	const byteOrderMark = "\xef\xbb\xbf"
	in := bufio.NewReaderSize(r, 64<<10)
	begin, err := in.Peek(len(byteOrderMark))
	if string(begin) == byteOrderMark {
		_, err = in.Discard(len(byteOrderMark))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return in, nil
}

// decompressed looks at the first bytes of an input to tell whether it is compressed: no form of records begins so.
func decompressed(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(magic) >= 2 && string(magic[:2]) == "\x1f\x8b":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("decompress the input: %w", err)
		}
		return z, nil
	case string(magic) == "\x28\xb5\x2f\xfd":
		// One at a time means in the caller's goroutine: there is nothing to close.
		return zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
	}
	return in, nil
}

// pieces returns a record as it is, or, where its sums are larger than a record may have, as several records that add up to it. So what
// `flowring get` prints can be posted again.
func pieces(record []byte) [][]byte {
	if !longNumber(record) {
		return [][]byte{record}
	}
	d := flow.Decoder{Leniency: flow.Leniency{AnyHour: true, AnySum: true}}
	p, err := d.Decode(record)
	if err != nil || p.Records != 1 {
		return [][]byte{record} // a node says why it refuses it
	}
	b := p.Batches[0]
	rest := b.Totals(0)
	if rest.BytesTx <= flow.MaxBytes && rest.BytesRx <= flow.MaxBytes {
		return [][]byte{record}
	}
	var all [][]byte
	for rest != (flow.Totals{}) {
		part := flow.Totals{BytesTx: min(rest.BytesTx, flow.MaxBytes), BytesRx: min(rest.BytesRx, flow.MaxBytes)}
		rest = flow.Totals{BytesTx: rest.BytesTx - part.BytesTx, BytesRx: rest.BytesRx - part.BytesRx}
		all = append(all, flow.AppendRecord(nil, flow.Record{Key: b.FlowKey(0), Totals: part, Hour: b.Slice.Hour}))
	}
	return all
}

// longNumber reports whether as many digits stand together in text as flow.MaxBytes has.
func longNumber(text []byte) bool {
	const most = 16
	digits := 0
	for _, c := range text {
		if digits++; c < '0' || c > '9' {
			digits = 0
		}
		if digits == most {
			return true
		}
	}
	return false
}
