package node

import (
	"fmt"

	"flowring/node/replica"
)

// checkDisk looks how much of the data folder's file system is free. A full disk ends the process (P13), so writes stop before: what
// other nodes have admitted is still taken, and repair goes on.
func (n *Node) checkDisk() {
	if n.cfg.MinFree == 0 {
		return
	}
	free, total, err := n.journal.FreeBytes()
	if err != nil || total == 0 { // a file system that does not say
		return
	}
	low := free < total/100*uint64(n.cfg.MinFree)
	if n.lowDisk.Swap(low) != low {
		n.log.Warn("disk space", "low", low, "free", free, "total", total, "min_free_percent", n.cfg.MinFree)
	}
}

// full returns why this node admits no write for want of disk space, or nil.
func (n *Node) full() error {
	if !n.lowDisk.Load() {
		return nil
	}
	n.fullCount.Add(1)
	return n.tooFull()
}

func (n *Node) tooFull() error {
	return &replica.UnavailableError{Reason: fmt.Sprintf("less than %d%% of the disk of node %s is free", n.cfg.MinFree, n.cfg.Name)}
}
