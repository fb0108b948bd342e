// Package layout has only tests: they hold the source against the layout that docs/design.md describes.
//
//   - Imports go down only: cmd -> node -> router, node/*, store/journal -> ring, store -> flow. Packages on one level do not
//     import each other, and what exists for tests alone is not part of the program.
//   - A library that shapes the design has one importer, so that it can be replaced in one place.
//   - flow and ring are pure: no I/O, no clock, no goroutine. That is why every node computes the same from the same (P7).
//   - docs/api.md names every problem type that the program answers with, and no other.
//   - docs/operations.md explains every metric and every message of the log, and no other. What the guides name (flags, commands,
//     tests, links) exists. Package proctest runs the commands of the README.
//
// A new package needs a line in the table of levels. Tests may import what they like.
package layout
