//go:build !unix

package journal

import "io/fs"

// inodeOf returns the number of a file in a file system for tests, and 0 for a file of this system, which has no
// inodes.
func inodeOf(info fs.FileInfo) uint64 {
	inode, _ := info.Sys().(uint64)
	return inode
}
