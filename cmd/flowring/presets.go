package main

import (
	"errors"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/presets"
)

const aboutPresets = `List the presets for bodies of other programs, or print one.

A preset is a YAML file that gives the fields of a body a meaning. 'flowring serve --presets FILE'
takes a changed copy. An argument with a dot is such a file, which is checked and printed.`

const examplesPresets = `  flowring presets aws-vpc > our-aws.yaml
  flowring presets ./our-aws.yaml`

func newPresets() *cobra.Command {
	return &cobra.Command{
		Use: "presets [NAME|FILE]", Short: "List or print the presets for bodies of other programs",
		Long: aboutPresets, Example: examplesPresets, Args: arguments(0, 1),
		ValidArgsFunction: cobra.FixedCompletions(presets.Names(), cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return presets.List(cmd.OutOrStdout())
			}
			p, err := presets.Of(args[0])
			if errors.As(err, new(*presets.UnknownError)) {
				return usageError{err}
			}
			if err == nil {
				_, err = cmd.OutOrStdout().Write(p.Text)
			}
			return err
		},
	}
}
