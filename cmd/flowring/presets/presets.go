// Package presets answers one question: which text does the command presets print? It lists the embedded presets for
// bodies of other programs, and finds the one of a name or of a file.
//
// A name with a dot is that of a file, as the setting --presets takes it. The file is parsed, so that its faults are
// found before a node meets them.
//
// The package has no state. Its functions may be called concurrently.
package presets

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"flowring/flow/ingest/preset"
)

// UnknownError is the error of a name without a preset.
type UnknownError struct {
	Name  string
	Known []string
}

// Error names the presets that there are.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("no such preset: %s (there are %s)", e.Name, strings.Join(e.Known, ", "))
}

// List prints each embedded preset with its path and the first line of its explanation.
func List(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, p := range preset.Builtin() {
		path := "/ingest/" + p.Name
		if p.Form == "otlp" {
			path = "-"
		}
		summary, _, _ := strings.Cut(p.About, "\n")
		fmt.Fprintf(w, "%s\t%s\t%s\n", p.Name, path, summary)
	}
	return w.Flush()
}

// Names returns the names of the embedded presets.
func Names() (names []string) {
	for _, p := range preset.Builtin() {
		names = append(names, p.Name)
	}
	return names
}

// Of returns the embedded preset with a name, or that of a file. It fails with an *UnknownError for another name.
func Of(name string) (*preset.Preset, error) {
	set := preset.NewSet()
	if p := set.Get(name); p != nil {
		return p, nil
	}
	if !strings.Contains(name, ".") {
		return nil, &UnknownError{name, set.Names()}
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	p, err := preset.Parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}
