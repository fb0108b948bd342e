package main

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/backup"
	"flowring/cmd/flowring/restore"
	"flowring/cmd/flowring/settings"
	"flowring/node"
	"flowring/router/client"
)

func newBackup() *cobra.Command {
	var a access.Access
	var to string
	cmd := &cobra.Command{
		Use: "backup [FLAGS]", Short: "Back up a running node", Long: backup.About,
		Example: "  flowring backup --to monday\n  flowring backup --to monday --target http://10.0.0.7:8080",
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if urls, err := a.URLs(os.Getenv(settings.TargetVariable)); err == nil && len(urls) > 1 {
				return usage("a backup is of one node, and --target names %d", len(urls))
			}
			to = cmp.Or(to, time.Now().UTC().Format("20060102T150405Z"))
			return a.Operate(cmd.Context(), cmd.ErrOrStderr(), func(ctx context.Context, c *client.Client) error {
				return access.CallError(backup.Run(ctx, c, to, cmd.OutOrStdout(), cmd.ErrOrStderr()))
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "`name` of the folder below --backup-dir of the node (default: the time)")
	mustRegister(cmd, "to", cobra.NoFileCompletions)
	addAccess(cmd, &a, 24*time.Hour)
	cmd.Flags().Lookup("target").Usage = "`URL` of the node (default: " + settings.TargetVariable + ", or http://" +
		node.DefaultHTTPAddr + ")"
	return cmd
}

func newRestore() *cobra.Command {
	r := restore.Restore{Every: 10 * time.Second}
	cmd := &cobra.Command{
		Use: "restore BACKUP [FLAGS]", Short: "Make the data folder of a node from a backup", Long: restore.About,
		Example: "  flowring restore /backups/monday --data-dir ./flowring-data",
		Args:    arguments(1, 1), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			r.From, r.Out, r.Progress = args[0], cmd.OutOrStdout(), cmd.ErrOrStderr()
			return r.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&r.To, "data-dir", node.DefaultDataDir, "`folder` to make, missing or empty")
	mustRegister(cmd, "data-dir", folders)
	return cmd
}
