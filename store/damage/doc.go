// Package damage answers two questions of a slice whose values a disk has damaged: which batches are unreadable, and
// how can the others be read?
//
// A Set has the batches known to be unreadable. No digest of a store contains them, so repair fetches them from other
// stores like any missing batch (P1). The damaged file stays until the journal rewrites it. Until then ByDot reads the
// batches of the slice one by one.
//
// Concurrency: the owner of a Set locks it. The functions are safe for concurrent use.
package damage
