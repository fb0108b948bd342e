package blockcheck

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// filled returns a file system with a closed database of small and of large values, in tables of several levels.
func filled(t *testing.T, wrap func(vfs.FS) vfs.FS) *vfs.MemFS {
	t.Helper()
	mem, rng := vfs.NewMem(), rand.NewChaCha8([32]byte{1})
	db := open(t, wrap(mem))
	for i := range 60 {
		value := make([]byte, []int{10, 5 << 10, 300 << 10}[i%3])
		rng.Read(value)
		key := fmt.Sprintf("key-%02d", i)
		if err := db.Set([]byte(key), value, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if i%20 == 19 {
			if err := db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.DeleteRange([]byte("key-10"), []byte("key-13"), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(t.Context(), []byte("key-00"), []byte("key-30"), false); err != nil {
		t.Fatal(err)
	}
	if err := db.Checkpoint("copy", pebble.WithFlushedWAL()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return mem
}

func open(t *testing.T, fs vfs.FS) *pebble.DB {
	t.Helper()
	heard := pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}}
	db, err := pebble.Open("data", &pebble.Options{
		FS: fs, CacheSize: 1, Logger: quiet{}, EventListener: &heard, FormatMajorVersion: pebble.FormatTableFormatV6,
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// quiet is a log without messages.
type quiet struct{}

func (quiet) Infof(string, ...any)      {}
func (quiet) Errorf(string, ...any)     {}
func (quiet) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// readAll returns the number of the values in a database, and the first error of a value.
func readAll(t *testing.T, fs vfs.FS) (n int, err error) {
	t.Helper()
	db := open(t, fs)
	defer db.Close()
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if _, err := it.ValueAndErr(); err != nil {
			return n, err
		}
		n++
	}
	return n, it.Error()
}

// Pebble reads nothing but whole blocks with reads that Wrap compares: after writes, compactions, deletions and a copy, all of a
// good database can be read.
func TestEachReadOfAGoodTableIsAWholeBlock(t *testing.T) {
	mem := filled(t, Wrap)
	if n, err := readAll(t, Wrap(mem)); n != 57 || err != nil {
		t.Errorf("%d values, %v, want 57", n, err)
	}
	long := 0
	db := open(t, counting{mem, &long})
	defer db.Close()
	if _, closer, err := db.Get([]byte("key-02")); err != nil {
		t.Error(err)
	} else {
		closer.Close()
	}
	if long == 0 {
		t.Errorf("no read has %d bytes", minLen)
	}
}

// counting counts reads that Wrap would compare.
type counting struct {
	vfs.FS
	long *int
}

func (c counting) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := c.FS.Open(name, opts...)
	return countingFile{f, c.long}, err
}

type countingFile struct {
	vfs.File
	long *int
}

func (f countingFile) ReadAt(p []byte, at int64) (int, error) {
	if len(p) >= minLen {
		*f.long++
	}
	return f.File.ReadAt(p, at)
}

// A damaged block fails the read, before Pebble looks for a flipped bit. Negative control: without Wrap the error is that of
// Pebble after its search.
func TestADamagedBlockIsFoundBeforePebbleSearches(t *testing.T) {
	for _, tt := range []struct {
		name string
		wrap func(vfs.FS) vfs.FS
		want string
	}{
		{"with the check", Wrap, "block of "},
		{"negative control: without the check", func(fs vfs.FS) vfs.FS { return fs }, "checksum mismatch"},
	} {
		mem := filled(t, tt.wrap)
		spoil(t, mem)
		_, err := readAll(t, tt.wrap(mem))
		if !pebble.IsCorruptionError(err) || !strings.Contains(fmt.Sprint(err), tt.want) {
			t.Errorf("%s: %v, want a corruption with %q", tt.name, err, tt.want)
		}
	}
}

// spoil flips a bit at the begin of each table: of its first block, where Pebble finds it soon.
func spoil(t *testing.T, mem *vfs.MemFS) {
	t.Helper()
	names, err := mem.List("data")
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".sst") })
	if len(names) == 0 {
		t.Fatal("no table")
	}
	for _, name := range names {
		f, err := mem.OpenReadWrite("data/"+name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		one := make([]byte, 1)
		if _, err := f.ReadAt(one, 30); err != nil {
			t.Fatal(err)
		}
		one[0] ^= 1
		if _, err := f.WriteAt(one, 30); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Short reads, such as that of a footer, and other files are not compared.
func TestReadsThatAreNoBlocksOfATable(t *testing.T) {
	mem := vfs.NewMem()
	block := make([]byte, minLen)
	binary.LittleEndian.PutUint32(block[minLen-crcLen:], masked(block[:minLen-crcLen]))
	spoilt := append([]byte{1}, block[1:]...)
	for _, tt := range []struct {
		name    string
		content []byte
		read    int
		damaged bool
	}{
		{"000001.sst", block, minLen, false},
		{"000002.sst", spoilt, minLen, true},
		{"000003.sst", spoilt, minLen - 1, false}, // such as the footer
		{"000004.log", spoilt, minLen, false},
	} {
		f, err := mem.Create(tt.name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		f.Write(tt.content)
		f.Close()
		read, err := Wrap(mem).Open(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		n, err := read.ReadAt(make([]byte, tt.read), 0)
		if n != tt.read || pebble.IsCorruptionError(err) != tt.damaged {
			t.Errorf("%s: %d bytes, %v, want %d bytes, damaged: %t", tt.name, n, err, tt.read, tt.damaged)
		}
		read.Close()
	}
}
