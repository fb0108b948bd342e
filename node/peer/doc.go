// Package peer is the node-to-node protocol, on a port of its own: HTTP/1.1 with keep-alive, and for the three calls
// of the write path streams, which are asked for by HTTP as well.
//
//	POST /peer/v1/hello                     a Hello in JSON, answered with one: rosters are exchanged, the caller is known afterwards
//	POST /peer/v1/stream                    with Upgrade: flowring-stream/2, answered with 101: the connection is a stream from then on
//	GET  /peer/v1/flows?slice=&need=&as=&here=&known=
//	                                        a slice's flows, read completely from here: frames of batches without identity, sorted by key
//	                                        throughout; as=json: the JSON array that clients are answered with. Flowring-Tag names
//	                                        them; 204 where that is among the known ones. Without here=true a store that lacks
//	                                        much of the slice passes on the answer of the one that lacks least
//	GET  /peer/v1/digest?slice=&roster=     the digest of a slice held here; with roster=HASH only as a replica, by that very roster
//	POST /peer/v1/missing?slice=            a digest: frames of all held here that it lacks, a snapshot among them
//	POST /peer/v1/give?slice=               such frames: keep them on disk, here
//	GET  /peer/v1/summary                   every slice held here, with a hash of its digest
//	POST /peer/v1/secure                    put every batch held here on as many stores as the write quorum asks
//	POST /peer/v1/forget?store=&force=      take a store off the roster (an operator's call)
//	POST /peer/v1/drain                     take this store off the roster (an operator's call)
//
// Calls by a stream (package stream), with the bodies that call_codec.go draws:
//
//	admit    batches of one posting, with its hash, checked or not: store them as the write quorum asks; done or replayed
//	check    batches of one posting, with its hash: would admit refuse one? done or replayed
//	apply    batches: keep them on disk, here, unless their IDs are held under other dots; done once all are
//
// A call by HTTP costs both sides at least 40 us of processor time, mostly for headers, goroutines and the waking of
// threads. A call by a stream costs half of that alone, and an eighth when many calls share reads and writes. A call
// that its caller cancels continues at the peer, until the deadline that the caller had.
//
// A call by HTTP has a limit on time without a byte, 4 s, in both directions and on both sides, because a host that
// vanishes sends no reset. A server that is at work for longer says so each second, by an interim response (102).
// Only the flows that a server sends may stand still for minutes: their reader's own client may be slow.
//
// In the other calls a frame is a batch, or a part of a snapshot, behind its length in 4 bytes, big endian; one of
// length 0 ends them. A slice is written hour/index. Every answer, by whichever way, names the store that gave it
// (Flowring-Store); where the hash of the caller's roster (Flowring-Roster) differs from the answerer's, the answer
// carries the answerer's (Flowring-Roster-Value), which the client merges before it returns: acks are counted after
// rosters were merged (P4).
//
// A refusal is an *Error with a code that both sides know. Any other error means that the peer was not heard: NotSent
// tells whether it cannot have had an effect. Client remembers per address whether the last call was heard; callers
// use that as a circuit breaker, and the greeting that a node sends every peer every second closes it.
package peer
