// Package flow defines the nouns of the program: hours, slices, records, flows, totals, batches and postings. It also
// defines the encoding of a batch and decodes the JSON bodies of requests. It does no I/O, starts no goroutine and
// keeps no state.
//
// Decode turns a request into a Posting, and AddUp does so for records of another origin. Identify gives the batches of
// a posting their identity. From then on a Batch is immutable, so any number of goroutines may read it. A Decoder
// serves one goroutine at a time.
//
// # Two decoders of JSON
//
// Package flow/scan reads plain records fast and adds them up without a list of records in between. The reference
// decoder in this package (reference.go) knows all of JSON. The scanner leaves other records to it, for example those
// with escapes, nested values or negative hours. If a body has any fault, it reads the whole body again and returns the
// error. So one decoder alone decides about refusals. FuzzScanner compares the two.
//
// Package flow/field has the names and values of fields, which JSON and CSV share. Package flow/csv decodes CSV, and
// package flow/compact decodes protobuf.
//
// # The encoding of a batch
//
// Batches have the same encoding between nodes and on disk. Fixed-width numbers are big endian. A uvarint has 7 bits
// per byte, the lowest first, as in encoding/binary.
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
// where v is one uvarint. The encoding is canonical: ParseBatch accepts only the output of Encode, so batches are equal
// exactly if their bytes are. The batch ID is a hash over the hour and the content, which begins at offset 65. The
// dot is not part of the content.
package flow
