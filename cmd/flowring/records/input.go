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

// PlainText returns the text of an input, decompressed and without a byte order mark.
func PlainText(r io.Reader) (io.Reader, error) {
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

// decompressed decompresses an input whose first bytes are those of gzip or zstd. No form of records begins with such
// bytes.
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
		// With a concurrency of 1 the decoder starts no goroutine, so nothing has to be closed.
		return zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
	}
	return in, nil
}

// pieces returns a record unchanged. If its sums are larger than a record may have, pieces returns several records with
// these sums in total, so that the output of `flowring get` can be posted again.
func pieces(record []byte) [][]byte {
	if !longNumber(record) {
		return [][]byte{record}
	}
	d := flow.Decoder{Leniency: flow.Leniency{AnyHour: true, AnySum: true}}
	p, err := d.Decode(record)
	if err != nil || p.Records != 1 {
		return [][]byte{record} // a node refuses it with the reason
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

// longNumber reports whether the text has a number with at least as many digits as flow.MaxBytes.
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
