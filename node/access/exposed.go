package access

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"
)

// exposed describes each port that other machines reach and that asks for no credentials, with the settings that mend
// it.
func (s Settings) exposed() (ports, settings []string) {
	for _, port := range []struct {
		name, addr string
		guarded    bool
		mend       string
	}{
		{"the public port", s.HTTPAddr, s.TokensFile != "" && s.Auth != Permissive, "--tokens-file with --auth required"},
		{"the peer port", s.PeerAddr, s.PeerTLS, "--peer-tls-cert, --peer-tls-key and --peer-tls-ca"},
		{"the gossip port", s.GossipAddr, s.GossipKeys, "--gossip-keys-file"},
	} {
		if !port.guarded && !onLoopback(port.addr) {
			ports = append(ports, port.name+" at "+port.addr)
			settings = append(settings, port.mend)
		}
	}
	return ports, settings
}

// onLoopback reports whether an address to listen on can be reached from this machine alone. A name other than
// localhost counts as reachable, because it may come to mean anything.
func onLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true // reported as an invalid address
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().WithZone("").IsLoopback() || host == "localhost"
}

// checkExposed reports the ports that need a guard, in one message.
func (s Settings) checkExposed(bad func(format string, args ...any)) {
	ports, settings := s.exposed()
	if len(ports) == 0 || s.Insecure {
		return
	}
	bad("other machines reach %s, without credentials: set %s; or set --insecure if a firewall or a NetworkPolicy keeps"+
		" strangers away", strings.Join(ports, " and "), strings.Join(settings, ", and "))
}

// warnEvery is the time between two warnings about ports without a guard.
const warnEvery = time.Hour

// Warn logs at once, and then each hour until ctx ends, which ports --insecure leaves without a guard. It returns if
// there is none.
func (s Settings) Warn(ctx context.Context, log *slog.Logger) {
	ports, settings := s.exposed()
	if len(ports) == 0 {
		return
	}
	ticker := time.NewTicker(warnEvery)
	defer ticker.Stop()
	for {
		log.Warn("insecure: other machines reach ports that ask for no credentials", "ports", strings.Join(ports, ", "),
			"set", strings.Join(settings, ", and "))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
