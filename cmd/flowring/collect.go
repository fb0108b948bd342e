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
		Use: "collect [FLAGS]", Short: "Collect NetFlow and sFlow, and post it", Long: collect.About, Example: collect.Examples,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.Run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	c.AddFlags(cmd.Flags())
	addAccess(cmd, &c.Access, time.Minute)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if words := strings.Split(f.Value.Type(), "|"); len(words) > 1 {
			mustRegister(cmd, f.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		}
	})
	return cmd
}
