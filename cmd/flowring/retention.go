package main

import (
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/erase"
	"flowring/cmd/flowring/retention"
)

func newRetention() *cobra.Command {
	var a access.Access
	cmd := &cobra.Command{
		Use: "retention [confirm] [FLAGS]", Short: "Print which hours are closed and deleted, and confirm a raise",
		Long: retention.About, Example: "  flowring retention\n  flowring retention confirm --token-file operator.token",
		Args: arguments(0, 1), ValidArgs: []string{"confirm"},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return retention.Show(cmd.Context(), &a, cmd.OutOrStdout(), cmd.ErrOrStderr())
			case args[0] != "confirm":
				return usage("no such action: %s (is confirm meant?)", args[0])
			}
			return retention.Confirm(cmd.Context(), &a, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addAccess(cmd, &a, 10*time.Second)
	return cmd
}

func newErase() *cobra.Command {
	var a access.Access
	var e erase.Erase
	cmd := &cobra.Command{
		Use: "erase --from HOUR --to HOUR [FLAGS]", Short: "Delete hours for good", Long: erase.About,
		Example: erase.Examples, Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return e.Run(c.Context(), &a, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	e.Flags(cmd.Flags())
	addAccess(cmd, &a, time.Minute, "from", "to", "apply")
	return cmd
}
