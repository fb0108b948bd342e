//go:build unix

package journal

import (
	"io/fs"
	"syscall"
)

// inodeOf returns the inode of a file; 0 where the file system does not say. File systems for tests have a number of their own.
func inodeOf(info fs.FileInfo) uint64 {
	switch sys := info.Sys().(type) {
	case *syscall.Stat_t:
		return uint64(sys.Ino)
	case uint64:
		return sys
	}
	return 0
}
