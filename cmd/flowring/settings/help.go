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
# Each setting has a flag, an environment variable and a line here; the first of these
# that is set decides. The lines below are commented out and show the defaults. Save this
# text (flowring help settings > flowring.yaml) and change the lines that you need.
`

// Document returns the documentation of all settings as a settings file with every setting commented out.
func Document() string {
	var b strings.Builder
	b.WriteString(topicHead)
	d, group := Default(), ""
	for _, s := range all() {
		if s.name == "config" {
			continue // a settings file cannot name another one
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

// yamlDefault returns the text after the colon: a list for lists, and quotes for an empty text, because no text
// would be a null.
func yamlDefault(s setting, v value) string {
	switch text := v.String(); {
	case s.list() && text != "":
		return ` ["` + strings.ReplaceAll(text, ",", `", "`) + `"]`
	case s.list():
		return " []"
	case text == "":
		return ` ""`
	default:
		return " " + text
	}
}

// Usage returns the help text of the flags under the headings of the table.
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

// Completion is the completion of the value of a flag by a shell: one of a few words, a file or a folder. Other values
// have none.
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
		case listValue:
			c.File = v.kind == "file"
		}
		completions = append(completions, c)
	}
	return completions
}
