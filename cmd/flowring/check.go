package main

import (
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/check"
)

const aboutCheck = `Check the data folder of a stopped node.

The check reads every batch and every snapshot in the folder, compares their checksums, and
adds each hour up again. It changes nothing in the folder. It needs the time to read all of
it, and shows its progress each 10 seconds.

The exit code is 0 for an intact folder. For a damaged one it is 1, with a line for each
damaged hour. A node with a damaged hour fetches it from the other nodes once it runs again.`

func newCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check DIR", Short: "Check the data folder of a stopped node", Long: aboutCheck,
		Example: "  flowring check ./flowring-data",
		Args:    arguments(1, 1), DisableFlagsInUseLine: true,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c := check.Check{
				Folder: args[0], Findings: cmd.OutOrStdout(), Progress: cmd.ErrOrStderr(), Every: 10 * time.Second,
			}
			return c.Run(cmd.Context())
		},
	}
}
