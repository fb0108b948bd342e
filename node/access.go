package node

import (
	"flowring/internal/reload"
	"flowring/router/principal"
)

// openGate returns the gate of the public port. It reads the tokens file, and reads it again when it changes.
func (n *Node) openGate() (*principal.Gate, error) {
	cfg := principal.Config{Required: n.cfg.Auth != AuthPermissive, Log: n.log, Registry: n.deps.Registry}
	if n.cfg.TokensFile != "" {
		tokens, err := reload.Add(n.files, principal.Source(n.cfg.TokensFile))
		if err != nil {
			return nil, err
		}
		cfg.Tokens = tokens.Get
	}
	return principal.NewGate(cfg), nil
}
