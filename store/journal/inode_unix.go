//go:build unix

package journal

import (
	"io/fs"
	"syscall"
)

// inodeOf returns the inode of a file, or 0 if the file system has none. File systems for tests have numbers of their
// own.
func inodeOf(info fs.FileInfo) uint64 {
	switch sys := info.Sys().(type) {
	case *syscall.Stat_t:
		return uint64(sys.Ino)
	case uint64:
		return sys
	}
	return 0
}
