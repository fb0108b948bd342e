// Package backup answers one question: which backup of this node is under way, and how far is it?
//
// An operator asks for a backup by a name, which becomes a folder below the folder of the setting --backup-dir. No
// caller can name another place: a name is one plain word. A node makes one backup at a time, in the background. The
// same call begins a backup, joins it, and asks for its outcome, so a call that was cut off can be repeated. A backup
// that exists counts as done. The journal makes the folder appear whole or not at all.
//
// Concurrency: Backups is safe for concurrent use. Stop waits for the backup under way, which cannot be cut short.
package backup
