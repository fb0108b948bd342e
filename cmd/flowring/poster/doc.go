// Package poster sends the records of an input to a cluster: how many requests does an input make, and what does the
// user learn about each?
//
// A Poster cuts its input into requests (records.Reader) and sends them one after the other. The keys of the requests
// depend only on the key of the command, so a second run with the same key, input and size repeats the same requests,
// and no record counts twice (P2). After a failure a note names the key, unless no record was stored for sure.
//
// Answers go to stdout; notes and progress go to stderr. On a terminal one line sums up all requests.
//
// A Poster belongs to one goroutine and is used once.
package poster
