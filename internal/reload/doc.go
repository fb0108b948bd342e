// Package reload keeps values that are made from files, and makes them again when the content of the files changes: a
// certificate with its key, certificates of authorities, tokens, gossip keys, names of addresses.
//
// A Set reads its files each second and compares their content, because Kubernetes replaces a Secret by a symbolic link
// and other tools rename files or write in place; times and inodes say too little. The files are short.
//
// Invariants: a Value always holds the result of a content that was usable as a whole. If the content of the files
// becomes unusable, the Value keeps its last result, the Set logs the reason once for each content, and its figures
// show the failure until the content is usable again. Errors name files, and lines of files; they never show content,
// because it may be secret: a Parse function has to keep to that too.
//
// Add, Check, Watch and Stats may be called concurrently. Value.Get never blocks. Watch runs until its context ends, in
// the goroutine of its caller. Changed functions run one after the other, in the goroutine of Check or Watch.
package reload
