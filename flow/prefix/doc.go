// Package prefix answers one question: how are most names compared without reading them? A Prefixer maps names to
// prefixes of 8 bytes that have the same order. Names with equal prefixes are compared as a whole, unless the prefix is
// exact.
//
// Invariants: of two names with different prefixes, the one with the lesser prefix is the lesser. An exact prefix
// belongs to one name.
//
// The package is pure. A Prefixer is immutable and may be used by any number of goroutines.
package prefix
