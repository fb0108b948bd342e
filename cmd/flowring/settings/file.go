package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fromFile returns the assignments of the settings file. The last of the other assignments of config names the file.
func fromFile(others []assignment) ([]assignment, error) {
	path, from := "", ""
	for _, a := range others {
		if a.setting.name == "config" {
			path, from = a.text, a.from
		}
	}
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return parseFile(path, text)
}

// parseFile reads a YAML mapping of settings to plain values or lists. It works on YAML nodes, because they keep the
// line and the text of each value.
func parseFile(path string, text []byte) ([]assignment, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil // only comments
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one YAML document", path)
	}
	mapping := document.Content[0]
	if mapping.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: want lines of the form \"setting: value\"", path, mapping.Line)
	}
	var as []assignment
	seen := map[string]int{} // line of each key
	for pair := range slices.Chunk(mapping.Content, 2) {
		a, err := parsePair(path, pair[0], pair[1])
		if err != nil {
			return nil, err
		}
		if line, again := seen[a.setting.name]; again {
			return nil, fmt.Errorf("%s: set before, on line %d", a.from, line)
		}
		seen[a.setting.name] = pair[0].Line
		as = append(as, a)
	}
	return as, nil
}

// parsePair reads one setting of the file.
func parsePair(path string, key, val *yaml.Node) (assignment, error) {
	from := fmt.Sprintf("%s:%d: %s", path, key.Line, key.Value)
	s, known := lookup(key.Value)
	if !known {
		return assignment{}, fmt.Errorf("%s: no such setting%s", from, suggestion(key.Value))
	}
	if s.name == "config" {
		return assignment{}, fmt.Errorf("%s: a settings file cannot name another settings file", from)
	}
	text, err := plain(val, s.list())
	if err != nil {
		return assignment{}, fmt.Errorf("%s: %w", from, err)
	}
	return assignment{s, text, from}, nil
}

// plain returns the text of a value as it is written. The values of a list are joined with commas.
func plain(val *yaml.Node, list bool) (string, error) {
	switch {
	case val.Kind == yaml.ScalarNode && val.Tag == "!!null":
		return "", errors.New("has no value")
	case val.Kind == yaml.ScalarNode:
		return val.Value, nil
	case val.Kind != yaml.SequenceNode || !list:
		return "", errors.New("want a plain value")
	}
	var texts []string
	for _, v := range val.Content {
		text, err := plain(v, false)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ","), nil
}

// suggestion returns a hint at the setting with the same words in another spelling.
func suggestion(key string) string {
	bare := func(name string) string {
		words := strings.NewReplacer("-", "", "_", "", ".", "").Replace(name)
		return strings.TrimPrefix(strings.ToLower(words), "flowring")
	}
	for _, s := range all() {
		if bare(s.name) == bare(key) {
			return fmt.Sprintf(" (is %s meant?)", s.name)
		}
	}
	return ""
}
