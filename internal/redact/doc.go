// Package redact answers one question: which part of a text must not be shown, because a client may have put its token
// there?
//
// A token belongs in a header. A client that is set up wrongly puts it into a path, a query or a body, and refusals and
// log lines quote all of these. Each token of 'flowring token new' begins with Mark, so that a node recognises it
// anywhere.
//
// Invariant: in the result of Tokens no Mark is followed by a text that looks random.
//
// The functions are pure, and may be called concurrently.
package redact
