// Package keyring reads the file of the gossip keys: which keys does this node hold, and which of them encrypts?
//
// The file has one key a line, in base64, of 16, 24 or 32 bytes. Empty lines, and lines that begin with #, are
// comments. The first key encrypts, and every key decrypts. A rotation is three edits of the file, each of which
// reaches all nodes before the next one: append the new key, move it to the front, delete the old key.
//
// Keys.ID is a number that is equal on two nodes if they hold the same keys in the same order. Operators compare it
// between two edits. It has 24 bits of a hash, so it says nothing useful about a random key: 2^232 keys of 32 bytes
// have the same number.
//
// A File follows the content of its file: package reload. The other functions are pure. Errors name lines and never
// show a key. Keys are immutable.
package keyring
