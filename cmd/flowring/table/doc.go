// Package table prints the rows of a query for people: how do names, sums and shares fit on a terminal?
//
//	SRC APP     DEST APP   BYTES TX  BYTES RX  SHARE
//	storefront  catalog      640 B   91.0 kB  88.6 %  ████████████████████
//	checkout    payments   2.00 kB   8.00 kB   9.7 %  ██▏
//	other (3 groups)       1.00 kB    800 B   1.7 %
//
//	2 rows and others      3.64 kB   99.8 kB
//
// Sums have three digits and a unit of thousands, or all of their digits (Style.Exact). Shares are those of a measure
// in all rows of the table. A bar is a part of the largest group. Numbers stand at the right edge of their column.
//
// A table that is wider than the terminal loses, in this order, most of the bars, the ends of its longest names, and
// the bars. A width of zero is no limit.
//
// Names come from the network: each character that is not printable is escaped (output.Escaped), so that no name steers
// the terminal.
//
// A Table belongs to one goroutine.
package table
