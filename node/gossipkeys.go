package node

import (
	"flowring/internal/reload"
	"flowring/node/keyring"
)

// loadGossipKeys reads the keys of the gossip, and follows their file from now on.
func (n *Node) loadGossipKeys() (keyring.Keys, error) {
	if n.cfg.GossipKeysFile == "" {
		return nil, nil
	}
	keys, err := reload.Add(n.files, keyring.Source(n.cfg.GossipKeysFile, func(keys keyring.Keys) {
		if err := n.members.SetKeys(keys); err != nil {
			n.log.Error("gossip keys not replaced", "error", err)
		}
	}))
	if err != nil {
		return nil, err
	}
	n.gossipKeys = keys
	return keys.Get(), nil
}

// gossipKeysNow returns the keys of the gossip; none: the gossip is plain.
func (n *Node) gossipKeysNow() keyring.Keys {
	if n.gossipKeys == nil {
		return nil
	}
	return n.gossipKeys.Get()
}
