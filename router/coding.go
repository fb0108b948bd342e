package router

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"flowring/internal/contract"
	"flowring/router/admission"
)

// codings pools decoders; the zero value is ready to use. Its memory is bounded by Config.MaxDecoding, as every use is in a
// decoding place.
type codings struct {
	gzip, zlib, zstd, wide sync.Pool
}

// decompress returns what the body was before it was compressed as c says, at most limit bytes.
func (d *codings) decompress(c coding, body []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	switch c {
	case gzipped:
		return d.gunzip(body, limit, ticket)
	case deflated:
		return d.inflate(body, limit, ticket)
	case zstded:
		return d.unzstd(body, limit, ticket)
	default:
		return body, nil
	}
}

func (d *codings) gunzip(body []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	z, _ := d.gzip.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer d.gzip.Put(z)
	members := gzipMembers{z: z, src: bytes.NewReader(body)}
	if err := members.next(); err != nil {
		return nil, decodeError(gzipped, err)
	}
	return expand(&members, gzipped, limit, ticket)
}

// gzipMembers reads a gzip body, of which RFC 1952 allows several members, one after the other. The Reader does so too, but calls
// other bytes behind a member a member that is not valid.
type gzipMembers struct {
	z   *gzip.Reader
	src *bytes.Reader
}

// next begins the next member.
func (m *gzipMembers) next() error {
	err := m.z.Reset(m.src)
	if err == nil {
		m.z.Multistream(false)
	}
	return err
}

// Read implements io.Reader.
func (m *gzipMembers) Read(p []byte) (int, error) {
	n, err := m.z.Read(p)
	if err != io.EOF || m.src.Len() == 0 {
		return n, err
	}
	var magic [2]byte
	at := m.src.Size() - int64(m.src.Len())
	if _, err := m.src.ReadAt(magic[:], at); err != nil || magic != [2]byte{0x1f, 0x8b} { // an error: there is but one byte
		return n, &trailingError{at}
	}
	return n, m.next()
}

// inflate reads what HTTP calls deflate: the zlib format of RFC 1950.
func (d *codings) inflate(body []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	src := bytes.NewReader(body)
	z, _ := d.zlib.Get().(io.ReadCloser)
	var err error
	if z == nil {
		z, err = zlib.NewReader(src) // an error leaves no reader
	} else {
		err = z.(zlib.Resetter).Reset(src, nil)
	}
	if err != nil {
		return nil, decodeError(deflated, err)
	}
	defer d.zlib.Put(z)
	body, err = expand(z, deflated, limit, ticket)
	if err == nil && src.Len() > 0 {
		err = decodeError(deflated, &trailingError{src.Size() - int64(src.Len())})
	}
	return body, err
}

// expand reads what a decoder yields.
func expand(src io.Reader, c coding, limit int64, ticket *admission.Ticket) ([]byte, error) {
	if err := ticket.Reserve(admission.MinCharge); err != nil {
		return nil, err
	}
	body, err := readAll(src, make([]byte, 0, minBuffer), limit, expanded, ticket)
	return body, decodeError(c, err)
}

// expanded is how messages call a body that was compressed.
const expanded = "the decompressed body"

// trailingError says that bytes follow the compressed data.
type trailingError struct{ at int64 }

func (e *trailingError) Error() string {
	return fmt.Sprintf("its data ends at byte %d, and other bytes follow; send the compressed data alone", e.at)
}

// decodeError turns an error of a decoder into a refusal.
func decodeError(c coding, err error) error {
	switch _, _, refused := contract.RefusalOf(err); {
	case err == nil || refused:
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("it ends too early")
	case errors.Is(err, zlib.ErrHeader):
		err = fmt.Errorf("%w; deflate is the zlib format of RFC 1950", err)
	case errors.Is(err, zstd.ErrUnknownDictionary):
		err = errors.New("it needs a dictionary; compress it without one")
	}
	return contract.Body.Errorf("the body is not valid %s: %w", c, err)
}
