// Package compact decodes the compact bodies of POSTs into postings. A body is one message of Protocol Buffers, which
// records.proto describes: a table of names, a table of flows, and columns of numbers with one element for each record.
//
//	names                        "checkout" "payments" "vpc-1"
//	src_app, dest_app, vpc_id    0 1 ...   1 0 ...   2 2 ...       of each flow: indices of names
//	bytes_tx, bytes_rx, flow     100 7 3 ...  500 9 4 ...  0 1 0 ...
//	hour                         490000                            of all records, or one for each
//
// The decoder reads the bytes of the message without generated code and without reflection. The columns stay as they
// are in the body until their numbers are added up, so a body takes little memory beside that of its sums.
//
// The tables of a body in order are those of its batch: names and flows are distinct, and stand in the order in which
// the records have them. ordered.go checks that, and adds each record to the sums of its flow without a hash table. It
// gives up at any doubt and at any fault. Then decode.go reads the body again as it is, and decides about refusals.
//
// A record of a body follows the same rules as a record of JSON, and its faults have the same texts. Equal records in
// equal order become equal batches, whatever the form of their body, so their IDs are equal too (P2). FuzzRecords
// compares the decoder with JSON and with google.golang.org/protobuf.
//
// As protobuf demands, a column may be cut into several parts, its numbers may stand one by one, and fields of unknown
// numbers are skipped. A name that no record has is not looked at, but for the check of the order.
//
// A record takes far fewer bytes than a record of JSON and needs the same memory, so the caller limits the number of
// records and flows, and with it the number of names (P16).
package compact
