package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is where help texts wrap, in characters.
const helpWidth = 110

const topicHead = `# The settings of ` + "`flowring serve`" + `, as a file for --config.
#
# Each can be set by its flag, its environment variable or its line here; the first of
# these that has it decides. What is commented out below shows the default. Save this
# text (flowring help settings > flowring.yaml) and change what you need.
`

// newSettingsTopic explains all settings in the form of a settings file that can be used as it is.
func newSettingsTopic() *cobra.Command {
	topic := &cobra.Command{Use: "settings", Short: "All settings of serve, as a settings file to start from"}
	topic.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), settingsFile()) })
	return topic
}

// settingsFile returns the documentation of all settings as YAML, every setting commented out.
func settingsFile() string {
	var b strings.Builder
	b.WriteString(topicHead)
	d, group := defaults(), ""
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

// serveUsage prints the flags under the headlines of the table.
func serveUsage(cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n\nExamples:\n%s\n", cmd.UseLine(), cmd.Example)
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
		flags.AddFlag(cmd.Flags().Lookup(s.name))
	}
	flush()
	_, err := io.WriteString(cmd.OutOrStdout(), b.String())
	return err
}

// completeSettings lets the shell complete the values of flags.
func completeSettings(cmd *cobra.Command) {
	d := defaults()
	for _, s := range all() {
		complete := cobra.NoFileCompletions
		switch v := s.value(&d).(type) {
		case choiceValue:
			complete = cobra.FixedCompletions(v.words, cobra.ShellCompDirectiveNoFileComp)
		case textValue:
			if v.kind == "file" {
				continue // the shell's own completion
			}
			if v.kind == "folder" {
				complete = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
			}
		}
		mustRegister(cmd, s.name, complete)
	}
}

// mustRegister sets the completion of a flag that is known to exist.
func mustRegister(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err)
	}
}
