package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// open opens a spool with room for all that a test writes.
func open(t *testing.T, folder string) *Spool {
	t.Helper()
	s, err := Open(Config{Folder: folder, MaxBytes: 1 << 20, SegmentBytes: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// text is a payload that tells its number. Its length differs from those of its neighbours.
func text(i int) string { return fmt.Sprintf("payload %d %s", i, strings.Repeat("x", i%7)) }

func put(t *testing.T, s *Spool, from, to int) (keys []Key) {
	t.Helper()
	for i := from; i < to; i++ {
		k := NewKey()
		if err := s.Append(k, []byte(text(i))); err != nil {
			t.Fatalf("Append(%d) = %v", i, err)
		}
		keys = append(keys, k)
	}
	return keys
}

// waiting returns all payloads that are not delivered, with their keys.
func waiting(t *testing.T, s *Spool) (frames []Frame) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		f, err := s.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
}

func payloads(frames []Frame) (texts []string) {
	for _, f := range frames {
		texts = append(texts, string(f.Payload))
	}
	return texts
}

func theSegments(t *testing.T, folder string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A process that ends at any byte of its writes leaves a segment of any length. The whole payloads of it are found, with
// their keys, and those of the next process are found behind them.
func TestASegmentCutAtEveryByteKeepsItsWholePayloads(t *testing.T) {
	const n = 3
	full := t.TempDir()
	s := open(t, full)
	keys := put(t, s, 0, n)
	s.Close()
	data, err := os.ReadFile(theSegments(t, full)[0])
	if err != nil {
		t.Fatal(err)
	}
	ends := []int{}
	for i, at := 0, len(magic); i < n; i++ {
		at += headBytes + len(text(i))
		ends = append(ends, at)
	}
	for length := range len(data) + 1 {
		for _, tail := range []string{"", strings.Repeat("\x00", 100), "garbage behind the end"} {
			folder := t.TempDir()
			cut := append(slices.Clone(data[:length]), tail...)
			if err := os.WriteFile(filepath.Join(folder, filepath.Base(theSegments(t, full)[0])), cut, 0o600); err != nil {
				t.Fatal(err)
			}
			whole := 0
			for whole < n && ends[whole] <= length {
				whole++
			}
			if whole == n && tail == "" && length != len(data) {
				t.Fatalf("length %d has all payloads", length)
			}
			s := open(t, folder)
			put(t, s, 100, 102)
			check(t, waiting(t, s), keys[:whole], fmt.Sprintf("cut at %d with tail %q", length, tail))
			s.Close()
			s = open(t, folder) // the tail stays, and hides nothing behind it
			check(t, waiting(t, s), keys[:whole], fmt.Sprintf("cut at %d with tail %q, opened again", length, tail))
			s.Close()
		}
	}
}

// check wants the payloads of keys, and two new ones behind them.
func check(t *testing.T, got []Frame, keys []Key, what string) {
	t.Helper()
	var want []string
	for i := range keys {
		want = append(want, text(i))
	}
	want = append(want, text(100), text(101))
	if !slices.Equal(payloads(got), want) {
		t.Fatalf("%s: payloads = %q, want %q", what, payloads(got), want)
	}
	for i, k := range keys {
		if got[i].Key != k {
			t.Fatalf("%s: key %d = %s, want %s", what, i, got[i].Key, k)
		}
	}
}

// A flipped bit ends the payloads of a segment, and is counted. It never becomes a payload.
func TestADamagedPayloadIsNeverReturned(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	put(t, s, 0, 3)
	s.Close()
	file := theSegments(t, folder)[0]
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first := len(magic) + headBytes + len(text(0))
	for at := first; at < first+headBytes+len(text(1)); at++ {
		damaged := slices.Clone(data)
		damaged[at] ^= 0x10
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, folder)
		if got := payloads(waiting(t, s)); len(got) != 1 || got[0] != text(0) {
			t.Fatalf("byte %d flipped: payloads = %q, want the first", at, got)
		}
		if got, want := s.Stats().Torn, int64(len(data)-first); got != want {
			t.Fatalf("byte %d flipped: torn = %d, want %d", at, got, want)
		}
		s.Close()
	}
}

func TestDeliveredPayloadsLeaveTheDisk(t *testing.T) {
	folder := t.TempDir()
	s, err := Open(Config{Folder: folder, MaxBytes: 1 << 20, SegmentBytes: 100})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, 0, 10)
	if n := len(theSegments(t, folder)); n < 3 {
		t.Fatalf("%d segments, want several", n)
	}
	for i, f := range waiting(t, s) {
		if string(f.Payload) != text(i) {
			t.Errorf("payload %d = %q", i, f.Payload)
		}
		s.Done(f)
	}
	if left := theSegments(t, folder); len(left) > 0 || s.Stats() != (Stats{}) {
		t.Errorf("after the last delivery: segments %v, stats %+v", left, s.Stats())
	}
	put(t, s, 10, 11)
	s.Close()
	again := open(t, folder)
	if got := payloads(waiting(t, again)); len(got) != 1 || got[0] != text(10) {
		t.Errorf("payloads after a restart = %q, want the one that is not delivered", got)
	}
}

func TestAFullSpoolRefusesAndWritesNothing(t *testing.T) {
	folder := t.TempDir()
	s, err := Open(Config{Folder: folder, MaxBytes: 300, SegmentBytes: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n := 0
	for err = nil; err == nil; n++ {
		err = s.Append(NewKey(), []byte(text(n)))
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("Append = %v, want ErrFull", err)
	}
	var onDisk int64
	for _, file := range theSegments(t, folder) {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		onDisk += info.Size()
	}
	if onDisk > 300 || onDisk != s.Stats().Bytes {
		t.Errorf("%d bytes on disk, stats %d, want equal and at most 300", onDisk, s.Stats().Bytes)
	}
	frames := waiting(t, s)
	if len(frames) != n-1 {
		t.Errorf("%d payloads, want %d", len(frames), n-1)
	}
	for _, f := range frames {
		s.Done(f)
	}
	if err := s.Append(NewKey(), []byte(text(0))); err != nil {
		t.Errorf("Append after the deliveries = %v", err)
	}
}

// A write that fails leaves the segment alone, and the repetition has the same key in another one.
func TestAWriteThatFailsIsRepeatedWithItsKey(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	put(t, s, 0, 1)
	s.file.Close() // each write to it fails
	k := NewKey()
	if err := s.Append(k, []byte("again")); err == nil {
		t.Fatal("Append to a closed file succeeds")
	}
	if err := s.Append(k, []byte("again")); err != nil {
		t.Fatal(err)
	}
	frames := waiting(t, s)
	if got := payloads(frames); !slices.Equal(got, []string{text(0), "again"}) || frames[1].Key != k {
		t.Errorf("payloads = %q", got)
	}
	for _, f := range frames {
		s.Done(f)
	}
	if left := theSegments(t, folder); len(left) > 0 {
		t.Errorf("segments %v stay", left)
	}
}

func TestTwoProcessesCannotShareAFolder(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	if _, err := Open(Config{Folder: folder, MaxBytes: 1, SegmentBytes: 1}); !errors.Is(err, ErrLocked) {
		t.Errorf("second Open = %v, want ErrLocked", err)
	}
	s.Close()
	open(t, folder)
}

func TestConcurrentWritersAndOneReader(t *testing.T) {
	s, err := Open(Config{Folder: t.TempDir(), MaxBytes: 1 << 20, SegmentBytes: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const writers, each = 4, 25
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for i := range each {
				if err := s.Append(NewKey(), []byte(text(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[Key]bool{}
	for range writers * each {
		f, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen[f.Key] = true
		s.Done(f)
	}
	all.Wait()
	if len(seen) != writers*each || s.Stats() != (Stats{}) {
		t.Errorf("%d payloads, stats %+v", len(seen), s.Stats())
	}
}

// FuzzParseFrame holds any bytes to the form of a frame.
func FuzzParseFrame(f *testing.F) {
	f.Add(appendFrame(nil, NewKey(), []byte("x")))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, headBytes))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, payload, ok := parseFrame(data)
		if ok && !bytes.Equal(appendFrame(nil, key, payload), data[:headBytes+len(payload)]) {
			t.Fatalf("parseFrame(%x) = %s, %x, which is written in another way", data, key, payload)
		}
	})
}
