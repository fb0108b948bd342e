package access

import "flowring/internal/browser"

// The values of Settings.Auth.
const (
	Required   = "required"   // requests without the credentials that they need are refused
	Permissive = "permissive" // they are answered and counted, except admin calls
)

// Settings are the settings of a node that decide who reaches its ports. The fields have the names of node.Config.
type Settings struct {
	Auth, TokensFile, TLSCert, TLSKey, TLSClientCA string
	TrustedOrigin, ReadOrigin, AllowedHost         []string

	HTTPAddr, PeerAddr, GossipAddr string
	PeerTLS                        bool // the peer port asks for the certificate of a node
	GossipKeys                     bool // the gossip refuses messages without a key
	Insecure                       bool // ports beyond loopback need no guard
}

// Check reports every invalid setting to bad.
func (s Settings) Check(bad func(format string, args ...any)) {
	s.checkBrowsers(bad)
	s.checkExposed(bad)
	switch {
	case s.Auth != "" && s.Auth != Required && s.Auth != Permissive:
		bad("auth %q: must be %s or %s", s.Auth, Required, Permissive)
	case s.Auth == Permissive && s.TokensFile == "":
		bad("auth %s: needs tokens-file, without which no request has credentials", Permissive)
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		bad("tls-cert and tls-key: both or neither, because a certificate needs its key")
	}
	if s.TLSClientCA != "" && (s.TLSCert == "" || s.TokensFile == "") {
		bad("tls-client-ca: needs tls-cert, tls-key, and tokens-file, whose lines with the word cert give certificates" +
			" their scopes")
	}
}

// checkBrowsers reports origins and hosts in a form that no browser sends.
func (s Settings) checkBrowsers(bad func(format string, args ...any)) {
	for _, list := range []struct {
		name  string
		texts []string
		read  func(string) (string, error)
	}{
		{"trusted-origin", s.TrustedOrigin, browser.Origin}, {"read-origin", s.ReadOrigin, browser.Origin},
		{"allowed-host", s.AllowedHost, browser.Host},
	} {
		for _, text := range list.texts {
			if as, err := list.read(text); err != nil {
				bad("%s: %w", list.name, err)
			} else if as != text {
				bad("%s: %q must be written as %q", list.name, text, as)
			}
		}
	}
}
