// Package port serves HTTP on one port of a node.
//
// A node opens its ports before its parts are complete: an address in use ends the start early, and other parts know
// the real port. Open therefore only listens, and a client waits until Serve. Stop finishes the requests under way. It
// closes connections without a request, because http.Server.Shutdown would wait 5 s for each of them.
//
// Pages refuses the requests of web pages at a port without pages.
//
// A Server is safe for concurrent use. Serve starts one goroutine, which has ended after Wait.
package port
