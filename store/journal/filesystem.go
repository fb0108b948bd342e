package journal

import "github.com/cockroachdb/pebble/v2/vfs"

// FS is the file system of a journal. The alias spares other packages an import of Pebble.
type FS = vfs.FS
