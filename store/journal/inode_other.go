//go:build !unix

package journal

import "io/fs"

// inodeOf returns the number that a file system for tests gives a file; 0 for the system's files, which have no inode here.
func inodeOf(info fs.FileInfo) uint64 {
	inode, _ := info.Sys().(uint64)
	return inode
}
