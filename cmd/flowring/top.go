package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/ask"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/settings"
	"flowring/cmd/flowring/table"
	"flowring/cmd/flowring/top"
)

func newTop() *cobra.Command {
	var a access.Access
	var question ask.Question
	var screen top.Screen
	var exact bool
	cmd := &cobra.Command{
		Use: "top [FLAGS]", Short: "Show the largest groups of flows, live", Long: top.About,
		Example: "  flowring top\n  flowring top --from -24h --src-app 'web-*' --group-by dest_app",
		Args:    arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if screen.Every < time.Second/10 {
				return usage("--every: %v is less than 100ms", screen.Every)
			}
			screen.Values = question.Values()
			if !screen.Values.Has("from") {
				screen.Values.Set("from", "now")
			}
			screen.Style = table.Style{Colour: output.Colour(cmd.OutOrStdout()), Exact: exact}
			err := screen.Show(cmd.Context(), &a, cmd.InOrStdin(), cmd.OutOrStdout())
			if errors.Is(err, top.ErrNoTerminal) {
				return usageError{err}
			}
			return err
		},
	}
	addAccess(cmd, &a, 10*time.Second)
	question.AddGroups(cmd.Flags())
	addExact(cmd, &exact)
	cmd.Flags().DurationVar(&screen.Every, "every", 2*time.Second, "time between two questions")
	settings.QuantityVar(cmd.Flags(), &screen.Rounds, "rounds", "`number` of answers until the end; 0 for no end")
	mustRegister(cmd, "every", cobra.NoFileCompletions)
	mustRegister(cmd, "rounds", cobra.NoFileCompletions)
	completeQuestion(cmd, &a, &question)
	return cmd
}
