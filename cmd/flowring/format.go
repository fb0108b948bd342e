package main

import (
	"github.com/spf13/cobra"

	"flowring/cmd/flowring/settings"
)

// format is the flag that says how to print an answer.
type format struct{ settings.Choice }

// newFormat gives cmd the flag, with the formats it has.
func newFormat(cmd *cobra.Command, words ...string) format {
	f := format{settings.Choice{Field: new(string), Words: words}}
	cmd.Flags().Var(f, "format", "how to print (default: "+formatTable+" on a terminal, else "+formatJSON+")")
	mustRegister(cmd, "format", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	return f
}

// of returns the format to print in: the one asked for, or the one that suits where stdout goes.
func (f format) of(cmd *cobra.Command) string {
	switch {
	case *f.Field != "":
		return *f.Field
	case terminal(cmd.OutOrStdout()):
		return formatTable
	}
	return formatJSON
}
