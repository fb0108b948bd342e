package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGossipKeys(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		bytes      int
		want       string // part of the error
	}{
		{"16 bytes", "AAAAAAAAAAAAAAAAAAAAAA==\n", 16, ""},
		{"32 bytes", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 32, ""},
		{"15 bytes", "AAAAAAAAAAAAAAAAAAAA", 0, "15 bytes, want 16, 24 or 32"},
		{"not base64", "!", 0, "not base64"},
		{"empty", "", 0, "0 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			key, err := readKey(path)
			if len(key) != tt.bytes || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("readKey(%q) = %d bytes, %v, want %d, %q", tt.text, len(key), err, tt.bytes, tt.want)
			}
			if err != nil && tt.text != "" && strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error %q shows the key", err)
			}
		})
	}
	if _, err := readKey(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("readKey(no file) = %v, want that it does not exist", err)
	}
	if key, err := readKey(""); key != nil || err != nil {
		t.Errorf("readKey() = %v, %v, want no key", key, err)
	}
}
