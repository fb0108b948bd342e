// Package expiry deletes the hours below the floor F from the store of this node.
//
// Raise gives the store the floor of the roster, which is on disk by then. From its return on the store refuses the
// hours below it. Run deletes them, as soon as no call uses them, and then frees their disk space.
//
// Invariants:
//
//   - Nothing is deleted before the floor is on disk, so that a crash leaves no hour that is deleted here and that the
//     next process knows nothing of.
//   - Raise does not block, because it runs while the roster changes.
//
// A Deleter may be used by many goroutines. Run runs once.
package expiry
