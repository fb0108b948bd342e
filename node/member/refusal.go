package member

import (
	"maps"
	"slices"
	"time"
)

// refusal is why the node at an address and this one cannot be in one cluster.
type refusal struct {
	why error
	at  time.Time // when that was last found; zero: since then the node there was joined, or is gone
}

// refusalLasts is how long a refusal stands: two nodes that know each other try again every DefaultRejoinEvery.
const refusalLasts = 5 * DefaultRejoinEvery / 2

// refuse remembers why a node at an address cannot be in one cluster with this one.
func (m *Members) refuse(addr string, why error) {
	now := time.Now()
	m.contact.Store(now.UnixNano())
	m.mu.Lock()
	if len(m.refusals) > maxKnown {
		clear(m.refusals)
	}
	old, known := m.refusals[addr]
	m.refusals[addr] = refusal{why, now}
	m.mu.Unlock()
	if !known || old.why.Error() != why.Error() {
		m.log.Error("node refused", "error", why)
	}
}

// pardon ends the refusal of an address if that is older than begun: since then the node there was joined, or is gone. The refusal is
// kept, so that it is not news when it comes again.
func (m *Members) pardon(addr string, begun time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, known := m.refusals[addr]; known && old.at.Before(begun) {
		m.refusals[addr] = refusal{why: old.why}
	}
}

// Refusal returns why a node refuses this one, is refused by it or hangs up, or nil where none does now. Of several it is the one with
// the lowest address.
func (m *Members) Refusal() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, addr := range slices.Sorted(maps.Keys(m.refusals)) {
		if r := m.refusals[addr]; time.Since(r.at) <= refusalLasts {
			return r.why
		}
	}
	return nil
}

// Contact returns when another node was last joined, refused this one or hung up: the zero time if none ever did. A node that is in the
// view counts by that.
func (m *Members) Contact() time.Time {
	at := m.contact.Load()
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(0, at)
}

// Tried reports whether every address, of those joined and those remembered, was tried once since the start.
func (m *Members) Tried() bool { return m.tried.Load() }
