package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// The settings that name the ports, for errors.
const (
	settingHTTP   = "--http-addr"
	settingPeer   = "--peer-addr"
	settingGossip = "--gossip-addr"
)

// tryPorts opens and closes each port before a data folder is made: a start that fails because a port is in use leaves no folder behind. A
// folder that is there already comes first, because a start that finds it in use waits for it.
func (n *Node) tryPorts(ctx context.Context) error {
	if _, err := os.Stat(n.cfg.DataDir); !errors.Is(err, fs.ErrNotExist) || n.deps.FS != nil {
		return nil
	}
	for _, port := range []struct{ setting, addr string }{
		{settingHTTP, n.cfg.HTTPAddr}, {settingPeer, n.cfg.PeerAddr}, {settingGossip, n.cfg.GossipAddr},
	} {
		l, err := n.deps.Network.Listen(ctx, "tcp", port.addr)
		if err == nil {
			err = l.Close()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", port.setting, err)
		}
	}
	packets, err := n.deps.Network.ListenPacket(ctx, "udp", n.cfg.GossipAddr)
	if err == nil {
		err = packets.Close()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", settingGossip, err)
	}
	return nil
}
