package blockcheck

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	crcLen = 4
	minLen = 4 << 10 // the search within a shorter block takes 20 ms at most
)

// Wrap returns fs with tables whose damaged blocks cannot be read: ReadAt fails with pebble.ErrCorruption.
func Wrap(fs vfs.FS) vfs.FS { return checked{fs} }

type checked struct{ vfs.FS }

// Unwrap implements vfs.FS.
func (c checked) Unwrap() vfs.FS { return c.FS }

// Open implements vfs.FS.
func (c checked) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := c.FS.Open(name, opts...)
	if err != nil || !strings.HasSuffix(name, ".sst") {
		return f, err
	}
	return table{f, c.PathBase(name)}, nil
}

// table is an open table.
type table struct {
	vfs.File
	name string
}

// ReadAt implements vfs.File.
func (t table) ReadAt(p []byte, at int64) (int, error) {
	n, err := t.File.ReadAt(p, at)
	if err != nil || n < minLen {
		return n, err
	}
	block := p[:n-crcLen]
	if got, want := masked(block), binary.LittleEndian.Uint32(p[n-crcLen:n]); got != want {
		return n, fmt.Errorf("%w: table %s: block of %d bytes at %d: checksum is %08x, not %08x",
			pebble.ErrCorruption, t.name, n, at, got, want)
	}
	return n, nil
}

// masked returns the checksum of a block with its compression. It is masked, so that the checksum of data with
// checksums in it is as good as any.
func masked(block []byte) uint32 {
	sum := crc32.Checksum(block, crc32.MakeTable(crc32.Castagnoli)) // the standard library makes the table only once
	return (sum>>15 | sum<<17) + 0xa282ead8
}
