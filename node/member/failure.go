package member

import (
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"
)

// attempt identifies an address of a join, or a join address of a lookup.
type attempt struct {
	addr   string
	lookup bool
}

// noteOutcome records the error of an attempt, for Failures; nil: it succeeded.
func (m *Members) noteOutcome(a attempt, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		delete(m.failures, a)
		return
	}
	m.failures[a] = reason(err)
}

// Failures returns the addresses whose last join or lookup failed, each with the reason, sorted.
func (m *Members) Failures() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []string
	for a, why := range m.failures {
		all = append(all, a.addr+": "+why)
	}
	slices.Sort(all)
	return all
}

// reasons translate errors of the gossip library and of the system, recognized by a part of their text, for operators.
var reasons = []struct{ text, reason string }{
	{notAdopted, "a member of a cluster that this node was not told to join"},
	{"no such host", "no such host"},
	{"connection refused", "connection refused"},
	{"invalid msgType", "not a gossip port"},
	{"no installed keys", "another gossip key"},
	{"encryption is", "another gossip key"},
	{"EOF", "it hangs up: another cluster name, another gossip key, or not a gossip port"},
	{"connection reset", "it hangs up: another cluster name, another gossip key, or not a gossip port"},
	{"i/o timeout", "no answer"},
	{"deadline exceeded", "no answer"},
}

// joinPath matches the library's prefix of a join error.
var joinPath = regexp.MustCompile(`^(?s:.*failed to join [^ ]*: )`)

// reason returns in a few words why a join or lookup failed.
func reason(err error) string {
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) && dns.IsNotFound {
		return "no such host"
	}
	for _, known := range reasons {
		if strings.Contains(err.Error(), known.text) {
			return known.reason
		}
	}
	return strings.TrimSpace(joinPath.ReplaceAllString(err.Error(), ""))
}
