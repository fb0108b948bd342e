// Package staged answers one question: how does a folder appear whole, or not at all?
//
// Make fills a folder one level below NAME.unfinished, and renames it to NAME once all of it is on disk. After a crash
// or an error there is no NAME. NAME.unfinished is no journal, because a journal has files and no folder, so a node
// refuses to start on it. The next Make of the name, or RemoveUnfinished, removes it.
//
// Concurrency: the caller makes sure that a folder is made by one Make at a time.
package staged
