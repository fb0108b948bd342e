// Package principal answers one question: which principal sends a request, and does its scope allow the request?
//
// A principal is a name with scopes: write, read, admin. No scope includes another one. A request shows its principal
// by a token (Authorization: Bearer, the password of Authorization: Basic, or X-Amz-Firehose-Access-Key), or by a
// client certificate that the TLS of the port has verified: the first URI among its names, else the first DNS name. A
// token comes first: a request with an unknown token is refused whatever its certificate.
//
// The tokens file has the principals. Its lines are
//
//	name scopes sha256-of-token     agent-7 write 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//	name scopes cert                spiffe://example/ns/flows/sa/agent write cert
//	* scopes cert                   each certificate without a line of its own
//
// Further words of a line are Limits, which package quota enforces. All lines of a name share them.
//
// A name may have several tokens, so that a token is replaced in two edits. A certificate without a line has no scope,
// because the authority of a company signs for more programs than the senders of flows.
//
// A Gate has one of three modes. Without a tokens file it is open: every request passes without a name, but an admin
// call needs a local caller. Required refuses (401, 403). Permissive lets pass what Required would refuse, and counts
// it by address, so that an operator sees when all clients have tokens; admin calls are as in an open gate.
//
// Invariants: no error, log line or metric shows a token or its hash. Tokens are immutable; a Gate reads the current
// ones for each request. All methods may be called concurrently.
package principal
