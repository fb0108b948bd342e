// Package queries measures questions about many hours: their cost at one node beside DuckDB, and the cost of posts
// beside them.
//
// The node gets a day of hours with the same flows. Each question is asked once without measuring it, and then in
// several rounds. DuckDB holds the same rows, which the node has exported, as a table in memory. Both answers must be
// the same.
//
// The hours are then sealed and asked from disk: one process of the node seals them, and the next one answers. Another
// node gets many small hours.
//
// Measure returns the costs of all runs as tables, with the bars of the project. The cost of a node does not include
// the cost of the client. The functions are for one goroutine.
package queries
