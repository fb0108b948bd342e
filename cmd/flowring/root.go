package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"flowring/internal/buildinfo"
)

const aboutProgram = `Flowring adds up network flow records by the hour, on a cluster of equal nodes.

Agents POST records to any node; a GET at any node returns the flows of an hour with their
total bytes. This program is both the node and the command line; it needs no database,
broker or coordination service.`

const examples = `  flowring demo                                  three nodes in this terminal, to try things out
  flowring serve                                 one node, on loopback, data in ./flowring-data
  flowring post flows.json                       send records
  flowring get now                               the flows of this hour
  flowring members --target http://10.0.0.7:8080 the nodes of the cluster of that node`

const groupRun, groupUse, groupOther = "run", "use", "other"

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return report(ctx, stderr, cmd, err)
}

// newRoot returns the tree of commands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use: "flowring", Long: aboutProgram, Example: examples, Version: buildinfo.Read().String(),
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true, SilenceUsage: true, // report does both
	}
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), // "flowring" alone is no useful command
		"{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}", 1))
	root.SetVersionTemplate("flowring {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddGroup(&cobra.Group{ID: groupRun, Title: "Run nodes:"}, &cobra.Group{ID: groupUse, Title: "Use a cluster:"},
		&cobra.Group{ID: groupOther, Title: "And:"})
	for group, cmds := range map[string][]*cobra.Command{
		groupRun: {newServe(), newCollect(), newDemo(), newToken(), newCheck(), newBackup(), newRestore(), newPresets()},
		groupUse: {newPost(), newImport(), newGet(), newHours(), newTop(), newMembers(), newDrain(), newForget(),
			newRetention(), newErase(), newBench()},
		groupOther: {newVersion()},
	} {
		for _, cmd := range cmds {
			cmd.GroupID = group
			cmd.DisableFlagsInUseLine = true
			root.AddCommand(cmd)
		}
	}
	root.AddCommand(newSettingsTopic())
	root.SetHelpCommand(newHelp())
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	return root
}

// noSuchCommand refuses a command line without a known command.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // number of typing errors
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("no such command: %s (is %s meant?)", args[0], strings.Join(near, " or "))
	}
	return usage("no such command: %s", args[0])
}

// newHelp returns the help command of cobra, with a usage error for an unknown topic.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Explain a command", GroupID: groupOther, DisableFlagsInUseLine: true,
		Args: arguments(0, 1),
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, sub := range cmd.Root().Commands() {
				names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			topic := cmd.Root()
			if len(args) == 1 {
				i := slices.IndexFunc(topic.Commands(), func(c *cobra.Command) bool { return c.Name() == args[0] })
				if i < 0 {
					return noSuchCommand(topic, args)
				}
				topic = topic.Commands()[i]
			}
			topic.InitDefaultHelpFlag()
			topic.InitDefaultVersionFlag()
			return topic.Help()
		},
	}
}
