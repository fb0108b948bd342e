package faultfs

import (
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Wrap returns fs with an injector that gets each operation before it takes place. An error of the injector is the
// error of the operation.
func Wrap(fs vfs.FS, injector errorfs.Injector) vfs.FS {
	return reusing{errorfs.Wrap(fs, injector), injector}
}

type reusing struct {
	vfs.FS
	injector errorfs.Injector
}

// ReuseForWrite implements vfs.FS.
func (fs reusing) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(from, to, c)
	if err != nil {
		return nil, err
	}
	return errorfs.WrapFile(f, fs.injector), nil
}
