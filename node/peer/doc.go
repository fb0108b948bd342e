// Package peer is the protocol between nodes, on a port of its own: HTTP/1.1 with keep-alive, and streams for the
// three calls of the write path. A client requests a stream by HTTP too.
//
//	POST /peer/v1/hello                 a Hello in JSON; the answer is another one. The call exchanges rosters
//	POST /peer/v1/stream                with Upgrade: flowring-stream/2; after the answer 101 the connection is a stream
//	GET  /peer/v1/flows?slice=&need=&as=&here=&known=
//	                                    the flows of a slice, read from the cluster: frames of batches without identity,
//	                                    sorted by key over all frames; with as=columns, the same flows as columns
//	                                    (wire), from cluster version 2 on; with as=json, the JSON array for a client.
//	                                    Flowring-Tag names the flows; 204 if the tag is among the known ones. Without
//	                                    here=true, a store with gaps passes on the answer of the one with the fewest
//	GET  /peer/v1/digest?slice=&roster= the digest of a slice in this store. With roster=HASH, only if this store is a
//	                                    replica by the roster with this hash
//	GET  /peer/v1/digests?from=&to=     the digests of all slices of a range of hours in this store
//	POST /peer/v1/query                 body: a question about slices. Frames: the head, then groups in order (wire)
//	POST /peer/v1/missing?slice=        body: a digest. Frames of all batches of this store outside the digest, and of a
//	                                    snapshot
//	POST /peer/v1/give?slice=           body: such frames, to keep on disk in this store
//	GET  /peer/v1/summary               every slice in this store, with a hash of its digest
//	POST /peer/v1/secure                copy every batch of this store until the write quorum has it
//	POST /peer/v1/forget?store=&force=  take a store off the roster (a call of an operator)
//	POST /peer/v1/drain                 take this store off the roster (a call of an operator)
//
// The calls by streams:
//
//	admit    batches of one posting, with its hash, checked or not: store them at the write quorum; done or replayed
//	check    batches of one posting, with its hash: would admit refuse one of them? done or replayed
//	look     batches of one request, without flows: is another attempt of it under way, or is one of them held?
//	         replayed: yes
//	apply    batches: keep them on disk, unless their IDs are there under other dots; done after all are on disk
//
// Every call names its caller (Flowring-Node: name and advertised host). With peer TLS the certificate of the caller
// must be of that node, and of the store in a Hello: package mtls.
//
// The parts of the protocol have packages of their own: stream carries calls, wire encodes them, and idle limits the
// time without a byte of HTTP calls.
//
// A call by HTTP costs both sides at least 40 us of processor time, mostly for headers, goroutines and the waking of
// threads. A call by a stream costs half of that alone, and an eighth when many calls share reads and writes. A call
// continues at the peer after its caller has cancelled it, until the deadline of the caller.
//
// A call for a request of a client carries its ID (Flowring-Request-Id, package trace). Calls on streams carry it
// in their bodies, from cluster version 3 on.
//
// Every answer names its store (Flowring-Store). If the hash of the caller's roster (Flowring-Roster) differs from
// that of the answerer, the answer carries the answerer's roster (Flowring-Roster-Value). The client merges that
// roster before the call returns, because acks are counted after the merge of rosters (P4).
//
// A refusal is an *Error with a code of package contract. After any other error the peer was not heard; NotSent
// reports whether the call cannot have had an effect. The client remembers for each address whether the last call was
// heard. Callers use this as a circuit breaker; the heartbeat to every peer each second closes it.
//
// Client and Server are safe for concurrent use. The slots of the server bound the calls under way.
package peer
