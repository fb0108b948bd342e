// Package field describes the fields of a record: their names in requests and answers, the values that each may have,
// and the words in which a refusal says so. It knows the text of one value at a time, not how records are written
// around it; JSON and CSV share it.
//
// Hours are plain integers here. The package recognizes two mistakes in them: a time since 1970 in a shorter unit
// (UnitFault) and a time as text (HourOfTime). Each refusal of such a value ends with the number of the hour that the
// sender most likely means.
//
// All functions are pure. The package imports no package time, because flow and the packages below it have no clock;
// the few lines of calendar in time.go are its own and a test compares them with package time.
package field
