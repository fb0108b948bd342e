package main

import (
	"github.com/spf13/cobra"
)

// format is the flag that says how to print an answer.
type format struct{ choiceValue }

// newFormat gives cmd the flag, with the formats it has.
func newFormat(cmd *cobra.Command, words ...string) format {
	f := format{choiceValue{new(string), words}}
	cmd.Flags().Var(f, "format", "how to print (default: "+formatTable+" on a terminal, else "+formatJSON+")")
	mustRegister(cmd, "format", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	return f
}

// of returns the format to print in: the one asked for, or the one that suits where stdout goes.
func (f format) of(cmd *cobra.Command) string {
	switch {
	case *f.field != "":
		return *f.field
	case terminal(cmd.OutOrStdout()):
		return formatTable
	}
	return formatJSON
}
