package main

import (
	"github.com/spf13/cobra"

	"flowring/cmd/flowring/about"
	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/ask"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/retention"
)

func newHours() *cobra.Command {
	var a access.Access
	var question ask.Question
	var format format
	var exact bool
	cmd := &cobra.Command{
		Use: "hours [FLAGS]", Short: "Print the hours that have flows, with their totals", Long: about.Hours,
		Example: "  flowring hours\n  flowring hours --from -7d --format csv",
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.Attempt = a.Timeout
			values := question.Values()
			if !values.Has("from") {
				values.Set("from", "-24h")
			}
			p := ask.NewPrinter(&a, cmd.OutOrStdout(), cmd.ErrOrStderr(), format.of(cmd), exact)
			if err := p.Print(cmd.Context(), ask.PathHours, values); err != nil || p.Format != output.FormatTable {
				return err
			}
			retention.Note(cmd.Context(), &a, cmd.ErrOrStderr())
			return nil
		},
	}
	addAccess(cmd, &a, queryTimeout)
	format = newFormat(cmd, output.FormatTable, output.FormatJSON, output.FormatNDJSON, output.FormatCSV)
	question.AddRange(cmd.Flags())
	addExact(cmd, &exact)
	completeRange(cmd)
	return cmd
}
