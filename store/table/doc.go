// Package table holds the flows of one slice and their totals in memory, in columns, and copies them sorted by key.
//
// A Table numbers the names of a slice, so a flow is three numbers: the key of a row. Rows are spread by a hash over
// 16 shards. Each shard has a column of keys and a column of totals, both without pointers, so the garbage collector
// does not scan them. Add groups a batch by shard and takes the lock of each shard once.
//
// Rows and names are only ever added. Three consequences:
//
//   - A View borrows the names and the columns of keys. It copies only the totals.
//   - A sorted order stays valid while no flow is added. The views of a table share it (order.go), and new flows are
//     merged into it.
//   - A table never shrinks. A slice leaves memory with its whole table.
//
// The order of flows is the order of their keys as bytes: source, destination, VPC. It is computed with a radix sort
// over the ranks of the names (rank.go), at about 20 ns for each flow.
//
// Hashes are seeded anew for each table, so a client cannot construct flows that collide (P16). Totals saturate at
// 2^63-1 in any order alike (P14).
//
// A Table may be used by many goroutines, but no Add may run during a CopyTo: the caller keeps them apart with a lock
// of its own, which is how a view has all of a batch or nothing of it (P11). Each shard has a lock, and so have the
// names and the order. A goroutine holds one of these locks at a time, or those of several shards, which it has locked
// in their order.
package table
