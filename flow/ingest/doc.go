// Package ingest answers one question: which records of which hours does one record of another program become? Agents,
// clouds and routers report bytes in forms of their own. Parsers read these forms and presets map their fields; this
// package does the rest, in four operations:
//
//	names         a name of the source, cut, or the name of an address, or the address, or a placeholder
//	one reporter  a byte is reported at both of its ends; the record of one end alone counts
//	orientation   a record is stored as sent, or turned round so that the source is the end that began
//	hours         the bytes of an interval are shared out to the hours that it crosses, in proportion
//
// An Engine maps one Record. A Body maps the records of one request, adds them up into a flow.Posting, and computes the
// hash over all of them, with the rows that were set aside.
//
// Invariants:
//
//   - Counts.Received equals Counts.Kept plus all of Counts.Aside, in records and in bytes.
//   - The sum of the emitted records equals Counts.Kept, whatever is split.
//   - The outcome is a pure function of the record and the Engine. So a retry becomes the same batches (P2).
//   - A record becomes at most 25 hours, and a part over flow.MaxBytes becomes several records.
//
// The package is pure. An Engine is immutable, and any number of goroutines may use it. A Body serves one goroutine.
package ingest
