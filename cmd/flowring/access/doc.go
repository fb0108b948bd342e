// Package access is the way of the commands that are clients to the nodes: the flags for targets, credentials and timeouts, the
// client that they make, and the lines on stderr that tell why a request has no answer yet.
//
// The targets come from the flags, else from the environment variable FLOWRING_TARGET, else from the default of a node. A credential
// is a header, a bearer token from a file or the certificates that https targets must match. No error and no line shows a credential.
//
// Mistakes in the flags, the environment or the files are an Error. An Access makes one request at a time.
package access
