package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/flow"
	"flowring/flow/field"
	"flowring/internal/contract"
)

const aboutGet = `Print the flows of an hour, with their total bytes.

HOUR is a whole number, by convention of hours since 1970-01-01 00:00 UTC; "now" is the
current hour, "now-1" the hour before. A negative number goes after two dashes.

Without a flag the answer holds all batches of the stores that should hold the hour. If
another store does not answer and may hold more of the hour, a note on stderr says so.

Names come from the senders of records. On a terminal, control characters in names are
escaped. A CSV file has the names unchanged: a spreadsheet takes a cell that begins with
=, +, - or @ for a formula, so import the file with all columns as text.`

const examplesGet = `  flowring get now
  flowring get now-1 --format csv > last-hour.csv
  flowring get 20 --require-complete --format json | jq 'map(.bytes_tx) | add'
  flowring get 20 --require-complete --format ndjson | flowring post --key copy-of-20 --target n2:80
  flowring get -- -5`

func newGet() *cobra.Command {
	var a access.Access
	var partial, complete bool
	var format format
	cmd := &cobra.Command{
		Use: "get HOUR [FLAGS]", Short: "Print the flows of an hour", Long: aboutGet, Example: examplesGet,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			hour, err := parseHour(args[0], time.Now())
			if err != nil {
				return usageError{err}
			}
			need := contract.NeedUnproven
			switch {
			case partial && complete:
				return usage("--partial and --require-complete contradict each other")
			case partial:
				need = contract.NeedPartial
			case complete:
				need = contract.NeedComplete
			}
			return runGet(cmd, &a, hour, need, format.of(cmd))
		},
		ValidArgsFunction: cobra.FixedCompletions([]string{"now", "now-1"}, cobra.ShellCompDirectiveNoFileComp),
	}
	cmd.SetFlagErrorFunc(hintNegative)
	addAccess(cmd, &a, 10*time.Second)
	format = newFormat(cmd, output.FormatTable, output.FormatJSON, output.FormatNDJSON, output.FormatCSV)
	cmd.Flags().BoolVar(&partial, "partial", false,
		"print the flows of the stores that answer, even if a store that should hold the hour does not")
	cmd.Flags().BoolVar(&complete, "require-complete", false,
		"fail unless the answer is known to hold all acknowledged records")
	return cmd
}

// hintNegative adds a hint to the flag error of a negative hour.
func hintNegative(_ *cobra.Command, err error) error {
	text := err.Error()
	if strings.HasPrefix(text, "unknown shorthand flag: ") && strings.ContainsAny(text, "0123456789") {
		err = fmt.Errorf("%w (a negative hour goes after two dashes: flowring get -- -5)", err)
	}
	return usageError{err}
}

// parseHour reads a number, or "now" with a number of hours to subtract.
func parseHour(text string, now time.Time) (flow.Hour, error) {
	bad := fmt.Errorf("%q is no hour: want a whole number, now, or now-1", text)
	if hour, ok := field.HourOfTime(text); ok {
		bad = fmt.Errorf("%w; its hour is %d", bad, hour)
	}
	back, relative := strings.CutPrefix(text, "now")
	if !relative {
		hour, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, bad
		}
		return flow.Hour(hour), nil
	}
	current := flow.Hour(now.Unix() / 3600)
	if back == "" {
		return current, nil
	}
	hours, err := strconv.ParseUint(strings.TrimPrefix(back, "-"), 10, 32)
	if err != nil || back[0] != '-' {
		return 0, bad
	}
	return current - flow.Hour(hours), nil
}

// runGet gets the hour and prints it.
func runGet(cmd *cobra.Command, a *access.Access, hour flow.Hour, need contract.Need, format string) error {
	c, err := a.Client(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	ctx, answered, cancel := a.Bound(cmd.Context())
	defer cancel()
	answer, err := a.Get(ctx, c, hour, need)
	answered()
	if err != nil {
		return err
	}
	defer answer.Close()
	noteCompleteness(cmd.ErrOrStderr(), hour, answer.Complete)
	p := output.Flows{Format: format, Hour: hour, Terminal: output.Terminal(cmd.OutOrStdout())}
	return p.Write(cmd.OutOrStdout(), answer)
}

// noteCompleteness prints a note if an answer may be incomplete (P5).
func noteCompleteness(stderr io.Writer, hour flow.Hour, complete contract.Completeness) {
	switch complete {
	case contract.Complete:
	case contract.Unproven:
		fmt.Fprintf(stderr, "flowring: note: hour %d may be incomplete: "+
			"a store that may hold a part of it did not answer\n", hour)
	default:
		fmt.Fprintf(stderr, "flowring: note: hour %d is incomplete: a store that should hold it did not answer\n", hour)
	}
}
