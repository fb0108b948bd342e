package heard

import (
	"sync"
	"time"
)

// Book has the silences of peers, by address. The zero value is an empty book.
type Book struct {
	mu          sync.Mutex
	silentSince map[string]time.Time // no entry: the last call was heard
}

// Heard reports whether the last call to addr was heard. An address without a call counts as heard.
func (b *Book) Heard(addr string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.silentSince[addr].IsZero()
}

// goneAfter is the silence after which an address counts as gone. A heartbeat has failed meanwhile too.
const goneAfter = time.Second

// Gone reports whether no call to addr was heard for goneAfter, so that the next call would probably fail too.
func (b *Book) Gone(addr string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	since := b.silentSince[addr]
	return !since.IsZero() && time.Since(since) >= goneAfter
}

// MarkSilent makes addr count as not heard until its next answer. The caller knows about the end of the node.
func (b *Book) MarkSilent(addr string) { b.SetHeard(addr, false) }

// SetHeard notes whether a call to addr was heard.
func (b *Book) SetHeard(addr string, heard bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case heard:
		delete(b.silentSince, addr)
	case b.silentSince[addr].IsZero():
		if b.silentSince == nil {
			b.silentSince = map[string]time.Time{}
		}
		b.silentSince[addr] = time.Now()
	}
}
