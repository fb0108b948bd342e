package collect

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"flowring/flow/ingest"
	"flowring/flow/ingest/names"
	"flowring/internal/collect/decode"
)

// Config has the settings of an Agent.
type Config struct {
	NetFlow, SFlow string // addresses to listen on; empty: none
	HTTP           string // address of /metrics and /healthz; empty: none
	Names          string // file; empty: none
	MaxNamesRows   int
	VPC            string         // of addresses without one
	Exporters      []netip.Prefix // that may send; empty: all
	Spool          string         // folder
	SpoolBytes     int64          // of all that waits in it
	Flush          time.Duration  // the time for which a worker adds up records
	MaxFlows       int            // of a worker, in one Flush
	MaxRequest     int64          // bytes of the body of a request
	Queue          int64          // bytes of datagrams that no worker has taken
	SocketBuffer   int            // of the kernel, in bytes
	Workers        int
	Timeout        time.Duration // of one call of Deps.Post, which is repeated
	Retry          time.Duration // between two calls
	Grace          time.Duration // for the delivery in Stop
	Decode         decode.Config
}

// Default returns the defaults: it listens on loopback.
func Default() Config {
	return Config{
		NetFlow: "127.0.0.1:2055", SFlow: "127.0.0.1:6343", HTTP: "127.0.0.1:8082",
		MaxNamesRows: names.DefaultMaxRows, VPC: "default",
		Spool: "flowring-spool", SpoolBytes: 1 << 30, Flush: 5 * time.Second, MaxFlows: 20_000, MaxRequest: 4 << 20,
		Queue: 32 << 20, SocketBuffer: 8 << 20, Workers: runtime.GOMAXPROCS(0), Timeout: time.Minute, Retry: 2 * time.Second,
		Grace: 10 * time.Second,
		Decode: decode.Config{
			MaxExporters: 1000, MaxTemplates: 10_000, MaxFields: 500, MaxHeld: 16 << 20, HoldFor: 30 * time.Second,
			TemplateLifetime: 2 * time.Hour, MaxAhead: 5 * time.Minute, Rate: 1, OutBytes: true,
		},
	}
}

// smallest spool in bytes: it has room for a payload of ordinary names.
const smallestSpool = 16 << 20

// Check returns the first setting that cannot be used.
func (c *Config) Check() error {
	switch {
	case c.NetFlow == "" && c.SFlow == "":
		return errors.New("an address is missing: --netflow or --sflow")
	case c.SpoolBytes < smallestSpool:
		return fmt.Errorf("--spool-size: less than %d MiB", smallestSpool>>20)
	case c.MaxFlows < 1 || c.MaxFlows > 100_000:
		return errors.New("--max-flows: not from 1 to 100000")
	case c.Workers < 1 || c.Workers > 256:
		return errors.New("--workers: not from 1 to 256")
	case c.Flush <= 0 || c.Timeout <= 0 || c.Decode.HoldFor < 0 || c.Decode.TemplateLifetime <= 0 || c.Decode.MaxAhead < 0:
		return errors.New("a duration is negative, or --flush, --timeout or --template-lifetime is zero")
	case c.Decode.MaxExporters < 1 || c.Decode.MaxTemplates < 1 || c.Decode.MaxFields < 1 || c.MaxNamesRows < 1:
		return errors.New("a limit is less than 1")
	case c.Decode.Rate < 1:
		return errors.New("--sampling-rate: less than 1")
	case c.MaxRequest < 1024 || c.Queue < 65535:
		return errors.New("--max-request is less than 1 KiB, or --queue less than 64 KiB")
	}
	if r := c.probe(); r != ingest.Kept {
		return errors.New("--vpc: not a name of 1 to 256 bytes")
	}
	return nil
}

// probe maps a record, which shows whether the VPC is a name.
func (c *Config) probe() ingest.Reason {
	e, counts := c.engine(nil), ingest.Counts{}
	r := ingest.Record{Src: ingest.End{Name: "a"}, Dest: ingest.End{Name: "b"}}
	return e.Map(&r, &counts, drop)
}

// engine returns the engine with the names of a file. Addresses without a name stay addresses.
func (c *Config) engine(table *names.Table) *ingest.Engine {
	e := &ingest.Engine{VPC: c.VPC}
	if table != nil {
		e.Names = table
	}
	return e
}

// Deps are the collaborators of an Agent.
type Deps struct {
	Log  *slog.Logger
	Post Post
}
