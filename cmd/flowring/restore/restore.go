package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"flowring/cmd/flowring/check"
	"flowring/cmd/flowring/table"
	"flowring/flow/query"
	"flowring/store/journal/staged"
)

// About is the help text of the command.
const About = `Make the data folder of a node from a backup.

The command checks the backup, and copies it into --data-dir, which must be missing or empty: stop
the node, and move its folder away. Start the node under its old name afterwards. With a write
quorum of 2 or more the other nodes bring it up to date, and nothing is lost. With --write-quorum 1
everything after the backup is lost.

To run copies of all nodes beside the cluster, restore each of them, and start them at other
addresses with another --cluster and --rename-cluster.`

// manifest is the begin of the name of the file that makes a folder a journal.
const manifest = "marker.manifest"

// Restore is a restore of a backup.
type Restore struct {
	From, To      string
	Out, Progress io.Writer
	Every         time.Duration // the time between two lines of progress
}

// Run checks the backup and copies it.
func (r Restore) Run(ctx context.Context) error {
	if err := r.makeRoom(); err != nil {
		return r.advise(err)
	}
	c := check.Check{Folder: r.From, Findings: r.Out, Progress: r.Progress, Every: r.Every}
	if err := c.Run(ctx); err != nil {
		return fmt.Errorf("check the backup: %w", err)
	}
	names, size, err := r.files()
	if err != nil {
		return err
	}
	if err := r.copyAll(ctx, names, size); err != nil {
		return r.advise(err)
	}
	fmt.Fprintf(r.Out, "%s has the backup: %s\n", r.To, human(size))
	return nil
}

// advise says of a full disk how the operator goes on.
func (r Restore) advise(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk of %s is full: make room, and repeat flowring restore: %w", r.To, err)
	}
	return err
}

// makeRoom makes an empty folder with the mark of a restore.
func (r Restore) makeRoom() error {
	if err := staged.MakeFolder(nil, r.To); err != nil {
		return err
	}
	entries, err := os.ReadDir(r.To)
	if err != nil {
		return err
	}
	names := slices.DeleteFunc(namesOf(entries), func(name string) bool { return name == "lost+found" })
	if again := slices.Contains(names, staged.RestoreMark) && !slices.ContainsFunc(names, isJournal); again {
		for _, name := range names {
			if name != staged.RestoreMark {
				err = errors.Join(err, os.Remove(filepath.Join(r.To, name)))
			}
		}
		return err
	}
	if len(names) > 0 && !slices.Equal(names, []string{staged.RestoreMark}) {
		return fmt.Errorf("the folder %s has files, such as %s: stop the node, and move its folder away", r.To, names[0])
	}
	return errors.Join(os.WriteFile(filepath.Join(r.To, staged.RestoreMark), nil, 0o600), syncFolder(r.To))
}

func isJournal(name string) bool { return strings.HasPrefix(name, manifest) }

func namesOf(entries []fs.DirEntry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// files returns the files of the backup in the order of their copies, and their bytes.
func (r Restore) files() (names []string, size uint64, err error) {
	entries, err := os.ReadDir(r.From)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && e.Name() != "LOCK" {
			names = append(names, e.Name())
			size += uint64(info.Size())
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case isJournal(a) == isJournal(b):
			return 0
		case isJournal(a):
			return 1
		}
		return -1
	})
	return names, size, nil
}

func (r Restore) copyAll(ctx context.Context, names []string, size uint64) error {
	told, done := time.Now(), uint64(0)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if isJournal(name) { // all else must be on disk first
			if err := syncFolder(r.To); err != nil {
				return err
			}
		}
		n, err := r.copyFile(name)
		if err != nil {
			return err
		}
		if done += uint64(n); time.Since(told) >= r.Every {
			told = time.Now()
			fmt.Fprintf(r.Progress, "copied %s of %s\n", human(done), human(size))
		}
	}
	return errors.Join(syncFolder(r.To), os.Remove(filepath.Join(r.To, staged.RestoreMark)), syncFolder(r.To))
}

// copyFile copies a file, and returns once it is on disk.
func (r Restore) copyFile(name string) (n int64, err error) {
	from, err := os.Open(filepath.Join(r.From, name))
	if err != nil {
		return 0, err
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(r.To, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(to, from)
	return n, errors.Join(err, to.Sync(), to.Close())
}

// syncFolder puts a folder on disk.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func human(size uint64) string { return table.Human(query.Sum{Low: size}) }
