package retention

import (
	"context"
	"fmt"
	"io"
	"time"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/internal/contract"
	"flowring/router"
	"flowring/router/client"
)

// About is the help text of the command.
const About = `Print which hours the cluster closes and deletes, and when it goes on.

Hours older than --retention of the nodes are closed: they take no new records. A day later
they are deleted. A majority of the stores decides. Where hours have data, the cluster closes
at most 24 of them in an hour, and announces it an hour before.

"flowring retention confirm" closes all hours at once on which the stores agree, for example
after the first start with a retention. They are deleted a day later, so a mistake can still
be mended. It needs a token of the scope admin, like "flowring drain".`

// Show asks a node which hours the cluster keeps, and prints the answer.
func Show(ctx context.Context, a *access.Access, stdout, stderr io.Writer) error {
	return a.WithMembers(ctx, stderr, func(_ context.Context, view router.MembersView) error {
		return Print(stdout, view.Retention)
	})
}

// Confirm has a node close the hours on which the stores agree, and shows which hours the cluster keeps then.
func Confirm(ctx context.Context, a *access.Access, stdout, stderr io.Writer) error {
	confirm := func(ctx context.Context, c *client.Client) error {
		if err := c.ConfirmRetention(ctx); err != nil {
			return fmt.Errorf("confirm: %w", access.CallError(err))
		}
		return nil
	}
	if err := a.Operate(ctx, stderr, confirm); err != nil {
		return err
	}
	return Show(ctx, a, stdout, stderr)
}

// mostErased is the number of erased ranges in notes.
const mostErased = 5

// shownErased describes the newest erased ranges.
func shownErased(ranges []contract.ErasedRange) []string {
	others := len(ranges) - mostErased
	if others <= 0 {
		return ErasedNotes(ranges)
	}
	return append(ErasedNotes(ranges[others:]),
		output.Many(others, "earlier range")+" of hours erased: flowring retention prints them")
}

// noteTimeout is the time for the answer to Note.
const noteTimeout = 2 * time.Second

// Note asks a node which hours the cluster keeps and which it has erased, and prints the notes. Without an answer it
// prints nothing, because the caller has printed the answer to its question.
func Note(ctx context.Context, a *access.Access, w io.Writer) {
	a.Timeout = noteTimeout
	_ = a.WithMembers(ctx, io.Discard, func(_ context.Context, view router.MembersView) error {
		for _, note := range append(Notes(view.Retention), shownErased(view.Retention.Erased)...) {
			fmt.Fprintln(w, note)
		}
		return nil
	})
}
