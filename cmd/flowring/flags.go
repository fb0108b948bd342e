package main

import (
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/settings"
)

// addAccess adds the flags of a client command to cmd. A shell completes no files for them, nor for the others.
func addAccess(cmd *cobra.Command, a *access.Access, timeout time.Duration, others ...string) {
	a.AddFlags(cmd.Flags(), timeout)
	for _, flag := range append(others, "target", "timeout", "header") {
		mustRegister(cmd, flag, cobra.NoFileCompletions)
	}
}

// mustRegister sets the completion of a flag that is known to exist.
func mustRegister(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err)
	}
}

// folders has a shell complete folders.
func folders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// format is the flag for the format of an answer.
type format struct{ settings.Choice }

// newFormat adds the flag with its formats to cmd.
func newFormat(cmd *cobra.Command, words ...string) format {
	f := format{settings.Choice{Field: new(string), Words: words}}
	cmd.Flags().Var(f, "format",
		"format of the output (default: "+output.FormatTable+" on a terminal, else "+output.FormatJSON+")")
	mustRegister(cmd, "format", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	return f
}

// of returns the format: that of the flag, or the default for a terminal or another output.
func (f format) of(cmd *cobra.Command) string {
	switch {
	case *f.Field != "":
		return *f.Field
	case output.Terminal(cmd.OutOrStdout()):
		return output.FormatTable
	}
	return output.FormatJSON
}
