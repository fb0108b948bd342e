package node

import (
	"context"
	"errors"
	"time"

	"flowring/store/journal"
)

const (
	lockWait  = time.Minute            // how long a process waits for a data folder that another process has open
	lockEvery = 500 * time.Millisecond // pause between two tries
)

// openJournal opens the data folder. It waits for lockWait while another process has the folder open, or until ctx ends: when a pod
// is replaced, the old process may run on beside the new one for most of a minute.
func (n *Node) openJournal(ctx context.Context) (*journal.Journal, error) {
	for begun, said := time.Now(), false; ; {
		j, err := journal.Open(n.cfg.DataDir, journal.Options{FS: n.deps.FS, Log: n.log, Fatal: n.deps.Fatal})
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
