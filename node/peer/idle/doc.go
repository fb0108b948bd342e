// Package idle limits the time without a byte of a call by HTTP, on both sides and in both directions. A host that
// vanishes sends no reset: only the missing bytes show it.
//
// The caller wraps a call in a Limit. The limit's timer runs while the caller waits for its peer, and every byte
// restarts it: bytes of the request's body, interim responses, bytes of the answer. After Timeout without a byte the
// call ends with ErrTimeout.
//
// The server wraps the answer in an AnswerWriter. While the handler works, the writer sends an interim response (102)
// each second. Afterwards every write and every read of a body has a deadline. A server that answers with flows uses
// ReaderTimeout instead.
//
// A Limit belongs to one call, and an AnswerWriter to one handler. Their timers run concurrently, under mutexes.
package idle
