package router

import "runtime"

// Turns bounds how many answers are worked on at a moment: as many as it has capacity for; nil: any number. An answer is worked on
// piece by piece, for a fraction of a millisecond each, and queues anew for each, while what it has is sent to its client outside of
// its turn. So reads leave processors to writes, however many there are, and a short one does not wait for a long one to end.
type Turns chan struct{}

// NewTurns returns turns for n answers at a moment.
func NewTurns(n int) Turns { return make(Turns, n) }

// DefaultTurns is half of the processors, one at least: the other half is for writes.
func DefaultTurns() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// Begin waits until it is the caller's turn, within which it must not wait for anything else.
func (t Turns) Begin() {
	if t != nil {
		t <- struct{}{}
	}
}

// End ends a turn.
func (t Turns) End() {
	if t != nil {
		<-t
	}
}
