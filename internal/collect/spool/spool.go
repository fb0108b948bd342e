package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrFull says that a payload has no room. Nothing was written.
var ErrFull = errors.New("the spool is full")

// ErrLocked says that another process uses the folder.
var ErrLocked = errors.New("another process uses the folder of the spool")

const (
	suffix   = ".spool"
	lockName = "lock"
)

// Config is a folder and its bounds.
type Config struct {
	Folder       string
	MaxBytes     int64 // of all segments
	SegmentBytes int64 // a segment of this length or more gets no further payload
}

// Stats are the figures of a spool.
type Stats struct {
	Bytes    int64 // of all segments
	Payloads int   // not delivered
	Torn     int64 // bytes behind the last whole frame of a segment, as found by Open
}

// Frame is a payload with its key.
type Frame struct {
	Key     Key
	Payload []byte
	from    *segment
}

// segment is one file.
type segment struct {
	path  string
	size  int64   // bytes that count for the bound
	ready []place // payloads that Next has not returned
	open  int     // payloads that are not delivered
}

// place is the position of a frame in its segment.
type place struct {
	offset int64
	length int
}

// Spool is a folder of payloads. Open returns one.
type Spool struct {
	cfg  Config
	lock *os.File

	writing sync.Mutex // held during Append
	file    *os.File   // of active; nil: the next Append begins a segment
	closed  bool
	buffer  []byte
	number  uint64 // of the next segment

	mu       sync.Mutex
	segments []*segment // in order
	active   *segment   // gets payloads; nil: none
	stats    Stats
	more     chan struct{} // has a value after an Append
}

// Open locks a folder, which it makes if necessary, and finds its payloads.
func Open(cfg Config) (*Spool, error) {
	if err := os.MkdirAll(cfg.Folder, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockFolder(cfg.Folder)
	if err != nil {
		return nil, err
	}
	s := &Spool{cfg: cfg, lock: lock, more: make(chan struct{}, 1)}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

func lockFolder(folder string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(folder, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", folder, ErrLocked)
		}
		return nil, err
	}
	return f, nil
}

// load finds the payloads of all segments.
func (s *Spool) load() error {
	entries, err := os.ReadDir(s.cfg.Folder) // sorted: the numbers have a fixed width
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, is := strings.CutSuffix(e.Name(), suffix)
		n, err := strconv.ParseUint(text, 16, 64)
		if !is || err != nil {
			continue
		}
		s.number = n + 1
		if err := s.loadSegment(filepath.Join(s.cfg.Folder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// loadSegment finds the payloads of a segment. One without payloads is removed.
func (s *Spool) loadSegment(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	seg := &segment{path: path, size: int64(len(data))}
	at := 0
	if strings.HasPrefix(string(data[:min(len(data), len(magic))]), magic) {
		for at = len(magic); ; {
			_, payload, ok := parseFrame(data[at:])
			if !ok {
				break
			}
			seg.ready = append(seg.ready, place{int64(at), headBytes + len(payload)})
			at += headBytes + len(payload)
		}
	}
	s.stats.Torn += int64(len(data) - at)
	if len(seg.ready) == 0 {
		return os.Remove(path)
	}
	seg.open = len(seg.ready)
	s.segments = append(s.segments, seg)
	s.stats.Bytes += seg.size
	s.stats.Payloads += seg.open
	return nil
}

// Append writes a payload and its key, and returns once they are on disk.
func (s *Spool) Append(key Key, payload []byte) error {
	if len(payload) > MaxPayload {
		return fmt.Errorf("a payload of %d bytes is longer than %d", len(payload), MaxPayload)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return os.ErrClosed
	}
	s.buffer = appendFrame(s.buffer[:0], key, payload)
	seg, err := s.room(int64(len(s.buffer)))
	if err != nil {
		return err
	}
	offset, err := s.write()
	if err != nil {
		s.abandon(seg)
		return fmt.Errorf("write to the spool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seg.ready = append(seg.ready, place{offset, len(s.buffer)})
	s.stats.Payloads++
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

// room returns the segment for n more bytes, which count from now on. The caller holds writing.
func (s *Spool) room(n int64) (*segment, error) {
	s.mu.Lock()
	seg := s.active
	if seg == nil || seg.size >= s.cfg.SegmentBytes {
		seg, n = nil, n+int64(len(magic))
	}
	full := s.stats.Bytes+n > s.cfg.MaxBytes
	if !full {
		s.stats.Bytes += n
	}
	if seg != nil && !full {
		seg.size += n
		seg.open++ // for the payload that follows, so that the segment stays
	}
	s.mu.Unlock()
	switch {
	case full:
		return nil, ErrFull
	case seg != nil:
		return seg, nil
	}
	return s.begin(n)
}

// begin makes a segment of n bytes. The caller holds writing.
func (s *Spool) begin(n int64) (*segment, error) {
	if s.file != nil {
		s.file.Close() // all that was acknowledged is on disk
		s.file = nil
	}
	seg := &segment{path: filepath.Join(s.cfg.Folder, fmt.Sprintf("%016x%s", s.number, suffix)), size: n, open: 1}
	f, err := os.OpenFile(seg.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		s.mu.Lock()
		s.stats.Bytes -= n
		s.mu.Unlock()
		return nil, fmt.Errorf("begin a segment: %w", err)
	}
	s.number++
	s.file = f
	s.mu.Lock()
	before := s.active
	s.active = seg
	s.segments = append(s.segments, seg)
	s.mu.Unlock()
	if before != nil {
		s.removeDone(before)
	}
	return seg, nil
}

// write writes the buffer to the active segment, and returns the offset of its frame. The caller holds writing.
func (s *Spool) write() (offset int64, err error) {
	if offset, err = s.file.Seek(0, io.SeekCurrent); err != nil {
		return 0, err
	}
	first := offset == 0
	if first {
		if _, err := s.file.WriteString(magic); err != nil {
			return 0, err
		}
		offset = int64(len(magic))
	}
	if _, err := s.file.Write(s.buffer); err != nil {
		return 0, err
	}
	if err := s.file.Sync(); err != nil {
		return 0, err
	}
	if first {
		return offset, syncFolder(s.cfg.Folder)
	}
	return offset, nil
}

// abandon ends a segment whose file has bytes of an unknown state at its end. The caller holds writing.
func (s *Spool) abandon(seg *segment) {
	s.file.Close()
	s.file = nil
	s.mu.Lock()
	s.active = nil
	seg.open-- // of room or begin
	s.mu.Unlock()
	s.removeDone(seg)
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Next waits for the oldest payload that it has not returned yet. An error of ctx ends it.
func (s *Spool) Next(ctx context.Context) (Frame, error) {
	for {
		if seg, at, ok := s.take(); ok {
			return read(seg, at)
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return Frame{}, ctx.Err()
		}
	}
}

func (s *Spool) take() (*segment, place, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range s.segments {
		if len(seg.ready) > 0 {
			at := seg.ready[0]
			seg.ready = seg.ready[1:]
			return seg, at, true
		}
	}
	return nil, place{}, false
}

// read reads a frame. Its error comes with a Frame for Done.
func read(seg *segment, at place) (Frame, error) {
	f, err := os.Open(seg.path)
	if err != nil {
		return Frame{from: seg}, err
	}
	defer f.Close()
	data := make([]byte, at.length)
	if _, err := f.ReadAt(data, at.offset); err != nil {
		return Frame{from: seg}, fmt.Errorf("read the spool: %w", err)
	}
	key, payload, ok := parseFrame(data)
	if !ok {
		return Frame{from: seg}, fmt.Errorf("read the spool: %s is damaged at byte %d", filepath.Base(seg.path), at.offset)
	}
	return Frame{key, payload, seg}, nil
}

// Done says that a frame is delivered. A segment without other payloads is removed.
func (s *Spool) Done(f Frame) {
	s.mu.Lock()
	f.from.open--
	s.stats.Payloads--
	s.mu.Unlock()
	s.removeDone(f.from)
}

// removeDone removes a segment all of whose payloads are delivered. If that fails, the next start finds it again.
func (s *Spool) removeDone(seg *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.segments, seg)
	if seg.open > 0 || at < 0 {
		return
	}
	if s.active == seg {
		s.active = nil
	}
	s.segments = slices.Delete(s.segments, at, at+1)
	s.stats.Bytes -= seg.size
	_ = os.Remove(seg.path)
}

// Stats returns the figures.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Close unlocks the folder. Payloads that are not delivered stay in it.
func (s *Spool) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.file != nil {
		s.file.Close() // all that was acknowledged is on disk
		s.file = nil
	}
	return s.lock.Close()
}
