package mtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"flowring/internal/safeguard"
)

// Dialer dials.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// permissiveTimeout is the time for TLS in a call that may go plain afterwards.
const permissiveTimeout = time.Second

// Dial returns a dialer of peer ports. Its connections are by TLS, except to nodes that do not speak it while the mode
// is Permissive. Its errors are dial errors: no byte of a call was sent.
func (g *Guard) Dial(dial Dialer) Dialer {
	if g == nil {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if !g.secure(addr) {
			g.noteDial(addr, false)
			return c, nil
		}
		secured, err := g.secured(ctx, c, addr)
		g.noteDial(addr, err == nil)
		switch {
		case err == nil:
			return secured, nil
		case g.cfg.Mode == Required || ctx.Err() != nil:
			return nil, &net.OpError{Op: "dial", Net: network, Addr: c.RemoteAddr(), Err: fmt.Errorf("peer TLS: %w", err)}
		}
		g.fallbacks.Add(1)
		if times := g.fallbackLog.Allow(time.Now()); times > 0 {
			g.deps.Log.Warn("peer TLS failed, calls go plain", "peer", addr, "error", err, "times", times)
		}
		return dial(ctx, network, addr)
	}
}

// secured makes the handshake on c, and waits until the other end has taken this node's certificate. It closes c after
// an error.
func (g *Guard) secured(ctx context.Context, c net.Conn, addr string) (net.Conn, error) {
	limit := handshakeTimeout
	if g.cfg.Mode == Permissive {
		limit = permissiveTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	t := tls.Client(c, g.client(addr))
	err := t.HandshakeContext(ctx)
	if err == nil {
		err = awaitAcceptance(t)
	}
	if !stop() {
		err = errors.Join(ctx.Err(), err)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return t, nil
}

// awaitAcceptance reads the byte with which the other end takes this node's certificate.
func awaitAcceptance(t *tls.Conn) error {
	if p := t.ConnectionState().NegotiatedProtocol; p != protocol {
		return fmt.Errorf("the other end speaks %q, not %s", p, protocol)
	}
	var b [1]byte
	if _, err := io.ReadFull(t, b[:]); err != nil {
		return fmt.Errorf("the other end did not take this node's certificate: %w", err)
	}
	if b[0] != accepted {
		return fmt.Errorf("byte %#x instead of the acceptance", b[0])
	}
	return nil
}

// client returns the configuration of a connection to an address.
func (g *Guard) client(addr string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{protocol}, DynamicRecordSizingDisabled: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return g.current.Get().own, nil },
		// VerifyConnection checks the chain, and the name by the rule for members instead of that for web sites.
		InsecureSkipVerify: true,
		VerifyConnection:   func(s tls.ConnectionState) error { return g.verifyCalled(s, addr) },
	}
}

// verifyCalled checks the certificate of the node at an address.
func (g *Guard) verifyCalled(s tls.ConnectionState, addr string) error {
	if g.cfg.Disabled.Has(safeguard.CalledCert) {
		return nil
	}
	if err := verify(s.PeerCertificates, g.current.Get().authorities, x509.ExtKeyUsageServerAuth); err != nil {
		return err
	}
	if g.cfg.AnyName || g.cfg.Disabled.Has(safeguard.CalledName) {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	members, _ := g.deps.NodesAt(addr)
	if len(members) == 0 {
		members = []string{g.cfg.Name}
	}
	for _, member := range members {
		if Covers(s.PeerCertificates[0].DNSNames, member, host) {
			return nil
		}
	}
	return &NameError{s.PeerCertificates[0].DNSNames, members, host}
}
