package browser

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Config says which requests a Guard lets pass.
type Config struct {
	TrustedOrigins []string // origins whose pages may send anything, as Origin returns them
	AllowedHosts   []string // names in Host, beside those of loopback, as Host returns them; for a loopback listener alone
	Loopback       bool     // the listener is on loopback
}

// Guard checks requests.
type Guard struct {
	origins  *http.CrossOriginProtection
	loopback bool
	hosts    []string
}

// New returns a Guard. It fails for an origin that is none.
func New(cfg Config) (*Guard, error) {
	g := &Guard{origins: http.NewCrossOriginProtection(), loopback: cfg.Loopback, hosts: cfg.AllowedHosts}
	for _, origin := range cfg.TrustedOrigins {
		if err := g.origins.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("trusted origin: %w", err)
		}
	}
	return g, nil
}

// ErrCrossOrigin says that a page of another origin sent a request that may change something.
var ErrCrossOrigin = errors.New("the request comes from a page of another origin")

// HostError says that a request to a node on loopback names another host.
type HostError struct{ Host string } // as sent

func (e *HostError) Error() string {
	const most = 64 // bytes of what a client sent
	name, cut := e.Host, ""
	if len(name) > most {
		name, cut = name[:most], "..."
	}
	return fmt.Sprintf("the request names the host %q%s, and this node listens on loopback; "+
		"call it localhost or by its IP address, or allow the name with the setting --allowed-host", name, cut)
}

// Check returns nil, a *HostError, or an error that is ErrCrossOrigin.
func (g *Guard) Check(r *http.Request) error {
	if g.loopback && r.Host != "" && !g.allows(hostname(r.Host)) { // HTTP/1.0 needs no Host, and browsers always send one
		return &HostError{r.Host}
	}
	if g.origins.Check(r) != nil {
		return ErrCrossOrigin
	}
	return nil
}

func (g *Guard) allows(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(g.hosts, name) { // RFC 6761, section 6.3
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().WithZone("").IsLoopback()
}

// hostname returns the name in Host without port and brackets, in the one form in which names are compared.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// OnLoopback reports whether a listener of the address is reached through loopback alone.
func OnLoopback(listener net.Addr) bool {
	at, err := netip.ParseAddrPort(listener.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}
