package backup

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"flowring/internal/contract"
	"flowring/router/admin"
)

// wait is the longest time until a call is answered.
const wait = 2 * time.Second

// Journal makes backups. Package store/journal documents its methods.
type Journal interface {
	Backup(to string) error
	BackupProgress(to string) (done, all uint64)
	RemoveUnfinished(dir string) error
}

// Deps are the collaborators of Backups.
type Deps struct {
	Dir     string // folder of the backups; empty: the node makes none
	Journal Journal
	Log     *slog.Logger
}

// Backups makes the backups of a node.
type Backups struct {
	Deps
	work sync.WaitGroup

	mu  sync.Mutex
	job *job // the last one; nil: none
}

// job is a backup under way, or one that has ended.
type job struct {
	name, folder string
	ended        chan struct{}
	err          error // set before ended is closed
}

// New returns the backups of a node, and removes the rest of a backup that a crash ended.
func New(deps Deps) (*Backups, error) {
	if deps.Dir == "" {
		return &Backups{Deps: deps}, nil
	}
	return &Backups{Deps: deps}, deps.Journal.RemoveUnfinished(deps.Dir)
}

// Stop waits for the backup under way.
func (b *Backups) Stop() { b.work.Wait() }

// Make begins a backup, or joins the one under way, and waits a moment for its end. If another one is under way, the
// answer is about that one. Its errors are contract.NotFound without a folder for backups, and contract.Query for a
// name that is no plain word.
func (b *Backups) Make(ctx context.Context, name string) (admin.Backup, error) {
	if b.Dir == "" {
		return admin.Backup{}, contract.NotFound.Errorf("this node makes no backups: it has no --backup-dir")
	}
	if !plain(name) {
		return admin.Backup{}, contract.Query.Errorf(
			"the parameter name is not a name of 1 to 100 letters, digits, points, dashes or underscores that " +
				"begins with a letter or digit and does not end with .unfinished")
	}
	j := b.begin(name)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-j.ended:
		return b.outcome(j), nil
	case <-timer.C:
	case <-ctx.Done():
	}
	state := admin.Backup{Name: j.name, Folder: j.folder}
	state.Bytes, state.Of = b.Journal.BackupProgress(j.folder)
	return state, nil
}

// plain reports whether a name cannot lead to another folder, nor to one that is not finished.
func plain(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`).MatchString(name) &&
		!strings.HasSuffix(name, ".unfinished")
}

// begin returns the backup under way, or begins one.
func (b *Backups) begin(name string) *job {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.job != nil {
		select {
		case <-b.job.ended:
		default:
			return b.job
		}
	}
	j := &job{name: name, folder: filepath.Join(b.Dir, name), ended: make(chan struct{})}
	b.job = j
	b.work.Go(func() { b.run(j) })
	return j
}

func (b *Backups) run(j *job) {
	defer close(j.ended)
	began := time.Now()
	b.Log.Info("backup begins", "folder", j.folder)
	j.err = b.Journal.Backup(j.folder)
	switch {
	case errors.Is(j.err, fs.ErrExist):
		j.err = nil // of an earlier call
	case j.err != nil:
		b.Log.Error("backup has failed", "folder", j.folder, "error", j.err)
	default:
		b.Log.Info("backup is done", "folder", j.folder, "took", time.Since(began).Round(time.Millisecond))
	}
}

// outcome returns the state of a backup that has ended.
func (b *Backups) outcome(j *job) admin.Backup {
	state := admin.Backup{Name: j.name, Folder: j.folder, Done: true}
	if j.err != nil {
		state.Error = j.err.Error()
		return state
	}
	state.Bytes, _ = b.Journal.BackupProgress(j.folder)
	state.Of = state.Bytes
	return state
}
