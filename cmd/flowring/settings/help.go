package settings

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// helpWidth is the width of help texts, in characters.
const helpWidth = 110

const topicHead = `# The settings of ` + "`flowring serve`" + `, as a file for --config.
#
# Each can be set by its flag, its environment variable or its line here; the first of
# these that has it decides. What is commented out below shows the default. Save this
# text (flowring help settings > flowring.yaml) and change what you need.
`

// Document returns the documentation of all settings as YAML, every setting commented out.
func Document() string {
	var b strings.Builder
	b.WriteString(topicHead)
	d, group := Default(), ""
	for _, s := range all() {
		if s.name == "config" {
			continue // makes no sense inside the file
		}
		if s.group != group {
			group = s.group
			fmt.Fprintf(&b, "\n# ---- %s ----\n", group)
		}
		v := s.value(&d)
		fmt.Fprintf(&b, "\n# %s\n# --%s %s, %s\n#%s:%s\n", s.help, s.name, v.Type(), s.env(), s.name, yamlDefault(s, v))
	}
	return b.String()
}

// yamlDefault returns what follows the colon: an empty list where addresses are asked for, and an empty text in quotes, because
// nothing at all would be a null.
func yamlDefault(s setting, v value) string {
	switch text := v.String(); {
	case s.list():
		return " []"
	case text == "":
		return ` ""`
	default:
		return " " + text
	}
}

// Usage returns the help text of the flags, under the headlines of the table.
func Usage(fs *pflag.FlagSet) string {
	var b strings.Builder
	group, flags := "", new(pflag.FlagSet)
	flush := func() {
		if group != "" {
			fmt.Fprintf(&b, "\n%s:\n%s", group, flags.FlagUsagesWrapped(helpWidth))
		}
	}
	for _, s := range all() {
		if s.group != group {
			flush()
			group, flags = s.group, new(pflag.FlagSet)
			flags.SortFlags = false
		}
		flags.AddFlag(fs.Lookup(s.name))
	}
	flush()
	return b.String()
}

// Completion says how a shell completes the value of a flag: with one of a few words, the name of a file or that of a folder. Other
// values have no completion.
type Completion struct {
	Flag         string
	Words        []string
	File, Folder bool
}

// Completions returns the completion of each flag.
func Completions() []Completion {
	var completions []Completion
	d := Default()
	for _, s := range all() {
		c := Completion{Flag: s.name}
		switch v := s.value(&d).(type) {
		case Choice:
			c.Words = v.Words
		case textValue:
			c.File, c.Folder = v.kind == "file", v.kind == "folder"
		}
		completions = append(completions, c)
	}
	return completions
}
