package mtls

import (
	"net"
	"strings"
)

// Covers reports whether a certificate with these DNS names is of a member with an advertised host.
func Covers(dnsNames []string, member, host string) bool {
	member, host = normal(member), normal(host)
	if member == "" {
		return false
	}
	for _, name := range dnsNames {
		name = normal(name)
		parent, wildcard := strings.CutPrefix(name, "*.")
		switch {
		case wildcard && coversHost(parent, host):
			return true
		case wildcard:
		case name == member, strings.HasPrefix(name, member+"."):
			return true
		}
	}
	return false
}

// coversHost reports whether the wildcard name *.parent covers a host. As everywhere, it stands for one label.
func coversHost(parent, host string) bool {
	label, rest, _ := strings.Cut(host, ".")
	return label != "" && rest == parent && net.ParseIP(host) == nil
}

// normal returns the form of a DNS name for comparisons.
func normal(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }
