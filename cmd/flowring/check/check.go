package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/table"
	"flowring/flow"
	"flowring/flow/query"
	"flowring/store"
	"flowring/store/journal"
)

// About is the help text of the command.
const About = `Check the data folder of a stopped node.

The check reads every batch and every snapshot in the folder, compares their checksums, and
adds each hour up again. It changes nothing in the folder. It needs the time to read all of
it, and shows its progress each 10 seconds.

The exit code is 0 for an intact folder. For a damaged one it is 1, with a line for each
damaged hour. A node with a damaged hour fetches it from the other nodes once it runs again.`

// memory is the budget of the slices in memory beside the one that is checked, in bytes.
const memory = 64 << 20

// Check is a check of a data folder.
type Check struct {
	Folder   string
	Options  journal.Options
	Findings io.Writer     // gets a line for each damaged slice, and one for the result
	Progress io.Writer     // gets a line now and then
	Every    time.Duration // the time between two lines of progress

	store   *store.Store
	read    uint64 // bytes
	damaged int    // slices
	told    time.Time
}

// Run checks the folder. Its error says that the folder is damaged, or cannot be opened.
func (c *Check) Run(ctx context.Context) error {
	j, err := journal.OpenReadOnly(c.Folder, c.Options)
	if errors.Is(err, journal.ErrLocked) {
		return fmt.Errorf("stop the node of the folder, or check a backup of it: %w", err)
	}
	if err != nil {
		return err
	}
	return errors.Join(c.journal(ctx, j), j.Close())
}

func (c *Check) journal(ctx context.Context, j *journal.Journal) error {
	c.store = store.New(store.Config{MemoryBudget: memory}, store.Deps{Journal: j})
	if err := errors.Join(j.CheckState(), c.store.Open()); err != nil {
		return err
	}
	all := c.store.Slices()
	c.told = time.Now()
	for i, slice := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.slice(j, slice); err != nil {
			c.damaged++
			fmt.Fprintf(c.Findings, "hour %s: %v\n", slice, err)
		}
		if time.Since(c.told) >= c.Every {
			c.told = time.Now()
			fmt.Fprintf(c.Progress, "checked %d of %s, %s\n", i+1, output.Many(len(all), "slice"), c.size())
		}
	}
	if c.damaged > 0 {
		return fmt.Errorf("damaged: %d of %s", c.damaged, output.Many(len(all), "slice"))
	}
	fmt.Fprintf(c.Findings, "no damage: version %d, %s, %s\n", j.Version(), output.Many(len(all), "slice"), c.size())
	return nil
}

func (c *Check) size() string { return table.Human(query.Sum{Low: c.read}) }

// slice reads and folds one slice. A store takes unreadable totals for missing ones, because it can add them up again.
func (c *Check) slice(j *journal.Journal, slice flow.Slice) error {
	n, err := c.store.Scrub(slice)
	c.read += uint64(n)
	if bad := c.store.Unreadable(slice); bad > 0 {
		return fmt.Errorf("%s cannot be read", output.Many(bad, "batch"))
	}
	_, unreadable := j.Totals(slice)
	return cmp.Or(err, unreadable)
}
