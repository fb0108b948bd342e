package flow

import (
	"crypto/sha256"
	"encoding/binary"
)

// The domains of the two hashes, so that neither can ever be taken for the other. A change of what is hashed needs new ones.
const (
	keyDomain = "flowring idempotency key 1"
	idDomain  = "flowring batch id 1"
)

// Identify gives each batch the identity that makes it count once (P2): Key from principal and key, ID from principal, key,
// hour and the content of the whole posting. Two postings get the same IDs exactly when all of these agree, whichever nodes
// they reach; a posting with other content never does, so exactness does not hang on noticing a reused key.
//
// An empty key is no key, and the batches stay without identity: all that clients without a key have in common is that.
func (p *Posting) Identify(principal, key string) {
	if key == "" {
		return
	}
	content := p.contentHash()
	k := hashID(keyDomain, principal, key)
	for _, b := range p.Batches {
		b.Key, b.Posting = k, ID(content[:])
		b.ID = hashID(idDomain, principal, key, string(b.Slice.whole().append(nil)), string(content[:]))
	}
}

// contentHash hashes every batch's hour and columns, in order. Dots and IDs are not content.
func (p *Posting) contentHash() (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, b := range p.Batches {
		content := make([]byte, lengthLen, lengthLen+b.encodedLen()) // a little more than it takes
		content = b.Slice.whole().append(content)
		columns := len(content)
		content = b.appendColumns(content)
		binary.BigEndian.PutUint64(content, uint64(len(content)-lengthLen))
		h.Write(content)
		b.columns = content[columns:]
	}
	h.Sum(sum[:0])
	return sum
}

// lengthLen is how many bytes the length before what is hashed takes.
const lengthLen = 8

// hashID returns the first 16 bytes of SHA-256 over the fields, each behind its length. It is never the zero ID, which means
// none.
func hashID(fields ...string) ID {
	text := make([]byte, 0, 256)
	for _, f := range fields {
		text = binary.BigEndian.AppendUint64(text, uint64(len(f)))
		text = append(text, f...)
	}
	sum := sha256.Sum256(text)
	id := ID(sum[:16])
	if id.IsZero() {
		id[15] = 1
	}
	return id
}

// whole is what is hashed of a slice: which of the hour's takes a batch is no part of what the batch is.
func (s Slice) whole() Slice { return Slice{Hour: s.Hour} }

// append appends the hour (8 bytes) and the index (4 bytes), big endian.
func (s Slice) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Hour))
	return binary.BigEndian.AppendUint32(dst, s.Index)
}
