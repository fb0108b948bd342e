package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"flowring/internal/reload"
)

// MaxKeys is the limit of keys in a file. A rotation needs two.
const MaxKeys = 16

// Keys are the keys of the gossip, the encrypting one first. The zero value has no key.
type Keys [][]byte

// File is a file of keys that is followed. The methods of a nil File are those of a node without keys.
type File struct{ value *reload.Value[Keys] }

// Open reads the keys of a file, and follows it from now on. changed runs after each reload. Without a name it returns
// nil.
func Open(files *reload.Set, name string, changed func(Keys)) (*File, error) {
	if name == "" {
		return nil, nil
	}
	value, err := reload.Add(files, source(name, changed))
	if err != nil {
		return nil, err
	}
	return &File{value}, nil
}

// Keys returns the keys of the last usable content.
func (f *File) Keys() Keys {
	if f == nil {
		return nil
	}
	return f.value.Get()
}

func source(file string, changed func(Keys)) reload.Source[Keys] {
	return reload.Source[Keys]{
		Name: "gossip keys", Files: []string{file}, Changed: changed,
		Parse: func(contents [][]byte) (Keys, error) {
			keys, err := Parse(contents[0])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			return keys, nil
		},
	}
}

// Parse returns the keys of a file's content.
func Parse(content []byte) (Keys, error) {
	var keys Keys
	number := 0
	for line := range bytes.Lines(content) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, err := parseKey(line)
		if err == nil && slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) }) {
			err = errors.New("the key of an earlier line")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		keys = append(keys, key)
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("no key")
	case len(keys) > MaxKeys:
		return nil, fmt.Errorf("%d keys, at most %d", len(keys), MaxKeys)
	}
	return keys, nil
}

// parseKey decodes the key of one line.
func parseKey(line []byte) ([]byte, error) {
	key := make([]byte, base64.StdEncoding.DecodedLen(len(line)))
	n, err := base64.StdEncoding.Decode(key, line)
	if err != nil { // its text names a position alone
		return nil, fmt.Errorf("not base64: %w", err)
	}
	if n != 16 && n != 24 && n != 32 {
		return nil, fmt.Errorf("%d bytes, want 16, 24 or 32", n)
	}
	return key[:n:n], nil
}

// ID returns a number below 2^24 that is equal for equal keys in the same order; 0: there are no keys.
func (k Keys) ID() int {
	if len(k) == 0 {
		return 0
	}
	h := sha256.New()
	h.Write([]byte("flowring gossip keys"))
	for _, key := range k {
		h.Write([]byte{byte(len(key))})
		h.Write(key)
	}
	sum := h.Sum(nil)
	return max(1, int(sum[0])<<16|int(sum[1])<<8|int(sum[2]))
}
