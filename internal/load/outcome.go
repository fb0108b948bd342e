package load

import "context"

// Outcome is the end of a post.
type Outcome uint8

// The outcomes: P3 in docs/promises.md.
const (
	Refused Outcome = iota // counted zero times, as is a post that is never sent
	Stored                 // acknowledged
	Unknown                // no answer, or an answer without a decision: counted zero times or once
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

// Answer is the result of a Post.
type Answer struct {
	Outcome  Outcome
	Replayed bool  // an earlier attempt of the same post had stored it
	Err      error // nil if it was stored
	Kept     bool  // the body may still be in use, and the caller must not write to it
}

// SendFunc sends a post. It returns soon after ctx ends.
type SendFunc func(ctx context.Context, p Post) Answer
