// Package figure turns the rows of queries into the numbers and charts of a page: bars, a heat strip of hours, a chart
// of who talks to whom, and a chart over time. Charts are coordinates and classes for a template that draws them as
// SVG.
//
// Sums have 128 bits, and Amount shows all of their digits. Floating point decides only about sizes on the screen.
//
// The package does no I/O, has no clock and keeps no state.
package figure
