package coding

import (
	"io"

	"flowring/router/admission"
)

// ReadAll reads src to its end. It appends to buf, which is empty and has a capacity. The buffer grows with the bytes
// received, and not with an announced length; the ticket is charged for the growth. ReadAll refuses more than
// limit bytes, and then has read one byte more. The refusal calls the text by name.
func ReadAll(src io.Reader, buf []byte, limit int64, name string, ticket *admission.Ticket) ([]byte, error) {
	for {
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, TooLarge(name, limit)
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, err
		}
		if len(buf) == cap(buf) {
			if buf, err = enlarge(buf, limit, ticket); err != nil {
				return nil, err
			}
		}
	}
}

// enlarge doubles the buffer, up to one byte more than the limit, and charges for it.
func enlarge(buf []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	size := min(2*int64(cap(buf)), limit+1)
	if err := ticket.Reserve(size - int64(cap(buf))); err != nil {
		return nil, err
	}
	return append(make([]byte, 0, size), buf...), nil
}
