// Package expiry deletes the hours below the floor F, and the erased hours, from the store of this node.
//
// Obey gives the store the floor and the marks of the roster, which is on disk by then. From its return on the store
// refuses these hours. Run deletes them, as soon as no call uses them, and then frees their disk space.
//
// Invariants:
//
//   - Nothing is deleted before the floor or the mark is on disk, so that a crash leaves no hour that is deleted here
//     and that the next process knows nothing of.
//   - Obey does not block, because it runs while the roster changes.
//
// A Deleter may be used by many goroutines. Run runs once.
package expiry
