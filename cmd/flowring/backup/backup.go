package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"flowring/cmd/flowring/table"
	"flowring/flow/query"
	"flowring/router/admin"
)

// About is the help text of the command.
const About = `Back up a running node.

The node makes a folder of the name below its --backup-dir, with everything that it holds at one
moment. Its files are hard links to those of the node where the file system allows it. The folder
appears once it is whole. Copy it elsewhere, and check it with "flowring check".

The node that is asked makes a backup of itself: --target names one node. The call needs a token
of the scope admin (--token-file). While the node asks for no credentials, it answers only this
program on its own machine.`

// pause is the time between two calls while a backup of another name is under way, in which calls return at once or
// late.
const pause = time.Second

// Node is the node to back up.
type Node interface {
	Backup(ctx context.Context, name string) (admin.Backup, error)
}

// Run waits until the backup of the name is done.
func Run(ctx context.Context, n Node, name string, out, progress io.Writer) error {
	for {
		state, err := n.Backup(ctx, name)
		if err != nil {
			return err
		}
		if state.Name == name && state.Done {
			if state.Error != "" {
				return errors.New(state.Error)
			}
			fmt.Fprintf(out, "%s is whole: %s\n", state.Folder, human(state.Bytes))
			return nil
		}
		fmt.Fprintf(progress, "backup %s: %s of about %s\n", state.Name, human(state.Bytes), human(state.Of))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func human(bytes uint64) string { return table.Human(query.Sum{Low: bytes}) }
