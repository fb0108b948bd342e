// Package csv decodes the CSV bodies of POSTs (RFC 4180) into postings.
//
// A body begins with a header row, which names the fields of a record in any order and among any other columns. Every
// further row is one record. Rows end with LF or CRLF. Empty lines and a byte order mark at the beginning are ignored.
//
// The package does not use encoding/csv, which turns a CRLF within quotes into LF and so changes names. FuzzCSV
// compares the two, and the result with that of the JSON decoder of package flow. Values follow the same rules as in
// JSON, because both decoders use package field.
//
// A row takes far fewer bytes than a record of JSON and needs the same memory, so the caller limits the number of
// records (P16). The number of columns is limited too, because the decoder keeps the field of each column.
package csv
