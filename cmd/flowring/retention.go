package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/retention"
	"flowring/router/client"
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
			err := operate(cmd, &a, func(ctx context.Context, c *client.Client) error {
				return access.CallError(c.ConfirmRetention(ctx))
			})
			if err != nil {
				return fmt.Errorf("confirm: %w", err)
			}
			return retention.Show(cmd.Context(), &a, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addAccess(cmd, &a, 10*time.Second)
	return cmd
}
