// Package traffic measures the cost of posts that differ from those of the other benchmarks in one respect: their
// hours, their JSON, their names, their size, their connections, their key or their compression.
//
// A Cell is one kind of posts, and a Group is the cells that differ in one respect. The respects that a group leaves
// alone are those of the usual cell. For each cell the servers take turns, round by round: HTTP read only, plain Go,
// and a node. The median of a node's rounds is divided by the median of each of the other servers. A group shows the
// worst and the median ratio of its cells.
//
// All servers of a group run at once, and each cell has its own hours in each round. A tenth of the posts comes before
// the measured ones. Only the CPU time of the servers counts.
//
// The yardsticks read no compressed bodies. Their cost in a cell with compressed bodies is that of the same bodies
// without compression.
//
// State measures memory, disk and idle cost of a node as it ships, with the settings of its garbage collector. It also
// measures an hour of small batches: the time until a new disk has all of them, and the time of their load.
//
// The functions are for one goroutine.
package traffic
