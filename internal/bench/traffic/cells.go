package traffic

// Cell is one kind of posts.
type Cell struct {
	Name string

	hours       int  // of the records of a post, in turn
	moving      int  // hours that posts are of, one after the other; 1: all posts have the same hours
	form        form // of the JSON
	distinct    int  // percentage of a post's records that have a flow of their own
	name        int  // bytes of the name of an application
	records     int  // of each post
	connections int
	keyless     bool
	coding      string // of the body; empty: none
	short       bool   // the short form has the cell
}

// Group is cells that differ in one respect.
type Group struct {
	Name  string
	Cells []Cell
	Bars  Bars
}

// Bars are the largest ratios of a node to plain Go. A bar of 0 is none.
type Bars struct{ Worst, Median float64 }

// usual returns the posts that the cells of a group vary.
func usual() Cell {
	return Cell{hours: 1, moving: 1, form: compact, distinct: 40, name: 12, records: 1000, connections: 16}
}

// vary returns a usual cell with a change.
func vary(name string, short bool, change func(*Cell)) Cell {
	c := usual()
	c.Name, c.short = name, short
	change(&c)
	return c
}

// Groups returns the matrix.
func Groups() []Group {
	large := Bars{Worst: 0.2, Median: 0.14}
	return []Group{
		{"hours in a body", hourCells(), large},
		{"JSON", formCells(), large},
		{"distinct flows in a body", distinctCells(), large},
		{"bytes of a name", nameCells(), large},
		{"hours that change from post to post", movingCells(), large},
		{"connections", connectionCells(), large},
		{"key and compression", keyCells(), large},
		{"records in a body", largeCells(), large},
		{"small posts, one hour", smallCells(1), Bars{Worst: 1.4}},
		{"small posts, two hours", smallCells(2), Bars{Worst: 1.7}},
	}
}

func hourCells() []Cell {
	return []Cell{
		vary("1 hour", false, func(*Cell) {}),
		vary("2 hours", true, func(c *Cell) { c.hours = 2 }),
		vary("24 hours", false, func(c *Cell) { c.hours = 24 }),
		vary("2 hours, Python, all flows distinct", true, func(c *Cell) { c.hours, c.form, c.distinct = 2, python, 100 }),
	}
}

func formCells() []Cell {
	var cells []Cell
	for _, f := range forms() {
		cells = append(cells, vary(f.name, f.short, func(c *Cell) { c.form = f }))
	}
	return cells
}

func distinctCells() []Cell {
	return []Cell{
		vary("5 %", false, func(c *Cell) { c.distinct = 5 }),
		vary("40 %", false, func(*Cell) {}),
		vary("100 %", true, func(c *Cell) { c.distinct = 100 }),
	}
}

func nameCells() []Cell {
	return []Cell{
		vary("5 bytes", false, func(c *Cell) { c.name = 5 }),
		vary("20 bytes", false, func(c *Cell) { c.name = 20 }),
		vary("60 bytes", false, func(c *Cell) { c.name = 60 }),
		vary("200 bytes", true, func(c *Cell) { c.name = 200 }),
	}
}

func movingCells() []Cell {
	return []Cell{
		vary("24 hours", false, func(c *Cell) { c.moving = 24 }),
		vary("200 hours", true, func(c *Cell) { c.moving = 200 }),
	}
}

func connectionCells() []Cell {
	return []Cell{
		vary("1 connection", true, func(c *Cell) { c.connections = 1 }),
		vary("8 connections", false, func(c *Cell) { c.connections = 8 }),
		vary("64 connections", false, func(c *Cell) { c.connections = 64 }),
		vary("256 connections", false, func(c *Cell) { c.connections = 256 }),
	}
}

func keyCells() []Cell {
	return []Cell{
		vary("no key", false, func(c *Cell) { c.keyless = true }),
		vary("gzip", false, func(c *Cell) { c.coding = "gzip" }),
		vary("zstd", true, func(c *Cell) { c.coding = "zstd" }),
	}
}

func largeCells() []Cell {
	return []Cell{
		vary("1000 records", true, func(*Cell) {}),
		vary("20000 records", false, func(c *Cell) { c.records = 20_000 }),
	}
}

// smallCells returns posts of a few records over a number of hours.
func smallCells(hours int) []Cell {
	small := func(name string, short bool, records, connections int) Cell {
		return vary(name, short, func(c *Cell) {
			c.hours, c.records, c.connections, c.distinct = hours, records, connections, 100
		})
	}
	cells := []Cell{
		small("5 records, 64 connections", true, 5, 64),
		small("50 records, 32 connections", false, 50, 32),
		small("5 records, 8 connections", false, 5, 8),
	}
	if hours == 1 {
		cells = append(cells, small("1 record, 64 connections", false, 1, 64),
			small("1 record, 256 connections", false, 1, 256))
	}
	return cells
}
