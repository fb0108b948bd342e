package load

import "context"

// Outcome is how a post ended.
type Outcome uint8

// The outcomes: P3 in docs/promises.md.
const (
	Refused Outcome = iota // counted zero times; a post that was never sent, too
	Stored                 // acknowledged
	Unknown                // no answer, or one that leaves it open: counted zero times or once
)

// Posts are the posts of a run. Many goroutines call the methods at once.
type Posts interface {
	Append(dst []byte, n int64) []byte // appends the body of post n, counted from 0
	Records() int                      // of each post
}

// Post is one request to make.
type Post struct {
	N    int64 // from 0
	Body []byte
}

// Answer is what came of a Post.
type Answer struct {
	Outcome  Outcome
	Replayed bool  // had been stored before, by an earlier attempt of the same post
	Err      error // unless it was stored
	Kept     bool  // the body may be in use still: it must not be written to
}

// SendFunc makes a post. It returns soon after ctx ends.
type SendFunc func(ctx context.Context, p Post) Answer
