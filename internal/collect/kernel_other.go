//go:build !linux

package collect

// kernelDrops says that the kernel does not tell its drops.
func (*socket) kernelDrops() (drops uint64, ok bool) { return 0, false }
