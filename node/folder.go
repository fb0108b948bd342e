package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flowring/internal/contract"
	"flowring/store/journal"
)

const (
	lockWait  = time.Minute            // longest wait for a data folder in use by another process
	lockEvery = 500 * time.Millisecond // pause between two tries

	folderEvery = 2 * time.Second // pause between two checks of the folder: P13 promises to detect its loss within 5 s
)

// openJournal opens the data folder. While another process has the folder open, it waits for lockWait at most, or until
// ctx ends: when a pod is replaced, the old process may run for most of a minute beside the new one.
func (n *Node) openJournal(ctx context.Context) (*journal.Journal, error) {
	for begun, said := time.Now(), false; ; {
		j, err := journal.Open(n.cfg.DataDir, journal.Options{
			FS: n.deps.FS, Log: n.log, Fatal: n.deps.Fatal, Speaks: n.deps.Speaks, Disabled: n.deps.Disabled,
		})
		if !errors.Is(err, journal.ErrLocked) || time.Since(begun) >= lockWait {
			return j, err
		}
		if !said {
			n.log.Warn("data folder in use", "folder", n.cfg.DataDir, "waits", lockWait, "error", err)
			said = true
		}
		select {
		case <-time.After(lockEvery):
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		}
	}
}

// watchFolder checks the data folder until ctx ends or the folder is missing. A missing folder stays missing until a
// restart.
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

// folderMissing reports whether the data folder is missing: the batches of this store are then in memory alone.
func (n *Node) folderMissing() bool { return n.journal.Missing() != nil }

// folderError is the error of calls that need the data folder while it is missing; nil while it is there.
func (n *Node) folderError() error {
	if !n.folderMissing() {
		return nil
	}
	return &contract.UnavailableError{Reason: fmt.Sprintf("the data folder of node %s is missing", n.cfg.Name)}
}

// refuseWrite returns why this store admits no write; nil: it does. It counts refusals for want of disk space.
func (n *Node) refuseWrite() error {
	if err := n.folderError(); err != nil {
		return err
	}
	if !n.disk.Low() {
		return n.quorum.CheckWrite()
	}
	n.diskRefusals.Add(1)
	return n.diskError()
}

// diskError is the error for want of disk space.
func (n *Node) diskError() error {
	return &contract.UnavailableError{
		Reason: fmt.Sprintf("less than %d%% of the disk of node %s is free", n.cfg.MinFree, n.cfg.Name),
	}
}
