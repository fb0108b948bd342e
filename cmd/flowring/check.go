package main

import (
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/check"
)

func newCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check DIR", Short: "Check the data folder of a stopped node", Long: check.About,
		Example: "  flowring check ./flowring-data",
		Args:    arguments(1, 1), DisableFlagsInUseLine: true,
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			c := check.Check{
				Folder: args[0], Findings: cmd.OutOrStdout(), Progress: cmd.ErrOrStderr(), Every: 10 * time.Second,
			}
			return c.Run(cmd.Context())
		},
	}
}
