package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/about"
	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/ask"
	"flowring/cmd/flowring/output"
	"flowring/internal/contract"
)

// queryTimeout is the timeout of a query; a node gives up after 30 s.
const queryTimeout = 40 * time.Second

// getFlags are the flags of get.
type getFlags struct {
	access            access.Access
	question          ask.Question
	format            format
	partial, complete bool
	all, exact        bool
}

func newGet() *cobra.Command {
	var g getFlags
	cmd := &cobra.Command{
		Use: "get [HOUR] [FLAGS]", Short: "Print the flows of an hour, or ask about many hours", Long: about.Get,
		Example: about.GetExamples, Args: arguments(0, 1),
		RunE:              func(cmd *cobra.Command, args []string) error { return g.run(cmd, args) },
		ValidArgsFunction: cobra.FixedCompletions([]string{"now", "now-1"}, cobra.ShellCompDirectiveNoFileComp),
	}
	cmd.SetFlagErrorFunc(hintNegative)
	addAccess(cmd, &g.access, 10*time.Second)
	g.format = newFormat(cmd, output.FormatTable, output.FormatJSON, output.FormatNDJSON, output.FormatCSV)
	cmd.Flags().BoolVar(&g.partial, "partial", false,
		"print the flows of the stores that answer, even if a store that should hold them does not")
	cmd.Flags().BoolVar(&g.complete, "require-complete", false,
		"fail unless the answer is known to hold all acknowledged records")
	g.question.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&g.all, "all", false, "print all pages of an answer with --limit; all rows in a table")
	addExact(cmd, &g.exact)
	completeQuestion(cmd, &g.access, &g.question)
	return cmd
}

// addExact adds the flag for the sums of a table.
func addExact(cmd *cobra.Command, exact *bool) {
	cmd.Flags().BoolVar(exact, "exact", false, "print the bytes in a table with all their digits")
}

// run prints an hour as a whole, or the answer to a query.
func (g *getFlags) run(cmd *cobra.Command, args []string) error {
	need, err := g.need()
	if err != nil {
		return err
	}
	values := g.question.Values()
	if len(args) == 0 && !values.Has("from") {
		return usage("an argument is missing: %s, or --from", cmd.UseLine())
	}
	p := ask.NewPrinter(&g.access, cmd.OutOrStdout(), cmd.ErrOrStderr(), g.format.of(cmd), g.exact)
	p.All = g.all
	if len(args) == 1 {
		hour, err := ask.ParseHour(args[0], time.Now())
		switch {
		case err != nil:
			return usageError{err}
		case len(values) == 0:
			return p.Hour(cmd.Context(), hour, need)
		case values.Has("from") || values.Has("to"):
			return usage("HOUR and --from or --to contradict each other")
		}
		values.Set("hour", hour.String())
	}
	ask.AddNeed(values, need)
	if !cmd.Flags().Changed("timeout") {
		g.access.Timeout = queryTimeout
	}
	g.access.Attempt = g.access.Timeout
	return p.Print(cmd.Context(), ask.PathFlows, values)
}

func (g *getFlags) need() (contract.Need, error) {
	switch {
	case g.partial && g.complete:
		return 0, usage("--partial and --require-complete contradict each other")
	case g.partial:
		return contract.NeedPartial, nil
	case g.complete:
		return contract.NeedComplete, nil
	}
	return contract.NeedUnproven, nil
}

// hintNegative adds a hint to the flag error of a negative hour.
func hintNegative(_ *cobra.Command, err error) error {
	text := err.Error()
	if strings.HasPrefix(text, "unknown shorthand flag: ") && strings.ContainsAny(text, "0123456789") {
		err = fmt.Errorf("%w (a negative hour goes after two dashes: flowring get -- -5)", err)
	}
	return usageError{err}
}
