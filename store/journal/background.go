package journal

import (
	"sync/atomic"
	"time"
)

// backgroundError is called, with Pebble's locks held, when work in the background has failed. Pebble repeats that work at once, and
// for ever.
func (j *Journal) backgroundError(err error) {
	if times := j.untidy.Allow(time.Now()); times > 0 {
		j.log.Error("journal could not be tidied", "error", err, "times", times)
	}
	j.opening.failedOnce(err)
	if j.CheckFolder() != nil {
		time.Sleep(retryEvery) // it fails until the process ends
	}
}

// opening is the attempt to open a journal, which waits for work in the background.
type opening struct {
	failures atomic.Int32
	failed   chan error    // has the failure after which it is to be given up
	givenUp  chan struct{} // closed when it was
}

const (
	mostFailures = 3                      // of work in the background until an opening is given up
	retryEvery   = 100 * time.Millisecond // how often that is tried again afterwards
)

func newOpening() *opening {
	return &opening{failed: make(chan error, 1), givenUp: make(chan struct{})}
}

// failedOnce notes a failure of work in the background. An opening that was given up is slowed down: its process has to end yet.
func (o *opening) failedOnce(err error) {
	select {
	case <-o.givenUp:
		time.Sleep(retryEvery)
	default:
		if o.failures.Add(1) == mostFailures {
			o.failed <- err
		}
	}
}
