package main

import (
	"errors"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/presets"
)

func newPresets() *cobra.Command {
	return &cobra.Command{
		Use: "presets [NAME|FILE]", Short: "List or print the presets for bodies of other programs",
		Long: presets.About, Example: presets.Examples, Args: arguments(0, 1),
		ValidArgsFunction: completePresets(presets.Names),
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
