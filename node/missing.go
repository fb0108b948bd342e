package node

import (
	"context"
	"time"

	"flowring/node/peer"
	"flowring/node/replica"
)

// folderEvery is how often the node looks for its data folder. A folder that is lost goes unnoticed for this time, and P13 promises 5 s.
const folderEvery = 2 * time.Second

// watchFolder looks for the data folder until ctx ends, or until the folder is missing: then it stays so until a restart.
func (n *Node) watchFolder(ctx context.Context) {
	tick := time.NewTicker(folderEvery)
	defer tick.Stop()
	for {
		if err := n.journal.CheckFolder(); err != nil {
			n.log.Error("data folder is missing", "folder", n.cfg.DataDir, "error", err)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// refuse returns why this node admits no write, or nil.
func (n *Node) refuse() error {
	if err := n.noFolder(); err != nil {
		return err
	}
	return n.full()
}

// lost reports whether the data folder is missing: what this store holds is in memory alone.
func (n *Node) lost() bool { return n.journal.Missing() != nil }

// noFolder returns why this node keeps nothing once its data folder is missing, and nil before.
func (n *Node) noFolder() error {
	if !n.lost() {
		return nil
	}
	return &replica.UnavailableError{Reason: "the data folder of node " + n.cfg.Name + " is missing"}
}

// noFolderHere is noFolder for another node, which turns to the next store.
func (n inward) noFolderHere() error {
	if err := n.noFolder(); err != nil {
		return &peer.Error{Code: peer.Unavailable, Detail: err.Error()}
	}
	return nil
}
