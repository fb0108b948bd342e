package mtls

import "testing"

func TestACertificateIsOfAMember(t *testing.T) {
	for _, tt := range []struct {
		name   string
		dns    []string
		member string
		host   string
		want   bool
	}{
		{"its name", []string{"n1"}, "n1", "10.0.0.1", true},
		{"its name in capitals", []string{"N1"}, "n1", "10.0.0.1", true},
		{"its name with a dot at the end", []string{"n1."}, "n1", "", true},
		{"its name and a domain", []string{"n1.flows.example"}, "n1", "10.0.0.1", true},
		{"one of several names", []string{"other", "n1.flows.svc"}, "n1", "10.0.0.1", true},
		{"a wildcard that covers its host", []string{"*.flows.svc"}, "n1", "n1.flows.svc", true},
		{"a wildcard that covers another host than its name", []string{"*.flows.svc"}, "n1", "machine7.flows.svc", true},
		{"the name of another member", []string{"n2"}, "n1", "10.0.0.1", false},
		{"a longer name without a dot", []string{"n10"}, "n1", "10.0.0.1", false},
		{"a longer name with a hyphen", []string{"n1-a.flows.example"}, "n1", "10.0.0.1", false},
		{"its name behind a domain", []string{"flows.n1"}, "n1", "10.0.0.1", false},
		{"its advertised host alone", []string{"machine7.flows.svc"}, "n1", "machine7.flows.svc", false},
		{"a wildcard of another domain", []string{"*.flows.svc"}, "n1", "n1.other.svc", false},
		{"a wildcard for two labels", []string{"*.svc"}, "n1", "n1.flows.svc", false},
		{"a wildcard and no host", []string{"*.flows.svc"}, "n1", "", false},
		{"a wildcard and a host without a first label", []string{"*.flows.svc"}, "n1", ".flows.svc", false},
		{"a wildcard that looks like the rest of an address", []string{"*.0.0.1"}, "n1", "10.0.0.1", false},
		{"a wildcard below its name", []string{"*.n1"}, "n1", "10.0.0.1", false},
		{"a wildcard that is no first label", []string{"n1*.flows.svc"}, "n1", "n1a.flows.svc", false},
		{"a wildcard alone", []string{"*"}, "n1", "n1", false},
		{"no names", nil, "n1", "n1", false},
		{"an empty name", []string{""}, "n1", "n1", false},
		{"a member without a name", []string{"", ".", ".a"}, "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Covers(tt.dns, tt.member, tt.host); got != tt.want {
				t.Errorf("Covers(%q, %q, %q) = %t, want %t", tt.dns, tt.member, tt.host, got, tt.want)
			}
		})
	}
}
