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

// Config holds the exceptions of a Guard.
type Config struct {
	TrustedOrigins []string // origins whose pages may send any request, as returned by Origin
	AllowedHosts   []string // additional names in Host, as returned by Host; for a loopback listener only
	Loopback       bool     // the listener is on loopback
}

// Guard checks requests.
type Guard struct {
	origins  *http.CrossOriginProtection
	loopback bool
	hosts    []string
}

// New returns a Guard. It fails for an invalid origin.
func New(cfg Config) (*Guard, error) {
	g := &Guard{origins: http.NewCrossOriginProtection(), loopback: cfg.Loopback, hosts: cfg.AllowedHosts}
	for _, origin := range cfg.TrustedOrigins {
		if err := g.origins.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("trusted origin: %w", err)
		}
	}
	return g, nil
}

// ErrCrossOrigin refuses a request of a page of another origin, with a method other than GET, HEAD and OPTIONS.
var ErrCrossOrigin = errors.New("the request comes from a page of another origin")

// HostError refuses a request to a node on loopback with the name of another host.
type HostError struct{ Host string } // as sent

func (e *HostError) Error() string {
	const most = 64 // bytes of the name in the message
	name, cut := e.Host, ""
	if len(name) > most {
		name, cut = name[:most], "..."
	}
	return fmt.Sprintf("the request names the host %q%s, and this node listens on loopback; "+
		"call it localhost or by its IP address, or allow the name with the setting --allowed-host", name, cut)
}

// Check returns nil, a *HostError or ErrCrossOrigin.
func (g *Guard) Check(r *http.Request) error {
	if g.loopback && r.Host != "" && !g.allows(hostname(r.Host)) { // HTTP/1.0 needs no Host; browsers always send it
		return &HostError{r.Host}
	}
	if g.origins.Check(r) != nil {
		return ErrCrossOrigin
	}
	return nil
}

func (g *Guard) allows(name string) bool { return isLocal(name) || slices.Contains(g.hosts, name) }

// isLocal reports whether a name, as returned by hostname, is a name of loopback.
func isLocal(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().WithZone("").IsLoopback()
}

// IsLocalHost reports whether a Host header, or host:port, names loopback.
func IsLocalHost(host string) bool { return isLocal(hostname(host)) }

// hostname returns the name in Host without port and brackets, in the form for comparisons.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// OnLoopback reports whether the address of a listener is reachable only through loopback.
func OnLoopback(listener net.Addr) bool {
	at, err := netip.ParseAddrPort(listener.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}
