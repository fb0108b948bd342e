package flow

import (
	"crypto/sha256"
	"encoding/binary"
)

// The domains keep the two hashes apart. A change of the hashed fields needs new domains.
const (
	keyDomain = "flowring idempotency key 1"
	idDomain  = "flowring batch id 1"

	mappedKeyDomain = "flowring mapped key 1"
	mappedIDDomain  = "flowring mapped batch id 1"
)

// Identify gives each batch its identity, because of which the batch counts once (P2). Key is a hash over principal and
// key. ID is a hash over principal, key, hour and the content of the whole posting. Two postings get the same IDs
// exactly if all of these agree, whichever nodes they reach. A posting with other content always gets other IDs, so
// exact counting does not depend on detecting a reused key.
//
// With an empty key the batches stay without identity, because clients without a key are not related to each other.
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

// IdentifyByKey is Identify for a posting that a preset made of a body of another program. content is a hash over all
// records of the body, also records that are not in the posting. So the identity does not change when a part of the
// posting is left out because its hour is closed.
//
// The mapping may change between two attempts of one request, because names and settings do. So for each hour the key
// decides: a batch counts as stored if its owner holds one with the same key. The batches of the two attempts have
// different IDs, because stores that hold other content under one ID would never agree (P6).
func (p *Posting) IdentifyByKey(principal, key string, content [sha256.Size]byte) {
	p.ByKey = true
	k := hashID(mappedKeyDomain, principal, key)
	for _, b := range p.Batches {
		b.Key = k
		b.ID = hashID(mappedIDDomain, principal, key, string(b.Slice.whole().append(nil)), string(content[:]))
	}
}

// contentHash hashes the hour and the columns of every batch, in order. Dots and IDs are not content.
func (p *Posting) contentHash() (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, b := range p.Batches {
		content := make([]byte, lengthLen, lengthLen+b.encodedLen()) // slightly more than needed
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

// lengthLen is the number of bytes of the length before each hashed field.
const lengthLen = 8

// hashID returns the first 16 bytes of SHA-256 over the fields, each preceded by its length. It never returns the zero
// ID.
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

// whole returns the slice without its index, for hashing: the index is not part of the identity of a batch.
func (s Slice) whole() Slice { return Slice{Hour: s.Hour} }

// append appends the hour (8 bytes) and the index (4 bytes), big endian.
func (s Slice) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Hour))
	return binary.BigEndian.AppendUint32(dst, s.Index)
}
