package main

import (
	"math"
	"time"

	"github.com/spf13/cobra"

	"flowring/cmd/flowring/importer"
	"flowring/flow/ingest/preset"
)

func newImport() *cobra.Command {
	var o importer.Options
	cmd := &cobra.Command{
		Use: "import [--preset NAME] FILE... [FLAGS]", Short: "Import the records of files, each file once",
		Long: importer.About, Example: importer.Examples, Args: arguments(1, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.Run(cmd.Context(), args, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addAccess(cmd, &o.Access, 10*time.Minute)
	o.AddFlags(cmd.Flags())
	mustRegister(cmd, "preset", completePresets(preset.Rows))
	return cmd
}
