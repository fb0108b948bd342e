// Package flow holds the nouns: hours, records, flows, totals, batches, and their two codecs. It does no I/O, starts no
// goroutine and keeps no state.
//
// A request becomes batches (Decode, or AddUp for records from elsewhere), gets its identity (Identify) and from then on is only
// ever handed around: a Batch is immutable, so any number of goroutines may read one. A Decoder belongs to one goroutine.
//
// # Two decoders
//
// A body is read by a scanner, which knows one thing: plain records. It takes eight bytes at a time, compares what stands between
// the values with what stood there in the record before, and adds up as it goes, without a list of records in between. What it
// does not know it leaves to the decoder of jsonvalue.go, which knows all of JSON: a single record (escapes, nested fields of
// others, negative hours), or, once anything is wrong, the body from its beginning. So there is one place that refuses, and
// FuzzScanner holds the one decoder to the other.
//
// CSV has a decoder of its own, csv.go and csvcell.go. FuzzCSV holds it to encoding/csv and the decoder of JSON. encoding/csv itself is
// not used, because it turns a CRLF within quotes into LF: a name would become another one.
//
// # The encoding of a batch
//
// One encoding serves between nodes and on disk. Fixed-width numbers are big endian; a uvarint has 7 bits a byte, the lowest
// first, as in encoding/binary.
//
//	offset  bytes  field
//	     0      1  version, 1
//	     1      4  CRC-32C of everything from offset 5
//	     5      8  hour
//	    13      4  slice index
//	    17      8  dot: origin
//	    25      8  dot: seq
//	    33     16  batch ID, zero without an Idempotency-Key
//	    49     16  key hash, zero without one
//	    65      v  n: number of names, at least 1
//	          n*v  length of each name
//	            *  the names, without anything between them
//	            v  f: number of flows, at least 1
//	          f*v  source of each flow, as an index of the names
//	          f*v  destination
//	          f*v  VPC
//	          f*v  bytes sent
//	          f*v  bytes received
//
// where v is one uvarint. The encoding is canonical: ParseBatch accepts just what Encode writes, so batches are equal when their
// bytes are. The content, from offset 65 on, together with the hour is what the batch ID is a hash of; dots are not content.
package flow
