package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/settings"
)

// newSettingsTopic returns the help topic with all settings, as a settings file that serve accepts.
func newSettingsTopic() *cobra.Command {
	topic := &cobra.Command{Use: "settings", Short: "All settings of serve, as a settings file to start from"}
	topic.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), settings.Document()) })
	return topic
}

// serveUsage prints the flags of serve by subject.
func serveUsage(cmd *cobra.Command) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "Usage:\n  %s\n\nExamples:\n%s\n%s",
		cmd.UseLine(), cmd.Example, settings.Usage(cmd.Flags()))
	return err
}

// completeSettings registers the completion of every setting.
func completeSettings(cmd *cobra.Command) {
	for _, c := range settings.Completions() {
		switch {
		case c.File: // the shell completes files by itself
		case c.Folder:
			mustRegister(cmd, c.Flag, folders)
		case c.Words != nil:
			mustRegister(cmd, c.Flag, cobra.FixedCompletions(c.Words, cobra.ShellCompDirectiveNoFileComp))
		default:
			mustRegister(cmd, c.Flag, cobra.NoFileCompletions)
		}
	}
}
