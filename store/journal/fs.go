package journal

import "github.com/cockroachdb/pebble/v2/vfs"

// FS is the file system that a journal lives on. It is named here so that those who hand one on need not know Pebble.
type FS = vfs.FS
