package main

import (
	"context"
	"fmt"
	"time"

	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

// growing is the measurement of a point.
type growing struct {
	point
	launcher server.Launcher
	server   *server.Server
	figures  figures
	progress func(string)
}

const (
	againBodies = 300     // posts of known flows
	moreBodies  = 64      // more posts of each hour, because a node makes no snapshot of fewer batches
	moreRecords = 5       // in each of these posts
	mostSealed  = 100     // most hours for sealing, because the posts of more hours take too long
	leastHeld   = 100_000 // least flows for memory and the cost of new flows, which fewer flows hardly change
)

// note keeps a figure and prints it as progress.
func (g *growing) note(f figure, value float64) {
	g.figures[f] = value
	g.progress(fmt.Sprintf("%s: %s %s", f.name(), number(value), f.unit()))
}

// held returns the number of flows in all copies of all hours.
func (g *growing) held() float64 { return float64(g.flows * g.hours * g.copies) }

// posted returns the number of records that were posted, times the copies.
func (g *growing) posted() float64 {
	records := g.flows*g.hours*g.slices + againBodies*workload.BodyRecords
	if g.hours <= mostSealed {
		records += g.hours * moreBodies * moreRecords
	}
	return float64(records * g.copies)
}

// fill returns a workload that posts each flow of each hour once; with several slices as often as there are slices, so
// that each flow is in most slices.
func (g *growing) fill() workload.Workload {
	posts := workload.InOrder(g.server.Hour, g.hours, workload.BodyRecords, g.flows, 1)
	return workload.New("new", workload.Few, int64(g.flows/workload.BodyRecords*g.hours*g.slices), posts)
}

// again returns a workload that posts more records of the flows of all hours.
func (g *growing) again(key string, count, records int) workload.Workload {
	return workload.New(key, workload.Few, int64(count),
		workload.InOrder(g.server.Hour, g.hours, records, g.flows, workload.Scattered))
}

// post measures records of new flows and of known flows.
func (g *growing) post(ctx context.Context) error {
	got, err := cost(ctx, g.server, g.fill(), g.flows*g.hours*g.slices, time.Microsecond)
	if err != nil {
		return err
	}
	if g.flows*g.hours >= leastHeld {
		g.note(postNew, got.Cost)
	}
	again := g.again("again", againBodies, workload.BodyRecords)
	if got, err = cost(ctx, g.server, again, againBodies*workload.BodyRecords, time.Microsecond); err != nil {
		return err
	}
	g.note(postAgain, got.Cost)
	if g.hours > mostSealed {
		return nil
	}
	_, err = g.again("more", moreBodies*g.hours, moreRecords).Run(ctx, g.server)
	return err
}

// read measures several GETs of one hour within a time limit. One new flow is posted before each GET.
func (g *growing) read(ctx context.Context) error {
	const attempts, within = 3, 4 * time.Second
	var cpu, took []float64
	begun := time.Now()
	for i := 0; i == 0 || i < attempts && time.Since(begun) < within; i++ {
		if _, err := workload.NewFlow(g.server.Hour, g.flows+i).Run(ctx, g.server); err != nil {
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

// get reads the first hour until a read succeeds, and returns the CPU time and the elapsed time in milliseconds.
func (g *growing) get(ctx context.Context) (cpu, took float64, err error) {
	begun := time.Now()
	used, err := workload.CPU(g.server, func() error {
		return server.Until(ctx, func() error { return server.ReadHour(ctx, g.server.Addresses()[0], g.server.Hour, "") })
	})
	sum, _ := usage{cpu: used}.sum()
	return milliseconds(sum), milliseconds(time.Since(begun)), err
}

// restart kills all nodes while their logs hold data that is not in tables yet. It measures the nodes until they are
// ready, and the first GET, which reads an hour from disk.
func (g *growing) restart(ctx context.Context) error {
	g.server.Kill(0)
	begun := time.Now()
	if err := g.server.Launch(ctx); err != nil {
		return err
	}
	took := time.Since(begun)
	used, err := g.server.CPU()
	if err != nil {
		return err
	}
	sum, _ := usage{cpu: used}.sum()
	g.note(startCPU, milliseconds(sum))
	g.note(startTime, took.Seconds())
	cpu, ms, err := g.get(ctx)
	if err != nil {
		return err
	}
	g.note(firstCPU, cpu)
	g.note(firstTime, ms)
	bytes, err := g.server.TableBytes()
	g.note(diskBytes, float64(bytes)/g.posted())
	return err
}

// hold measures memory.
func (g *growing) hold(ctx context.Context) error {
	first := workload.Fill("first", g.server.Hour-1, workload.BodyRecords*workload.Few, 1) // the memory of any node
	if _, err := first.Run(ctx, g.server); err != nil {
		return err
	}
	before, err := g.server.Resident()
	if err != nil {
		return err
	}
	if _, err := g.fill().Run(ctx, g.server); err != nil {
		return err
	}
	after, err := g.server.Resident()
	g.note(memoryBytes, float64(after-before)/g.held())
	return err
}
