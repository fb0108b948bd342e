// Package senders answers one question: which bodies of other programs does this node take, and how does it map them?
// It opens the presets and the names file of the settings, and knows the hours that the cluster takes now.
//
// Invariants: a file that is not usable fails the start, and a names file that becomes unusable keeps its last content
// (package reload). A body is mapped by the names file as it is at the beginning of the body.
//
// A Settings is a value. The functions of the opened configuration may be called concurrently.
package senders
