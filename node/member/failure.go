package member

import (
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"
)

// attempt is an address that was joined, or a join address that was looked up.
type attempt struct {
	addr   string
	lookup bool
}

// ended notes why an attempt failed, for Failures; nil: it did not.
func (m *Members) ended(a attempt, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		delete(m.failures, a)
		return
	}
	m.failures[a] = reason(err)
}

// Failures returns the addresses that could last not be joined or resolved, each with the reason, sorted.
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

// reasons are the texts by which errors of the gossip library and of the system are told, and what operators are told instead.
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

// joinPath is what the library puts before an error of a join.
var joinPath = regexp.MustCompile(`^(?s:.*failed to join [^ ]*: )`)

// reason says in a few words why an address could not be joined.
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
