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

// UnmarshalYAML implements yaml.Unmarshaler. It keeps the line for errors.
func (r *rule) UnmarshalYAML(n *yaml.Node) error {
	if err := onlyKeys(n, "a rule", "when", "set_aside", "keep"); err != nil {
		return err
	}
	type plain rule
	if err := n.Decode((*plain)(r)); err != nil {
		return err
	}
	r.line = n.Line
	return nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (k *keep) UnmarshalYAML(n *yaml.Node) error {
	if err := onlyKeys(n, "keep", "made_at", "tx", "rx"); err != nil {
		return err
	}
	type plain keep
	return n.Decode((*plain)(k))
}

// onlyKeys refuses a mapping with another key than the three given ones. The decoder itself does not do so within an
// Unmarshaler, because it passes KnownFields on to none.
func onlyKeys(n *yaml.Node, of, a, b, c string) error {
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains([]string{a, b, c}, key.Value) {
			return fmt.Errorf("line %d: %s has %s, %s and %s, not %q", key.Line, of, a, b, c, key.Value)
		}
	}
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
		return nil, decodeError(err)
	}
	if err := d.Decode(new(yaml.Node)); err != io.EOF {
		return nil, errors.New("the file has more than one document")
	}
	return &f, nil
}

// decodeError returns an error of package yaml as one line, without names of Go types.
func decodeError(err error) error {
	var faults *yaml.TypeError
	if !errors.As(err, &faults) {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var all []string
	for _, fault := range faults.Errors {
		fault, _, _ = strings.Cut(fault, " in type preset.")
		fault, _, _ = strings.Cut(fault, " into preset.")
		all = append(all, fault)
	}
	return errors.New(strings.Join(all, "; "))
}
