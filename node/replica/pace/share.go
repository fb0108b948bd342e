package pace

import (
	"context"
	"time"
)

// Share spreads n pieces of work over a period, and rests after each piece, so that work takes at most one part in
// Parts of the time. Long work thus takes longer than the period. It is for one goroutine.
type Share struct {
	Parts  int           // 100: one per cent
	Period time.Duration // of all pieces
	N      int           // pieces

	began, piece time.Time
	done         int
}

// Begin begins the next piece.
func (s *Share) Begin() {
	s.piece = time.Now()
	if s.done == 0 {
		s.began = s.piece
	}
}

// Rest ends the piece, and waits until the next one is due, or until ctx ends.
func (s *Share) Rest(ctx context.Context) error {
	s.done++
	due := s.began.Add(time.Duration(float64(s.Period) * float64(s.done) / float64(s.N)))
	if rested := s.piece.Add(time.Since(s.piece) * time.Duration(s.Parts)); rested.After(due) {
		due = rested
	}
	select {
	case <-time.After(time.Until(due)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
