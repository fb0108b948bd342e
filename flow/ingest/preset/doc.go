// Package preset answers one question: which meaning have the fields of a row of another program? A preset is a YAML
// file. It names the fields with the names, addresses, bytes and times of a record, and has rules that decide which
// records count. The files of this package are embedded; an operator may copy one, change it, and name it by a setting.
// So a program that renames its fields needs another file and no other Flowring.
//
// A row is a list of values, one for each of Preset.Fields, in the order of that list. Values are texts; an absent
// field and an empty text are the same, because many sources write an unknown value as an empty text. A field whose
// name begins with @ comes from the form of the body and not from the record: see package form.
//
//	rows of a form (JSON, lines, OTLP)  --Preset.Map-->  ingest.Record, or the reason to set it aside
//
// A template is text with fields in braces, such as {namespace}/{name}. Of a list of templates the first counts whose
// fields all have a value. A condition maps fields to values, and holds if each field has one of its values. "*" stands
// for any value, "" for none, and "{other}" for the value of another field. A field with ! at its end must not have
// one of the values. Of the rules the first counts whose condition holds.
//
// Invariants: a file with an unknown key, reason, field of a template or form is refused, with the key or the line of
// the fault. Map is pure: the same row of the same preset has the same outcome (P2). A number is an integer of at most
// 64 bits, as digits or as a text of digits; a decimal number counts if it is an integer below 2^53, and is refused
// otherwise.
//
// The package does no I/O but for the embedded files. A Preset is immutable and may be used by any number of
// goroutines.
package preset
