// Package field describes the fields of a record: their names in requests and answers, their possible values, and the
// words of a refusal. It works on the text of one value. Records as a whole are the business of the decoders of JSON
// and CSV, which share this package.
//
// Hours are plain integers here. The package recognizes two mistakes in them: a time since 1970 in a shorter unit
// (UnitFault) and a time as text (HourOfTime). Each refusal of such a value ends with the number of the most likely
// hour.
//
// All functions are pure. The package does not import package time, because flow and the packages below it have no
// clock. It has a few lines of calendar of its own, and a test compares them with package time.
package field
