package preset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// file is a preset as its YAML file has it.
type file struct {
	Name          string    `yaml:"name"`
	About         string    `yaml:"about"`
	Form          string    `yaml:"form"`
	Columns       []string  `yaml:"columns"`
	Records       string    `yaml:"records"`
	Metrics       texts     `yaml:"metrics"`
	Envelopes     []string  `yaml:"envelopes"`
	Key           string    `yaml:"key"`
	ID            string    `yaml:"id"`
	Src           end       `yaml:"src"`
	Dest          end       `yaml:"dest"`
	VPC           texts     `yaml:"vpc"`
	DefaultVPC    string    `yaml:"default_vpc"`
	Placeholder   *string   `yaml:"placeholder"`
	HideAddresses bool      `yaml:"hide_addresses"`
	NamesFirst    bool      `yaml:"names_first"`
	Bytes         bytesOf   `yaml:"bytes"`
	Rate          string    `yaml:"rate"`
	Interval      interval  `yaml:"interval"`
	FromInitiator bool      `yaml:"from_initiator"`
	Answer        condition `yaml:"answer"`
	Rules         []rule    `yaml:"rules"`
}

type end struct {
	Name    texts  `yaml:"name"`
	Cut     string `yaml:"cut"`
	Address texts  `yaml:"address"`
}

type bytesOf struct {
	Tx        string `yaml:"tx"`
	Rx        string `yaml:"rx"`
	AbsentIs0 bool   `yaml:"absent_is_zero"`
}

type interval struct {
	Start texts  `yaml:"start"`
	End   texts  `yaml:"end"`
	Unit  string `yaml:"unit"`
}

type rule struct {
	When     condition `yaml:"when"`
	SetAside string    `yaml:"set_aside"`
	Keep     *keep     `yaml:"keep"`
	line     int
}

type keep struct {
	MadeAt string `yaml:"made_at"`
	Tx     string `yaml:"tx"`
	Rx     string `yaml:"rx"`
}

// condition maps fields to their accepted values.
type condition map[string]texts

// texts is one text or a list of texts.
type texts []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*t = texts{n.Value}
		return nil
	}
	var list []string
	if err := n.Decode(&list); err != nil {
		return err
	}
	*t = list
	return nil
}

// UnmarshalYAML implements yaml.Unmarshaler. It keeps the line for errors. Its own decoding refuses unknown keys,
// because a decoder passes that setting on to no Unmarshaler.
func (r *rule) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains([]string{"when", "set_aside", "keep"}, key.Value) {
			return fmt.Errorf("line %d: a rule has when, set_aside and keep, not %q", key.Line, key.Value)
		}
	}
	type plain rule
	if err := n.Decode((*plain)(r)); err != nil {
		return err
	}
	r.line = n.Line
	return nil
}

// maxFile is the largest preset in bytes.
const maxFile = 64 << 10

// decode reads a YAML file with one document. It refuses unknown keys.
func decode(content []byte) (*file, error) {
	if len(content) > maxFile {
		return nil, fmt.Errorf("a preset has at most %d bytes", maxFile)
	}
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	var f file
	if err := d.Decode(&f); err != nil {
		return nil, errors.New(strings.TrimPrefix(strings.ReplaceAll(err.Error(), " in type preset.file", ""), "yaml: "))
	}
	if err := d.Decode(new(yaml.Node)); err != io.EOF {
		return nil, errors.New("the file has more than one document")
	}
	return &f, nil
}
