// Package answer builds the answers to GETs: it opens the slices of an hour at their owners and writes their flows as one JSON array.
//
// An hour has one slice or several (--hour-slices). Reader.Hour opens every slice at the first store of its list that answers. This
// node may be that store (Reader.Slice, which is also the answer to a GET that another node routes here), or the peer client reads at
// another node. An hour of one slice is passed on as it is. The slices of an hour with several are merged while they are written: each
// slice comes sorted by key, in parts, and a tournament tree picks the least key. Memory therefore does not depend on the size of the
// hour.
//
// An answer carries its completeness (P5), and a tag: a function of the set of batches that it shows, equal on every node. An hour is as
// complete as its least complete slice, and its tag is a hash of the tags of its slices. An answer that the reader already has, by its
// tag, is opened without flows.
//
// A Reader is safe for concurrent use. An answer belongs to one goroutine, and it holds a CPU slot while it sorts, merges and encodes,
// but never while it waits for a store or for the client: two answers that each held a slot could otherwise wait for each other.
package answer
