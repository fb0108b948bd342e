package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"flowring/internal/buildinfo"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this build",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "flowring", buildinfo.Read())
			return err
		},
	}
}
