// Package faultfs answers one question: how does a test see, and fail, each operation of the journal on its disk?
//
// It is errorfs of Pebble with one file more. Pebble writes a new write-ahead log into an old file where it can, and
// errorfs hands that file out without a wrapper. The injector would see no write of the log after the first flushes.
//
// Only tests use it. A file system that Wrap returns is as safe for concurrent use as the one that it wraps.
package faultfs
