// Package late answers one question: may a request with a closed hour be refused, because no store has a part of it?
//
// A 4xx says that nothing of a request counts (P3). The owner alone cannot know that, because a store that stands in
// for it may lack the batch. So all stores of the roster are asked, in two rounds:
//
//	1  is an attempt of this request under way at you? You refuse the question unless your roster, and so your floors,
//	   are mine. No attempt that begins at you later takes the hour.
//	2  do you hold a part of the request? You wait for the writes of it that are under way.
//
// A store that holds a part makes the request known, whatever the others say. If none does, a store that is silent, or
// has an attempt under way, leaves the request undecided, which is a 503.
//
// Invariant: the second round begins after every store has answered the first one.
//
// An Asker may be used by many goroutines.
package late
