package reload

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Every is the time between two checks of Watch.
const Every = time.Second

// maxFile is the default limit for one file, in bytes.
const maxFile = 1 << 20

// Source describes a value.
type Source[T any] struct {
	Name    string                             // for log lines and errors, such as "tokens"
	Files   []string                           // at least one
	Parse   func(contents [][]byte) (T, error) // one content for each file; its errors show no content
	Changed func(T)                            // called after each reload, not for the first value; may be nil

	MaxBytes int64 // the limit for one file; 0: 1 MiB
}

// Value is a value made from files.
type Value[T any] struct {
	src     Source[T]
	current atomic.Pointer[T]
	seen    [sha256.Size]byte // hash of the contents of the last attempt
	broken  bool              // the last attempt failed
}

// Get returns the value of the last usable content.
func (v *Value[T]) Get() T { return *v.current.Load() }

// Stats are the figures of a Set.
type Stats struct {
	Reloads  uint64 // values made again after a change
	Failures uint64 // contents that were not usable
	Broken   int    // values whose files are not usable now
}

// file is a Value of any type.
type file interface {
	check(log *slog.Logger) outcome
	isBroken() bool
}

// outcome is the result of one check of a file.
type outcome int

const (
	unchanged outcome = iota
	reloaded
	failed
)

// Set checks the files of all values of a process.
type Set struct {
	log *slog.Logger

	mu    sync.Mutex // held during a check
	files []file
	stats Stats // without Broken
}

// NewSet returns a set without files. A nil log is silent.
func NewSet(log *slog.Logger) *Set {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Set{log: log}
}

// Add reads the files of a source, and adds its value to the set. It fails if the content is not usable.
func Add[T any](s *Set, src Source[T]) (*Value[T], error) {
	v := &Value[T]{src: src}
	first, hash, err := v.load()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src.Name, err)
	}
	v.seen = hash
	v.current.Store(&first)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, v)
	return v, nil
}

// Watch checks all files each second until ctx ends.
func (s *Set) Watch(ctx context.Context) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.Check()
		case <-ctx.Done():
			return
		}
	}
}

// Check reads all files once, and makes the values of changed files again.
func (s *Set) Check() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		switch f.check(s.log) {
		case reloaded:
			s.stats.Reloads++
		case failed:
			s.stats.Failures++
		case unchanged:
		}
	}
}

// Stats returns the figures.
func (s *Set) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	for _, f := range s.files {
		if f.isBroken() {
			stats.Broken++
		}
	}
	return stats
}

// check implements file. It tries a content that was not usable again, because a certificate may begin later. The
// caller holds Set.mu.
func (v *Value[T]) check(log *slog.Logger) outcome {
	next, hash, err := v.load()
	if hash == v.seen && (err != nil || !v.broken) {
		return unchanged
	}
	v.seen, v.broken = hash, err != nil
	if err != nil {
		log.Error("file not usable, its last usable content stays in use", "file", v.src.Name, "error", err)
		return failed
	}
	v.current.Store(&next)
	log.Info("file reloaded", "file", v.src.Name)
	if v.src.Changed != nil {
		v.src.Changed(next)
	}
	return reloaded
}

func (v *Value[T]) isBroken() bool { return v.broken }

// load reads and parses the files. If it cannot parse them, it reads them again until two contents are equal, because
// files that belong together are replaced one after the other. The hash covers the contents, or the error of reading.
func (v *Value[T]) load() (value T, hash [sha256.Size]byte, err error) {
	const attempts = 3
	for range attempts {
		before := hash
		var contents [][]byte
		contents, hash, err = readAll(v.src.Files, cmp.Or(v.src.MaxBytes, maxFile))
		if err == nil {
			value, err = v.src.Parse(contents)
		}
		if err == nil || hash == before {
			break
		}
	}
	return value, hash, err
}

// readAll returns the contents of files and a hash of them. For an error of reading the hash is that of its text.
func readAll(names []string, most int64) (contents [][]byte, hash [sha256.Size]byte, err error) {
	h := sha256.New()
	for _, name := range names {
		content, err := read(name, most)
		if err != nil {
			return nil, sha256.Sum256([]byte("error\x00" + err.Error())), err
		}
		fmt.Fprintf(h, "%d\x00", len(content)) // never fails
		h.Write(content)
		contents = append(contents, content)
	}
	h.Sum(hash[:0])
	return contents, hash, nil
}

// read returns the content of a file, up to the limit.
func read(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return content, errors.Join(err, f.Close())
}
