// Package parts answers one question: how is a long input cut into parts that are sent one after the other? A part has
// at most MaxUnits units, or about MaxText bytes. A unit is a JSON object, a line, or a row of CSV. A part of lines
// begins with the last header before it, so each part is a body of its own.
//
// The key of a part is a hash over the whole text up to the end of the part. So a second run over the same text makes
// the same parts with the same keys, whether it comes from a file, compressed, or from a pipe, and an unchanged
// beginning of a longer text has the same keys too.
//
// Invariants:
//
//   - MaxUnits, MaxText and the rules of cutting never change, or a file that an earlier version has imported would
//     count twice (P2).
//   - Each byte of the text is in the hash of exactly one step from part to part.
//   - The memory is that of one part and one unit, whatever the length of the text.
//   - A text that ends within an array, or a unit of more than MaxUnit bytes, is an error after the parts before it.
//
// A Reader is for one goroutine and starts none.
package parts
