// Package inventory answers one question: are the files of a backup those that the backup had when it was made?
//
// Pebble takes a log that is cut short, or damaged near its end, for the log of a process that has crashed, and leaves
// out the rest in silence. In a backup that is a loss. Therefore Write lists the files of a backup beside them, with
// their lengths. Tables have checksums of their own for each block. The other files are small, and the list has their
// hashes.
//
// A node that opens the folder removes the list, because it is no backup from then on.
//
// Concurrency: the caller makes sure that nothing writes to the folder.
package inventory
