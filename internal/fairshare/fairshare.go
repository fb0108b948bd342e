// Package fairshare answers one question: may this address have one more of a limited number of things? It counts
// connections and requests.
//
// No address has more than maxShare times the free number, so that one address never takes all of them, and an address
// alone may have most. The rule is that of router/admission. A Counter holds an entry for each address with something,
// at most Max entries. A Listener counts connections. The methods of both may be called concurrently.
package fairshare

import (
	"net/netip"
	"sync"
)

// maxShare is the greatest ratio of the number of one address to the free number.
const maxShare = 4

// Counter counts things by address.
type Counter struct {
	Max int // of all addresses together

	mu      sync.Mutex
	total   int // == sum of by
	refused uint64
	by      map[netip.Addr]int // > 0
}

// Enter counts one more thing of an address, and reports whether the address may have it. Leave must follow if so.
func (c *Counter) Enter(addr netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by[addr] >= maxShare*(c.Max-c.total) {
		c.refused++
		return false
	}
	if c.by == nil {
		c.by = map[netip.Addr]int{}
	}
	c.by[addr]++
	c.total++
	return true
}

// Leave ends one thing of an address.
func (c *Counter) Leave(addr netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.by[addr]--; c.by[addr] == 0 {
		delete(c.by, addr)
	}
}

// Stats returns the present number of things, and the number of refusals.
func (c *Counter) Stats() (now int, refused uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total, c.refused
}
