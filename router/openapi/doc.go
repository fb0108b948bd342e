// Package openapi has the description of the public port as an OpenAPI 3.1 document, which is written by hand and
// served as it is.
//
// docs/api.md tells the same for people. The document describes each route, parameter, header, status and problem type.
// The tests of package router send their requests through internal/apicheck, so a route, a parameter, an answer or a
// problem that the document lacks fails them, and so does one that only the document has.
//
// The document is public, like the index page: it describes the program, and says nothing about the cluster.
//
// The package has no state.
package openapi
