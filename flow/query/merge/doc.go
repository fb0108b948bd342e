// Package merge turns the groups of several stores into the rows of an answer.
//
//	store 1: sorted groups --+
//	store 2: sorted groups --+--> one group for each key, with its sum --> the rows that the question asks for
//	store 3: sorted groups --+
//
// Each source sends its groups in the order of Spec.Compare, each key once. The merge holds one block of each source,
// and picks the least key with a binary heap. Therefore its memory does not depend on the number of groups:
//
//   - In the order of keys or of a field, rows pass through.
//   - With Top, or with a sort by a sum, a heap holds the N best rows. The sums of all other groups are in one row.
//   - In a series, the heap holds the N best groups with a sum for each hour or day. The rows of one group are
//     neighbours in the order of a series, so a group is complete when the next one begins.
//
// Sums have 128 bits, so they are exact, and any order of the sources has the same result.
//
// A group with fewer bytes than MinBytes is neither a row nor in the row of all others.
//
// A Merge belongs to one goroutine. It reads its sources while its rows are read.
package merge
