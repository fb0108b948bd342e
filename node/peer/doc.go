// Package peer is the node-to-node protocol: HTTP/1.1 with keep-alive on a port of its own.
//
//	POST /peer/v1/hello                     a Hello in JSON, answered with one: rosters are exchanged, the caller is known afterwards
//	POST /peer/v1/admit?checked=            frames of batches: store them as the write quorum asks; 200 with "stored" or "replayed"
//	POST /peer/v1/check                     frames of batches: would admit refuse one? 200 with "new" or "replayed"
//	POST /peer/v1/apply                     a batch: keep it on disk, here, unless its ID is held under another dot
//	GET  /peer/v1/flows?slice=&need=&known= a slice's flows, read completely from here: frames of batches without identity, sorted by
//	                                        key throughout. Flowring-Tag names them; 204 where that is among the known ones
//	GET  /peer/v1/digest?slice=&roster=     the digest of a slice held here; with roster=HASH only as a replica, by that very roster
//	POST /peer/v1/missing?slice=            a digest: frames of all held here that it lacks, a snapshot among them
//	POST /peer/v1/give?slice=               such frames: keep them on disk, here
//	GET  /peer/v1/summary                   every slice held here, with a hash of its digest
//	POST /peer/v1/secure                    put every batch held here on as many stores as the write quorum asks
//	POST /peer/v1/forget?store=&force=      take a store off the roster (an operator's call)
//	POST /peer/v1/drain                     take this store off the roster (an operator's call)
//
// A frame is a batch, or a part of a snapshot, behind its length in 4 bytes, big endian; one of length 0 ends them. A slice is
// written hour/index. Every answer names the store that gave it in Flowring-Store; where the caller's
// Flowring-Roster hash differs from the answerer's, the answer carries the answerer's roster in Flowring-Roster-Value, which the
// client merges before it returns: acks are counted after rosters were merged (P4).
//
// A refusal is an *Error with a code that both sides know. Any other error means that the peer was not heard: NotSent tells
// whether it cannot have had an effect. Client remembers per address whether the last call was heard; callers use that as a
// circuit breaker, and the greeting that a node sends every peer every second closes it.
package peer
