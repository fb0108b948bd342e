package presets

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPresetsAreListed(t *testing.T) {
	var out bytes.Buffer
	row := regexp.MustCompile(`(?m)^flp +/ingest/flp +Flow logs.*\n(?:.*\n)*obi +- +Network`)
	if err := List(&out); err != nil || !row.MatchString(out.String()) {
		t.Errorf("list = %v\n%s", err, out.String())
	}
}

func TestAPresetIsFoundByNameOrFile(t *testing.T) {
	p, err := Of("flp")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(file, bytes.Replace(p.Text, []byte("name: flp"), []byte("name: own"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if own, err := Of(file); err != nil || own.Name != "own" {
		t.Errorf("preset of a file = %+v, %v", own, err)
	}
	if err := os.WriteFile(file, []byte("name: own\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Of(file); err == nil || !strings.Contains(err.Error(), "own.yaml: form") {
		t.Errorf("preset of a file with a fault = %v", err)
	}
	if _, err := Of("flq"); !errors.As(err, new(*UnknownError)) {
		t.Errorf("preset of no name = %v, want an UnknownError", err)
	}
	if _, err := Of("none.yaml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("preset of no file = %v", err)
	}
}
