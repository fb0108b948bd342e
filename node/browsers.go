package node

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"flowring/internal/browser"
)

// guard returns the guard of a port that is open at l. Names that an operator gave the node are names of it: those that its addresses
// are set to, for a machine's own name is often one of loopback, and AllowedHost.
func (n *Node) guard(l net.Listener, setting string, trusted []string) (*browser.Guard, error) {
	hosts := slices.Clone(n.cfg.AllowedHost)
	listens, _, _ := net.SplitHostPort(setting) // checked with the settings
	for _, name := range []string{listens, n.cfg.AdvertiseHost} {
		if host, err := browser.Host(name); err == nil {
			hosts = append(hosts, host)
		}
	}
	return browser.New(browser.Config{TrustedOrigins: trusted, AllowedHosts: hosts, Loopback: browser.OnLoopback(l.Addr())})
}

// guardPeers keeps pages of web sites from the peer port, where they could drain the node: no origin is trusted there.
func (n *Node) guardPeers(g *browser.Guard, peers http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := g.Check(r)
		if err == nil {
			peers.ServeHTTP(w, r)
			return
		}
		n.peerPages.Add(1)
		if times := n.peerLine.Allow(time.Now()); times > 0 {
			n.log.Warn("peer call of a web page refused", "from", r.RemoteAddr, "host", r.Host, "origin", r.Header.Get("Origin"),
				"refused", times, "err", err)
		}
		status := http.StatusForbidden
		if errors.As(err, new(*browser.HostError)) {
			status = http.StatusMisdirectedRequest
		}
		http.Error(w, err.Error(), status)
	})
}
