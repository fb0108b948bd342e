// Package query defines the questions about many hours: which hours and flows count, how flows form groups, and which
// groups are answered in which order. It does no I/O, starts no goroutine and keeps no state.
//
// A Spec is a question with all of its parts resolved: the range has numbers of hours, and every default is filled in.
// The router builds it from the parameters of a request. Nodes send it to each other. Every node evaluates it alike.
//
//	records of the range --Filters--> records that count --Group--> groups with sums --Top, Limit, MinBytes--> rows
//
// A group is named by a Key, which has a value for each grouped field and zero values for the others. Sums have 128
// bits, because the totals of many hours may exceed 64 bits. A Row is a group with its sums, or the sum of all groups
// outside of the first N.
//
// Spec.Compare is the order in which stores send their groups and in which a node merges them. It is the order of the
// keys (hour or day, src_app, dest_app, vpc_id) unless the question asks for another one. Names compare by bytes.
//
// Spec.Encode is the one encoding of a question between nodes (codec.go), so Spec.Hash names the question.
//
// A Spec is immutable once it is valid, so any number of goroutines may use it.
package query
