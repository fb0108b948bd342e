package member

import (
	"maps"
	"slices"
	"time"
)

// refusal is the reason why the node at an address and this one cannot be in one cluster.
type refusal struct {
	why error
	at  time.Time // last occurrence; zero: the node there was joined since then, or is gone
}

// refusalTTL is how long a refusal stands. Two nodes that know each other try again every DefaultRejoinEvery.
const refusalTTL = 5 * DefaultRejoinEvery / 2

// addRefusal records why the node at an address and this one cannot be in one cluster.
func (m *Members) addRefusal(addr string, why error) {
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

// clearRefusal ends the refusal of an address if it is older than begun: the node there was joined since then, or is
// gone. The entry is kept, so that a repetition is not logged again.
func (m *Members) clearRefusal(addr string, begun time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, known := m.refusals[addr]; known && old.at.Before(begun) {
		m.refusals[addr] = refusal{why: old.why}
	}
}

// Refusal returns why a node refuses this one, is refused by it or hangs up; nil: no node does now. Of several refusals
// it returns the one with the lowest address.
func (m *Members) Refusal() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, addr := range slices.Sorted(maps.Keys(m.refusals)) {
		if r := m.refusals[addr]; time.Since(r.at) <= refusalTTL {
			return r.why
		}
	}
	return nil
}

// Contact returns when another node was last joined, refused this one or hung up; the zero time if none did. It does
// not look at the view.
func (m *Members) Contact() time.Time {
	at := m.contact.Load()
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(0, at)
}

// TriedAll reports whether every join address and every known address was tried since the start.
func (m *Members) TriedAll() bool { return m.tried.Load() }
