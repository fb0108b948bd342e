// Package access connects the client commands with the nodes: it has the flags for targets, credentials and timeouts,
// makes the client, prints lines on stderr with the reason why a request has no answer yet, and words the errors of
// calls to a peer port.
//
// The targets come from the flags, else from the environment variable FLOWRING_TARGET, else from the default of a node.
// A credential is a header, a bearer token from a file or the certificates for https targets. No error and no line
// shows a credential.
//
// Mistakes in the flags, the environment or the files are an Error. One During runs at a time. A request outside of it
// is allowed, and prints no line.
package access
