// Package accept reads the headers in which a client weighs the forms that it takes: which of the offers of a server
// does the client prefer? (RFC 9110, section 12.4.2)
//
//	Accept: text/csv, application/json;q=0.5     Media
//	Accept-Encoding: gzip, zstd;q=0.5            Elements, for package coding
//
// A malformed element is ignored, and the others count. So the header of a client never makes its request fail.
//
// The package exists because libraries for Accept get common headers wrong: they read the first of several lines,
// refuse text/csv;charset=utf-8, or send a type with the weight 0.
//
// All functions are pure and safe for concurrent use.
package accept
