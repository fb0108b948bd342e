package journal

import (
	"sync/atomic"
	"time"

	"flowring/store/journal/entry"
)

// backgroundError handles a failure of Pebble's background work. Pebble calls it with its locks held, and repeats the
// work at once and without end.
func (j *Journal) backgroundError(err error) {
	if times := j.backgroundLog.Allow(time.Now()); times > 0 {
		j.log.Error("background work of the journal failed", "error", entry.Translate(err), "times", times)
	}
	j.opening.noteFailure(err)
	if j.CheckFolder() != nil {
		time.Sleep(retryEvery) // slows the failures down, which last until the process ends
	}
}

// openAttempt is an attempt to open a journal. Pebble's open waits for background work, even if the work always fails.
type openAttempt struct {
	failures atomic.Int32
	failed   chan error    // receives the last failure, after maxFailures
	givenUp  chan struct{} // closed when the attempt is given up
}

const (
	maxFailures = 3                      // of background work, until the attempt is given up
	retryEvery  = 100 * time.Millisecond // interval of the background work afterwards
)

func newOpenAttempt() *openAttempt {
	return &openAttempt{failed: make(chan error, 1), givenUp: make(chan struct{})}
}

// noteFailure counts a failure of background work. It slows an attempt that was given up, because the process still
// has to end.
func (o *openAttempt) noteFailure(err error) {
	select {
	case <-o.givenUp:
		time.Sleep(retryEvery)
	default:
		if o.failures.Add(1) == maxFailures {
			o.failed <- err
		}
	}
}
