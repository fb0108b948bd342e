// Package backup has a running node make a backup, and shows its progress.
//
// The node makes the backup in the background, below its --backup-dir. Run asks for it again and again until it is
// done: the same call begins a backup, joins it, and returns its state. A backup of another name that is under way has
// to end first. An interrupt ends the command and not the backup; the same command joins it again.
//
// Run uses one goroutine.
package backup
