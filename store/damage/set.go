package damage

import (
	"errors"
	"fmt"
	"log/slog"

	"flowring/flow"
	"flowring/store/digest"
)

// ErrUnreadable is the error of an unreadable value in the journal: its file was changed, or the disk is faulty.
var ErrUnreadable = errors.New("journal is corrupt")

// Error is the error of a slice with unreadable batches. It wraps ErrUnreadable.
type Error struct{ Dots digest.Digest }

// Error names the batches.
func (e *Error) Error() string {
	return fmt.Sprintf("%d batches cannot be read: %s", e.Dots.Count(), e.Dots)
}

// Unwrap returns ErrUnreadable.
func (e *Error) Unwrap() error { return ErrUnreadable }

// Set has the batches of slices known to be unreadable. No digest in it is empty.
type Set map[flow.Slice]digest.Digest

// Add records batches of a slice as unreadable, and logs new ones.
func (u Set) Add(log *slog.Logger, slice flow.Slice, dots digest.Digest) {
	if !u[slice].Lacks(dots) {
		return
	}
	u[slice] = u[slice].Union(dots)
	log.Error("batches cannot be read", "slice", slice, "batches", u[slice].Count())
}

// Remove records that batches of a slice were written again, and logs the last ones.
func (u Set) Remove(log *slog.Logger, slice flow.Slice, dots digest.Digest) {
	left, found := u[slice]
	if !found {
		return
	}
	if left = left.Minus(dots); !left.Empty() {
		u[slice] = left
		return
	}
	delete(u, slice)
	log.Info("batches can be read again", "slice", slice)
}
