// Package layout has only tests, which hold the source and the guides against each other:
//
//   - Imports go down only: cmd -> node -> router, node/*, store/journal -> ring, store -> flow. Packages on one level
//     do not import each other, and the program does not import packages that exist for tests alone. The table of
//     levels has a line for each package, and no other line.
//   - A library that shapes the design has one importer, so that it can be replaced in one place.
//   - flow, ring and store/digest are pure: no I/O, no clock, no goroutine. Therefore every node computes the same
//     result from the same input (P7).
//   - docs/api.md names every problem type of the program's answers, and no other.
//   - docs/operations.md explains every metric and every log message, and no other. The flags, commands, tests, files
//     and links in the guides exist. Package proctest runs the commands of the README.
//   - docs/tour.md links each function of the tour to the file that declares it.
//
// Tests may import any package.
package layout
