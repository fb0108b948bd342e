// Package announce answers one question: which lines does a node print on its terminal when it starts? It prints the
// addresses, and a command to try once the node is ready. In the format JSON both are log records.
//
// The package has no state. WhenReady blocks until the node is ready or its context ends.
package announce

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"flowring/cmd/flowring/settings"
	"flowring/internal/buildinfo"
	"flowring/router"
)

// Addresses prints the addresses of the node: a line in the text format, a log record in JSON.
func Addresses(stderr io.Writer, log *slog.Logger, s settings.Settings, at router.Addresses) {
	if s.LogFormat == "json" {
		log.Info("serving", "name", s.Name, "http", at.HTTP, "peer", at.Peer, "gossip", at.Gossip)
		return
	}
	fmt.Fprintf(stderr, "flowring %s: node %s serves http %s, peer %s, gossip %s\n",
		buildinfo.Read().Version, s.Name, at.HTTP, at.Peer, at.Gossip)
}

// Ready reports that the node is ready, with a command to try.
func Ready(stderr io.Writer, log *slog.Logger, s settings.Settings, at router.Addresses) {
	scheme := "http"
	if s.TLSCert != "" {
		scheme = "https"
	}
	try := fmt.Sprintf("curl '%s://%s/flows?hour=20'", scheme, Reachable(at.HTTP))
	if s.LogFormat == "json" {
		log.Info("ready", "try", try)
		return
	}
	fmt.Fprintln(stderr, "Try:", try)
}

// WhenReady waits until the node is ready and then calls ready, because the node refuses earlier requests.
func WhenReady(ctx context.Context, n interface{ Ready() error }, ready func()) {
	const every = 50 * time.Millisecond
	for n.Ready() != nil {
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
	}
	ready()
}

// Reachable returns an address for clients: loopback, if the node listens on all interfaces.
func Reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}
