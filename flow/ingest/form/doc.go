// Package form answers one question: which rows does a body have? A row has the values of the fields of a preset, as
// text. The package parses and decides nothing.
//
//	json       an array of objects, or objects one after the other, or an object whose field Preset.Records has the
//	           array. A field a.b.c is a path through objects, whatever dots its names have. Numbers keep their digits
//	csv        rows with a header row, which may come again. A row with the one cell Summary ends the records
//	aws-lines  lines of AWS VPC flow logs: values with spaces between them, and - for none. A header changes the columns
//
// Form aws-lines adds fields that follow from all lines of a body:
//
//	@direction                  flow-direction, or else by the own address of the interface: egress, ingress, or none
//	@src-service, @dest-service the ecs-service-name of the interface that has the address
//
// The own address of an interface is the one that is in each of its lines. An address is the own one of a single
// interface, which helps where two addresses are in all lines.
//
// Invariants: the rows of a body are a pure function of the body and the preset. A record that cannot be read is
// counted as malformed and does not hide its neighbours, as far as the form shows where the next record begins: in
// lines it does. A body whose rest cannot be found, or is missing, is a *BrokenError, because its rows may count only
// with the others:
//
//	json, an array or an object with the records   each fault of its syntax
//	json, a record a line                          an end within the last record, without the end of its line
//	csv, aws-lines                                 never: a line shows no end of the body
//
// A body in which no record can begin is a *BodyError.
//
// The package is pure. A Reader serves one goroutine.
package form
