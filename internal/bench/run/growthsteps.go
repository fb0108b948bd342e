package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"time"

	"flowring/internal/bench"
)

// growing is a point while it is measured.
type growing struct {
	point
	launcher launcher
	server   *server
	figures  figures
	progress func(string)
}

const (
	againBodies = 300     // posts of flows that are there
	moreBodies  = 64      // for each hour: of fewer batches a node makes no snapshot
	moreRecords = 5       // in each of them
	mostSealed  = 100     // hours; to post what more of them need would take too long
	leastHeld   = 100_000 // flows: fewer show neither in what a process takes nor in what their posts cost
	stepWithin  = 4 * time.Minute
	pollEvery   = 20 * time.Millisecond
)

// note keeps a figure and says so.
func (g *growing) note(f figure, value float64) {
	g.figures[f] = value
	g.progress(fmt.Sprintf("%s: %s %s", f.name(), number(value), f.unit()))
}

// held is how many flows all copies of all hours are.
func (g *growing) held() float64 { return float64(g.flows * g.hours * g.copies) }

// posted is how many records all copies of all hours have got.
func (g *growing) posted() float64 {
	records := g.flows*g.hours*g.slices + againBodies*bodyRecords
	if g.hours <= mostSealed {
		records += g.hours * moreBodies * moreRecords
	}
	return float64(records * g.copies)
}

// bodies returns a load of posts over all hours in turn, each of so many records. flow returns of an hour's body n its content.
func (g *growing) bodies(name string, count int, content func(w *bench.Workload, n int) []byte) load {
	return load{few, count, post(name, func(n int) []byte {
		w := bench.NewWorkload(uint64(n), 1)
		w.Hour = g.server.hour + int64(n%g.hours)
		return content(w, n/g.hours)
	})}
}

// fill returns a load that posts each flow of each hour once, and with several slices as often as there are: it is in most of them then.
func (g *growing) fill() load {
	bodies := g.flows / bodyRecords
	return g.bodies("new", bodies*g.hours*g.slices, func(w *bench.Workload, n int) []byte {
		return w.EachOf(n%bodies*bodyRecords, bodyRecords)
	})
}

// post measures records of flows that are new, and of flows that are there.
func (g *growing) post(ctx context.Context) error {
	got, err := cost(ctx, g.server, g.fill(), g.flows*g.hours*g.slices, time.Microsecond)
	if err != nil {
		return err
	}
	if g.flows*g.hours >= leastHeld {
		g.note(postNew, got.Cost)
	}
	again := g.bodies("again", againBodies, func(w *bench.Workload, n int) []byte {
		return w.Spread(n*bodyRecords, bodyRecords, g.flows)
	})
	if got, err = cost(ctx, g.server, again, againBodies*bodyRecords, time.Microsecond); err != nil {
		return err
	}
	g.note(postAgain, got.Cost)
	if g.hours > mostSealed {
		return nil
	}
	_, err = g.bodies("more", moreBodies*g.hours, func(w *bench.Workload, n int) []byte {
		return w.Spread(n*moreRecords, moreRecords, g.flows)
	}).run(ctx, g.server.addresses())
	return err
}

// read measures GETs of one hour, before each of which one flow is new: several, unless that takes too long.
func (g *growing) read(ctx context.Context) error {
	const attempts, within = 3, 4 * time.Second
	var cpu, took []float64
	begun := time.Now()
	for i := 0; i == 0 || i < attempts && time.Since(begun) < within; i++ {
		if _, err := newFlow(g.server.hour, g.flows+i).run(ctx, g.server.addresses()); err != nil {
			return err
		}
		c, t, err := g.get(ctx)
		if err != nil {
			return err
		}
		cpu, took = append(cpu, c), append(took, t)
	}
	g.note(getCPU, median(cpu))
	g.note(getTime, median(took))
	return nil
}

// get reads the first hour until there is an answer, and returns what that cost in milliseconds of CPU and of time.
func (g *growing) get(ctx context.Context) (cpu, took float64, err error) {
	begun := time.Now()
	before, err := g.server.cpu()
	if err != nil {
		return 0, 0, err
	}
	url := fmt.Sprintf("http://%s/flows?hour=%d", g.server.addresses()[0], g.server.hour)
	if err := g.until(ctx, func() error { return discard(ctx, url) }); err != nil {
		return 0, 0, err
	}
	after, err := g.server.cpu()
	sum, _ := spent(before, after)
	return milliseconds(sum), milliseconds(time.Since(begun)), err
}

// discard reads an answer to its end.
func discard(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Encoding", "identity") // or Go asks for gzip by itself, which costs more than all the rest
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	text, err := io.ReadAll(res.Body)
	return errors.Join(fmt.Errorf("%s: %s: %.300s", url, res.Status, text), err)
}

// until tries something again and again, for so long as a step may take.
func (g *growing) until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, stepWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for err := try(); err != nil; err = try() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
	return nil
}

// restart ends all nodes as kill -9 does, while their logs have what was not yet in tables, and measures them until they are ready, and
// the GET that reads an hour from disk.
func (g *growing) restart(ctx context.Context) error {
	g.server.kill(0)
	begun := time.Now()
	if err := g.server.launch(ctx, g.launcher, nil); err != nil {
		return err
	}
	took := time.Since(begun)
	used, err := g.server.cpu()
	if err != nil {
		return err
	}
	sum, _ := spent(make([]time.Duration, len(used)), used)
	g.note(startCPU, milliseconds(sum))
	g.note(startTime, took.Seconds())
	cpu, ms, err := g.get(ctx)
	if err != nil {
		return err
	}
	g.note(firstCPU, cpu)
	g.note(firstTime, ms)
	bytes, err := tableBytes(g.server.dir)
	g.note(diskBytes, float64(bytes)/g.posted())
	return err
}

// hold measures memory.
func (g *growing) hold(ctx context.Context) error {
	first := fill(g.server.hour-1, bodyRecords*few, 1) // what a node needs at all
	if _, err := first.run(ctx, g.server.addresses()); err != nil {
		return err
	}
	before, err := g.server.resident()
	if err != nil {
		return err
	}
	if _, err := g.fill().run(ctx, g.server.addresses()); err != nil {
		return err
	}
	after, err := g.server.resident()
	g.note(memoryBytes, float64(after-before)/g.held())
	return err
}

// tableBytes returns the size of the sorted tables below a folder: after a start all is in them, and nothing in the log.
func tableBytes(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".sst" {
			return err
		}
		info, err := d.Info()
		if err != nil { // it is gone
			return nil
		}
		sum += info.Size()
		return nil
	})
	return sum, err
}
