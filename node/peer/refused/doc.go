// Package refused answers one question: which refused calls of other nodes stand in the log of a node?
//
// A refusal that becomes a 503 for a client has a line at info with the ID of the request, because the node asked
// refuses its request or asks another node. During an outage each request has such a refusal. So a Log writes at most
// Burst such lines for each kind of call in lograte.Interval, and each says for how many refusals it stands. All
// refusals have a line at debug or above.
//
// A fault of this node has a line at error. A call that the caller has given up has one at debug.
//
// A Log is safe for concurrent use.
package refused
