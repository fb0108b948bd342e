package coding

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

// Decoders is a pool of decoders. The zero value is ready to use. The caller bounds the number of concurrent calls, and
// thereby the memory of the pool.
type Decoders struct {
	gzip, zlib, zstd, wideZstd sync.Pool
}

// Decompress returns the body without its coding, at most limit bytes. It refuses an invalid body.
func (d *Decoders) Decompress(c Coding, body []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	switch c {
	case Gzip:
		return d.gunzip(body, limit, ticket)
	case Deflate:
		return d.inflate(body, limit, ticket)
	case Zstd:
		return d.unzstd(body, limit, ticket)
	default:
		return body, nil
	}
}

func (d *Decoders) gunzip(body []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	z, _ := d.gzip.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer d.gzip.Put(z)
	members := gzipMembers{z: z, src: bytes.NewReader(body)}
	if err := members.next(); err != nil {
		return nil, decodeError(Gzip, err)
	}
	return expand(&members, Gzip, limit, ticket)
}

// gzipMembers reads a gzip body. RFC 1952 allows several members, one after the other. A gzip.Reader reads them
// too, but reports other bytes behind a member as an invalid member.
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
	if _, err := m.src.ReadAt(magic[:], at); err != nil || magic != [2]byte{0x1f, 0x8b} { // an error: one byte is left
		return n, &trailingError{at}
	}
	return n, m.next()
}

// inflate decodes the deflate coding of HTTP, which is the zlib format of RFC 1950.
func (d *Decoders) inflate(body []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	src := bytes.NewReader(body)
	z, _ := d.zlib.Get().(io.ReadCloser)
	var err error
	if z == nil {
		z, err = zlib.NewReader(src) // nil after an error
	} else {
		err = z.(zlib.Resetter).Reset(src, nil)
	}
	if err != nil {
		return nil, decodeError(Deflate, err)
	}
	defer d.zlib.Put(z)
	body, err = expand(z, Deflate, limit, ticket)
	if err == nil && src.Len() > 0 {
		err = decodeError(Deflate, &trailingError{src.Size() - int64(src.Len())})
	}
	return body, err
}

// minBuffer is the size of the first buffer for a decompressed body, in bytes.
const minBuffer = 4 << 10

// expand reads a decoder to its end.
func expand(src io.Reader, c Coding, limit int64, ticket *admission.Ticket) ([]byte, error) {
	if err := ticket.Reserve(admission.MinCharge); err != nil {
		return nil, err
	}
	body, err := ReadAll(src, make([]byte, 0, minBuffer), limit, decompressed, ticket)
	return body, decodeError(c, err)
}

// decompressed is the name of a decompressed body in messages.
const decompressed = "the decompressed body"

// trailingError reports bytes behind the compressed data.
type trailingError struct{ at int64 }

func (e *trailingError) Error() string {
	return fmt.Sprintf("its data ends at byte %d, and other bytes follow; send the compressed data alone", e.at)
}

// decodeError turns an error of a decoder into a refusal.
func decodeError(c Coding, err error) error {
	if err == nil {
		return nil
	}
	switch _, _, refused := contract.RefusalOf(err); {
	case refused:
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
