package access

import (
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"flowring/internal/reload"
	"flowring/node/port"
	"flowring/router/principal"
)

// Gate returns the gate of the public port for the principals in a tokens file; empty: it asks for nothing. cfg has the
// rest of its configuration.
func Gate(files *reload.Set, tokensFile string, cfg principal.Config) (*principal.Gate, error) {
	if tokensFile != "" {
		tokens, err := reload.Add(files, principal.Source(tokensFile))
		if err != nil {
			return nil, err
		}
		cfg.Tokens = tokens.Get
	}
	return principal.NewGate(cfg), nil
}

// PublicTLS returns the Secure of the public port; nil: no TLS, for an empty certFile. Client certificates are asked
// for unless clientCA is empty. A metric has the end of the present certificate.
func PublicTLS(
	files *reload.Set, to prometheus.Registerer, certFile, keyFile, clientCA string,
) (func(net.Listener) net.Listener, error) {
	if certFile == "" {
		exportEnd(to, func() float64 { return 0 })
		return nil, nil
	}
	pair, err := reload.Add(files, reload.KeyPair("certificate of the public port", certFile, keyFile))
	if err != nil {
		return nil, err
	}
	exportEnd(to, func() float64 { return float64(pair.Get().Leaf.NotAfter.Unix()) })
	if clientCA == "" {
		return port.TLS(pair, nil), nil
	}
	clients, err := reload.Add(files, reload.Authorities("authorities of clients", clientCA))
	if err != nil {
		return nil, err
	}
	return port.TLS(pair, clients), nil
}

func exportEnd(to prometheus.Registerer, end func() float64) {
	promauto.With(to).NewGaugeFunc(prometheus.GaugeOpts{Name: "flowring_tls_expires_seconds",
		Help: "End of the certificate of the public port, in seconds since 1970; 0: no TLS."}, end)
}
