package access

import (
	"net"

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
// for unless clientCA is empty.
func PublicTLS(files *reload.Set, certFile, keyFile, clientCA string) (func(net.Listener) net.Listener, error) {
	if certFile == "" {
		return nil, nil
	}
	pair, err := reload.Add(files, reload.KeyPair("certificate of the public port", certFile, keyFile))
	if err != nil {
		return nil, err
	}
	if clientCA == "" {
		return port.TLS(pair, nil), nil
	}
	clients, err := reload.Add(files, reload.Authorities("authorities of clients", clientCA))
	if err != nil {
		return nil, err
	}
	return port.TLS(pair, clients), nil
}
