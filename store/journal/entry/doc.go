// Package entry answers one question: under which keys does a journal keep its values, and how are they wrapped?
// keys.go draws the keys, and envelope.go the values.
//
// Invariants:
//
//	Each key has one form, and the keys of a slice are behind one prefix for each kind.
//	A checksum over key and payload finds damage. A reader never guesses: the error wraps ErrCorrupt or ErrFormat.
//
// The package is pure. Its functions are safe for concurrent use.
package entry
