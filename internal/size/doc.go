// Package size answers one question: which number of bytes does a text such as 32MiB mean?
//
// Settings and the limits of a tokens file are such texts: a number, plain or with B, KiB, MiB, GiB, kB, MB or GB, in
// any case of letters. K, M and G alone are refused, because their meaning is either 1000 or 1024.
//
// Invariant: Parse(Format(n)) is n for each n that is not negative.
//
// The functions are pure, and may be called concurrently.
package size
