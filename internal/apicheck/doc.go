// Package apicheck compares exchanges of the public port with the OpenAPI document (router/openapi), so that the
// document cannot drift from the program. It is for tests alone.
//
//	request, answer --> operation of the document --> status, headers, body, parameters: described?
//
// An answer fits if the document has its status for the operation, each of its headers, and a schema that its body
// satisfies. An accepted request fits if the document has each of its parameters. HEAD is checked as GET without a
// body. A request outside of all operations may get only the shared responses, such as NotFound.
//
// A Checker notes each answer that it has seen. Unseen then lists the answers and the problems of the document that no
// test has provoked: an answer that no test provokes may be invented.
//
// A Checker is safe for concurrent use and starts no goroutine.
package apicheck
