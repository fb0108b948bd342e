// Package compact decodes the compact bodies of POSTs into postings. A body is one message of Protocol Buffers, which
// records.proto describes: a list of names, and six columns of numbers with one element for each record.
//
//	names                          "checkout" "payments" "vpc-1"
//	src_app, dest_app, vpc_id      0 0 ...   1 1 ...   2 2 ...     indices of names
//	bytes_tx, bytes_rx, hour       100 7 ... 500 9 ... 490000 490000 ...
//
// The decoder reads the bytes of the message without generated code and without reflection. The columns stay as they
// are in the body until their numbers are added up, so a body takes little memory beside that of its sums.
//
// A record of a body follows the same rules as a record of JSON, and its faults have the same texts. Equal records in
// equal order become equal batches, whatever the form of their body, so their IDs are equal too (P2). FuzzRecords
// compares the decoder with JSON and with google.golang.org/protobuf.
//
// As protobuf demands, a column may be cut into several parts, its numbers may stand one by one, and fields of unknown
// numbers are skipped. A name that no record has is not looked at.
//
// A record takes far fewer bytes than a record of JSON and needs the same memory, so the caller limits the number of
// records, and with it the number of names (P16).
package compact
