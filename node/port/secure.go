package port

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync/atomic"

	"flowring/internal/reload"
)

// TLS returns a Config.Secure of a port for clients: TLS 1.3 with the current certificate, and HTTP/2 or HTTP/1.1. With
// clients, not nil, a client may show a certificate, and a certificate that the current authorities do not sign ends
// the handshake. A client without one goes on, because it may have a token.
func TLS(pair *reload.Value[*tls.Certificate], clients *reload.Value[*x509.CertPool]) func(net.Listener) net.Listener {
	base := &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.Get(), nil },
	}
	if clients != nil {
		base.ClientAuth = tls.VerifyClientCertIfGiven
		base.ClientCAs = clients.Get()
		var current atomic.Pointer[tls.Config]
		current.Store(base)
		base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			cfg := current.Load()
			if pool := clients.Get(); cfg.ClientCAs != pool {
				cfg = base.Clone()
				cfg.ClientCAs = pool
				current.Store(cfg)
			}
			return cfg, nil
		}
	}
	return func(l net.Listener) net.Listener { return tls.NewListener(l, base) }
}
