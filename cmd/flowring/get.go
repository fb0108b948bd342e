package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/ask"
	"flowring/cmd/flowring/output"
	"flowring/internal/contract"
)

const aboutGet = `Print the flows of an hour, with their total bytes; or ask about many hours.

HOUR is a whole number, by convention of hours since 1970-01-01 00:00 UTC; "now" is the
current hour, "now-1" the hour before. A negative number goes after two dashes.

A flag of a query asks the cluster to filter, group, sort and add up, over HOUR or over the
hours of --from and --to. The sums are exact. On a terminal the answer is a table with a bar
for the share of each row; elsewhere it has the bytes of the node, as JSON, NDJSON or CSV.
A query waits for an answer for 40 seconds, unless --timeout is given.

Without a flag the answer holds all batches of the stores that should hold the hours. If
another store does not answer and may hold more of them, a note on stderr says so.

Names come from the senders of records. On a terminal, control characters in names are
escaped. A CSV file has the names unchanged: a spreadsheet takes a cell that begins with
=, +, - or @ for a formula, so import the file with all columns as text.`

const examplesGet = `  flowring get now
  flowring get now-1 --format csv > last-hour.csv
  flowring get 20 --require-complete --format json | jq 'map(.bytes_tx) | add'
  flowring get 20 --require-complete --format ndjson | flowring post --key copy-of-20 --target n2:80
  flowring get -- -5

  flowring get --from -24h --src-app 'web-*' --group-by src_app --top 10
  flowring get --from -7d --app payments --group-by day,vpc_id --format csv > payments.csv
  flowring get now --group-by dest_app --sort -bytes_rx --limit 20 --exact`

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
		Use: "get [HOUR] [FLAGS]", Short: "Print the flows of an hour, or ask about many hours", Long: aboutGet,
		Example: examplesGet, Args: arguments(0, 1),
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
