package main

import (
	"strings"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/ask"
)

// completeRange proposes the ends of a range.
func completeRange(cmd *cobra.Command) {
	ends := cobra.FixedCompletions([]string{"now", "-1h", "-24h", "-7d"}, cobra.ShellCompDirectiveNoFileComp)
	mustRegister(cmd, "from", ends)
	mustRegister(cmd, "to", ends)
}

// completeQuestion proposes the values of the flags of a query. Names come from the running node.
func completeQuestion(cmd *cobra.Command, a *access.Access, question *ask.Question) {
	completeRange(cmd)
	for flag, field := range ask.Lists() {
		mustRegister(cmd, flag, completeNames(a, strings.TrimSuffix(field, "!"), question))
	}
	for flag, words := range map[string][]string{
		"by": {"bytes", "bytes_tx", "bytes_rx"}, "series": {"hour", "day"}, "top": nil, "limit": nil, "min-bytes": nil,
		"sort": {"-bytes", "-bytes_tx", "-bytes_rx", "bytes", "bytes_tx", "bytes_rx", "hour", "day", "src_app", "dest_app",
			"vpc_id"},
	} {
		if cmd.Flags().Lookup(flag) == nil { // top has fewer flags than get
			continue
		}
		mustRegister(cmd, flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	mustRegister(cmd, "group-by", completeFields)
}

// completePresets proposes names of presets. They are read when a shell asks, because each other command would pay for
// the parsing of all presets.
func completePresets(names func() []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveDefault
	}
}

// completeFields proposes a further field of a list with commas.
func completeFields(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	before := begun[:strings.LastIndex(begun, ",")+1]
	var lists []string
	for _, field := range []string{"hour", "day", "src_app", "dest_app", "vpc_id"} {
		if !strings.Contains(","+before, ","+field+",") {
			lists = append(lists, before+field)
		}
	}
	return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeNames proposes names of a field that the cluster has; none if no node answers soon.
func completeNames(a *access.Access, field string, question *ask.Question) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		a.Timeout = completionTimeout
		return ask.Names(cmd.Context(), a, field, begun, question.Values()), cobra.ShellCompDirectiveNoFileComp
	}
}
