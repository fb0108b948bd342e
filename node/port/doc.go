// Package port serves HTTP on one port of a node.
//
// A node opens its ports before its parts are complete, so that an address in use ends the start early and so that other parts know the
// real port. Open therefore only listens; a client that connects waits until Serve. Stop finishes the requests that are under way, and
// closes connections on which no request has begun, because http.Server.Shutdown would wait 5 s for each of them.
//
// A Server is safe for concurrent use. Serve starts one goroutine, which has ended after Wait.
package port
