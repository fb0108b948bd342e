// Package aggregate adds the flows of slices up into the groups of a query, at one store, and writes the groups sorted
// for the node that merges the stores.
//
//	views of warm slices    --+
//	batches of cold slices  --+--> filter --> Groups: one sum for each group --> sort --> frames, or blocks of rows
//	totals of whole slices  --+
//
// Groups numbers the names and the times of the whole query. A view or a batch has numbers of its own. Its names are
// matched with the filters once, and get the numbers of the query when the first flow with them counts. A flow is then
// added with integers alone, in one of three ways by the grouped fields:
//
//   - No field of names: the totals are summed up.
//   - One field of names: the totals are summed up in an array by the number of the name in the view, and then added
//     to the groups once for each name.
//   - More fields: each flow is looked up in a hash table with the numbers of the query as its key.
//
// Sums have 128 bits. The upper halves are in a map, because hardly any sum needs one.
//
// Frames and Blocks yield the groups in the order of query.Spec.Compare, behind After. Frames (frame.go) go between
// nodes. Parse accepts only the output of Frames (P16).
//
// Hashes have a seed of their own for each query, so a client cannot construct flows that collide (P16). The memory of
// Groups has a bound, because the number of groups has one (P12).
//
// A Groups belongs to one goroutine.
package aggregate
