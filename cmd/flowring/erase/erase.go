package erase

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/flow"
	"flowring/router/admin"
)

// About is the help text of the command.
const About = `Erase hours of the cluster for good, such as a bad import.

The command prints a plan: the present totals of the hours --from to --to, which is the hour
behind the last one, and the name of the plan. On a terminal it then asks for this name. Elsewhere it ends
here, and nothing is changed, unless --yes or the --apply of an earlier plan is given.

All stores close the hours for new records, and then delete them. The hours stay closed. The
name of a plan changes with each record of the hours, so stop the senders of these hours first.
The command waits until enough stores have deleted: all but W-1, and at least W. The others
follow when they are back. After an interrupt the command with --apply goes on, also with
another --target.

It needs a token of the scope admin (--token-file). While a node asks for no credentials, it
answers only this program on its own machine.`

// Examples are the examples of the command.
const Examples = `  flowring erase --from 493000 --to 493024
  flowring erase --from 493000 --to 493024 --apply 5d2e0c6a9b1f4e37`

// pause is the time between two calls.
const pause = time.Second

// Node is a cluster, asked at any node.
type Node interface {
	Erase(ctx context.Context, from, to flow.Hour, hash string) (admin.Erasure, error)
}

// Erase is one command line.
type Erase struct {
	From, To int64
	Apply    string // the name of the plan; empty: it is printed first
	Yes      bool   // the printed plan is applied without a question

	flags    *pflag.FlagSet
	question bool // a terminal is there to ask
}

// Flags adds the flags of the command.
func (e *Erase) Flags(flags *pflag.FlagSet) {
	e.flags = flags
	flags.Int64Var(&e.From, "from", 0, "first hour")
	flags.Int64Var(&e.To, "to", 0, "hour behind the last one")
	flags.StringVar(&e.Apply, "apply", "", "`name` of the plan to apply")
	flags.BoolVar(&e.Yes, "yes", false, "apply the plan without a question")
}

// Run executes the command at a cluster. It asks on a terminal alone.
func (e *Erase) Run(ctx context.Context, a *access.Access, stdin io.Reader, stdout, stderr io.Writer) error {
	if !e.flags.Changed("from") || !e.flags.Changed("to") || e.From >= e.To {
		return access.Error{Err: errors.New("--from and a larger --to are needed: --to is the hour behind the last one")}
	}
	c, err := a.Client(stderr)
	if err != nil {
		return err
	}
	defer c.Close()
	e.question = output.Terminal(stdin) && output.Terminal(stdout)
	return e.run(ctx, &calls{a, c}, stdin, stdout, stderr)
}

// calls are calls within the timeout. While one waits, stderr gets the reason.
type calls struct {
	access *access.Access
	Node
}

// Erase implements Node.
func (c *calls) Erase(ctx context.Context, from, to flow.Hour, hash string) (state admin.Erasure, err error) {
	err = c.access.Within(ctx, func(ctx context.Context) error {
		state, err = c.Node.Erase(ctx, from, to, hash)
		return err
	})
	return state, access.CallError(err)
}

// errNotConfirmed is the error of another answer than the name of the plan.
var errNotConfirmed = errors.New("this is not the name of the plan: nothing is changed")

// run prints the plan, or applies it and waits for its end.
func (e *Erase) run(ctx context.Context, n Node, stdin io.Reader, stdout, stderr io.Writer) error {
	hash := e.Apply
	if hash == "" {
		plan, err := n.Erase(ctx, flow.Hour(e.From), flow.Hour(e.To), "")
		if err != nil {
			return err
		}
		if err := printPlan(stdout, plan); err != nil {
			return err
		}
		switch hash = plan.Hash; {
		case e.Yes:
		case e.question:
			if err := ask(hash, stdin, stderr); err != nil {
				return err
			}
		default:
			_, err := fmt.Fprintf(stdout, "apply it with: %s\n", e.again(hash))
			return err
		}
	}
	return e.apply(ctx, n, hash, stdout, stderr)
}

// ask asks the user for the name of the plan.
func ask(hash string, stdin io.Reader, stderr io.Writer) error {
	fmt.Fprint(stderr, "type the name of the plan to erase these hours for good: ")
	line, err := bufio.NewReader(stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(line) != hash {
		return errNotConfirmed
	}
	return nil
}

// apply asks for the erasure until it is done.
func (e *Erase) apply(ctx context.Context, n Node, hash string, stdout, stderr io.Writer) error {
	for {
		state, err := n.Erase(ctx, flow.Hour(e.From), flow.Hour(e.To), hash)
		switch {
		case err != nil && access.Unavailable(err): // a later call goes on
			return fmt.Errorf("%w; go on with: %s", err, e.again(hash))
		case err != nil:
			return err
		case state.Done:
			_, err = fmt.Fprintf(stdout, "the hours %d to %d are erased at %d of %s\n", state.From, state.To-1,
				state.Erased, output.Many(state.Stores, "store"))
			return err
		}
		fmt.Fprintf(stderr, "closed at %d of %s, erased at %d; needed: %d\n", state.Closed,
			output.Many(state.Stores, "store"), state.Erased, state.Needed)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%w; go on with: %s", context.Cause(ctx), e.again(hash))
		}
	}
}

// again returns the command that applies the plan.
func (e *Erase) again(hash string) string {
	return fmt.Sprintf("flowring erase --from %d --to %d --apply %s", e.From, e.To, hash)
}

func printPlan(out io.Writer, plan admin.Erasure) error {
	flows := output.Many(plan.Flows, "flow")
	if plan.Flows < 0 {
		flows = "an unknown number of flows"
	}
	_, err := fmt.Fprintf(out, `plan %s: erase the hours %d to %d for good
%s with data, %s, %s, %s bytes sent and received
at %s, of which %d must close the hours before any deletes them
`, plan.Hash, plan.From, plan.To-1, output.Many(plan.Hours, "hour"), flows, output.Many(plan.Batches, "batch"),
		plan.Total, output.Many(plan.Stores, "store"), plan.Needed)
	return err
}
