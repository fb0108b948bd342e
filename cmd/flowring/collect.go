package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flowring/cmd/flowring/collect"
)

func newCollect() *cobra.Command {
	c := collect.New()
	cmd := &cobra.Command{
		Use: "collect [FLAGS]", Short: "Collect NetFlow and sFlow, and post it", Long: collect.About,
		Example: collect.Examples,
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.Run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	c.AddFlags(cmd.Flags())
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch of, _ := pflag.UnquoteUsage(f); {
		case of == "file": // the shell completes files by itself
		case of == "folder":
			mustRegister(cmd, f.Name, folders)
		case strings.Contains(of, "|"):
			mustRegister(cmd, f.Name, cobra.FixedCompletions(strings.Split(of, "|"), cobra.ShellCompDirectiveNoFileComp))
		default:
			mustRegister(cmd, f.Name, cobra.NoFileCompletions)
		}
	})
	addAccess(cmd, &c.Access, time.Minute)
	return cmd
}
