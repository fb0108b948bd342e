// Package parameter reads the parameters of a URL: which ones may a path have, and which values may they have?
//
// Every refusal is the problem query (contract.Query). It names the parameter, shows the value, and tells how to
// correct it:
//
//	CheckNames   a parameter that the path does not have, with the nearest one that it has
//	Once         a parameter that is given twice
//	Integer      a number that is no integer, or outside of its range
//	Choice       a value that is none of a few words, with the nearest one
//	Need         partial=true and require=complete
//
// Texts from clients appear in messages by Quoted: at most 64 bytes, in printable ASCII (P16).
//
// All functions are pure and safe for concurrent use.
package parameter
