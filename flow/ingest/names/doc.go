// Package names answers one question: which name does an address have? The answers are in a file of the operator, a CSV
// with the columns cidr, app and vpc:
//
//	cidr,app,vpc
//	10.1.0.0/16,cluster-a,vpc-1
//	10.1.2.3,db,vpc-1
//	2001:db8:7::/48,edge,
//
// The longest range that has the address decides, for IPv4 and IPv6. A header may give the columns in another order and
// among others; without one they are in this order. An address without a length is a range of one. vpc may be empty.
// Empty lines and lines that begin with # are ignored.
//
// Invariants: a Table comes from a file that is right in every line, because a file of which one line is left out
// would move bytes to other names silently. IPv4 addresses within IPv6 are IPv4 addresses. Errors have the line, and
// show no content.
//
// The package reads no file: Source describes one to package reload, which reads it again when its content changes. A
// Table is immutable and may be read by any number of goroutines. The search is that of github.com/gaissmai/bart.
package names
