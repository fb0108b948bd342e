// Package page serves the pages of a node for people: an overview, a form for queries, a live list and the cluster.
//
//	GET /          overview: hours, top talkers, who talks to whom       (with Accept: text/html)
//	GET /explore   a query as a form, its rows as a table, a time chart
//	GET /live      the flows of now; the script follows /flows/stream
//	GET /cluster   members, their share of the ring, and the consequences of absent ones
//	GET /page/...  style and script
//
// The server renders every page: HTML from html/template, which escapes each name for its place, and charts as SVG. The
// script only adds refresh, completion and local times. A page works without it. All state is in the URL, with the
// parameters of GET /flows.
//
// The Content-Security-Policy allows the style and the script of the node alone. Therefore the pages have no inline
// style. Sizes are attributes of SVG, and colours are classes.
//
// Every chart has a table with the same numbers. A number has its exact value in its title.
//
// A Handler is safe for concurrent use and keeps no state.
package page
