package collect

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/log"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/settings"
	"flowring/internal/collect"
	"flowring/internal/collect/decode"
	"flowring/internal/size"
	"flowring/router/client"
)

// About is the long help text.
const About = `Collect NetFlow and sFlow, and post it to a cluster.

The agent receives NetFlow v5 and v9 and IPFIX at --netflow, and sFlow v5 at --sflow. It gives
names to addresses by a file (--names) with the columns cidr, app and vpc, which it reads again
when it changes; the longest range decides, and an address without a name stays an address. It
multiplies bytes by the sampling rate, shares them out to hours, adds them up for --flush, and
posts them to any node of --target.

Sums wait in a folder (--spool) until they are stored. They have their idempotency keys there,
so that each counts once, also after a crash of the agent or of the cluster. While the folder is
full new datagrams are lost and counted. SIGTERM stops the agent: it delivers its sums for up
to --grace, and keeps the rest in the folder for the next run.

The metrics at http://` + "ADDR" + `/metrics of --http say which data was lost where. The page
docs/integrations/netflow.md explains them, and the settings of exporters.`

// Examples are the examples of the help text.
const Examples = `  flowring collect --target http://n1:8080,http://n2:8080
  flowring collect --netflow :2055 --exporters 10.0.0.0/8 --sflow= --names names.csv --spool /var/spool/flowring`

// Command is one call of the command.
type Command struct {
	Config    collect.Config
	Access    access.Access
	direction string
	outBytes  string
	exporters []string
	level     string
	format    string
}

// New returns a command with the defaults.
func New() *Command {
	return &Command{Config: collect.Default(), direction: "both", outBytes: "reverse", level: "info", format: "text"}
}

// AddFlags adds the flags but for those of Access.
func (c *Command) AddFlags(f *pflag.FlagSet) {
	s, d := &c.Config, &c.Config.Decode
	f.StringVar(&s.NetFlow, "netflow", s.NetFlow, "`address` for NetFlow v5 and v9 and IPFIX; empty: none")
	f.StringVar(&s.SFlow, "sflow", s.SFlow, "`address` for sFlow v5; empty: none")
	f.StringVar(&s.HTTP, "http", s.HTTP, "`address` of /metrics and /healthz; empty: none")
	f.StringVar(&s.Names, "names", "",
		"`file` of names, with the columns cidr, app and vpc; it is read again when it changes")
	settings.QuantityVar(f, &s.MaxNamesRows, "max-names-rows", "`number` of rows of the names file, at most")
	f.StringVar(&s.VPC, "vpc", s.VPC, "VPC `name` of records whose addresses have none")
	f.StringSliceVar(&c.exporters, "exporters", nil, "address `ranges` of the exporters that may send (default: all)")
	f.StringVar(&s.Spool, "spool", s.Spool, "`folder` for records that are not stored yet")
	f.Var((*bytesOf)(&s.SpoolBytes), "spool-size", "bytes that the folder may have")
	f.DurationVar(&s.Flush, "flush", s.Flush, "`time` for which records are added up before they go to the folder")
	settings.QuantityVar(f, &s.MaxFlows, "max-flows", "`number` of flows that a worker adds up, at most")
	f.Var((*bytesOf)(&s.MaxRequest), "max-request",
		"bytes of the body of one request, at most; see --max-body of the nodes")
	f.Var((*bytesOf)(&s.Queue), "queue", "bytes of datagrams that wait for a worker, at most")
	settings.QuantityVar(f, &s.SocketBuffer, "socket-buffer",
		"`bytes` of the kernel for each socket; net.core.rmem_max limits it")
	settings.QuantityVar(f, &s.Workers, "workers", "`number` of workers")
	f.DurationVar(&s.Grace, "grace", s.Grace, "`time` to deliver the rest when the agent stops")
	settings.QuantityVar(f, &d.MaxExporters, "max-exporters", "`number` of exporters, counted with their domains, at most")
	settings.QuantityVar(f, &d.MaxTemplates, "max-templates", "`number` of templates of all exporters, at most")
	settings.QuantityVar(f, &d.MaxFields, "max-fields", "`number` of fields of a template, at most")
	settings.QuantityVar(f, &d.MaxHeld, "max-held", "`bytes` of datagrams that wait for a template, at most")
	f.DurationVar(&d.HoldFor, "hold", d.HoldFor, "`time` for which a datagram waits for its template")
	f.DurationVar(&d.TemplateLifetime, "template-lifetime", d.TemplateLifetime,
		"`time` after which a template is forgotten unless it is sent again")
	f.DurationVar(&d.MaxAhead, "max-ahead", d.MaxAhead, "`time` by which a record may end after its arrival")
	f.Uint64Var(&d.Rate, "sampling-rate", d.Rate, "one of `number` packets was counted, for exporters that do not tell")
	f.Var(settings.Choice{Field: &c.direction, Words: []string{"both", "ingress", "egress"}}, "direction",
		"records that count by their field flowDirection")
	f.Var(settings.Choice{Field: &c.outBytes, Words: []string{"reverse", "ignore"}}, "out-bytes",
		"meaning of OUT_BYTES of NetFlow v9 beside IN_BYTES: bytes of the other direction, or nothing")
	f.Var(settings.Choice{Field: &c.level, Words: []string{"debug", "info", "warn", "error"}}, "log-level",
		"level of the log")
	f.Var(settings.Choice{Field: &c.format, Words: []string{"text", "json"}}, "log-format", "format of the log")
}

// Run runs the agent until ctx ends. An access.Error is a mistake in the flags.
func (c *Command) Run(ctx context.Context, stderr io.Writer) error {
	if err := c.complete(); err != nil {
		return access.Error{Err: err}
	}
	lines := &output.Lines{W: stderr}
	to, err := c.Access.Client(io.Discard) // the agent logs failures
	if err != nil {
		return err
	}
	defer to.Close()
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.level)); err != nil {
		return access.Error{Err: err}
	}
	a := collect.New(c.Config, collect.Deps{Log: log.New(lines, c.format, level), Post: post(to)})
	if err := a.Start(ctx); err != nil {
		return err
	}
	at := a.Addresses()
	fmt.Fprintf(lines, "flowring: collects netflow %s, sflow %s, http %s\n", shown(at.NetFlow), shown(at.SFlow),
		shown(at.HTTP))
	<-ctx.Done()
	if left := a.Stop(); left > 0 {
		fmt.Fprintf(lines, "flowring: note: %s in %s are not delivered; the next run delivers them\n",
			output.Many(left, "payload"), c.Config.Spool)
	}
	return nil
}

// complete reads the texts of the settings, and checks all of them.
func (c *Command) complete() error {
	d := &c.Config.Decode
	d.OutBytes = c.outBytes == "reverse"
	d.Direction = map[string]decode.Direction{"ingress": decode.Ingress, "egress": decode.Egress}[c.direction]
	for _, text := range c.exporters {
		p, err := netip.ParsePrefix(text)
		if a, errAddr := netip.ParseAddr(text); errAddr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("--exporters: %q is neither a range such as 10.1.0.0/16 nor an address", text)
		}
		c.Config.Exporters = append(c.Config.Exporters, p.Masked())
	}
	c.Config.Timeout = c.Access.Timeout
	return c.Config.Check()
}

// post returns the function that sends a request.
func post(to *client.Client) collect.Post {
	return func(ctx context.Context, body []byte, key string) (replayed bool, err error) {
		receipt, err := to.Post(ctx, body, client.PostOptions{Key: key})
		return receipt.Replayed && receipt.Attempts == 1, err
	}
}

// shown returns an address, or a word for none.
func shown(addr string) string {
	if addr == "" {
		return "none"
	}
	return addr
}

// bytesOf is a flag for a number of bytes, plain or with a unit.
type bytesOf int64

func (b *bytesOf) Set(text string) error {
	n, err := size.Parse(strings.TrimSpace(text))
	*b = bytesOf(n)
	return err
}

func (b *bytesOf) String() string { return size.Format(int64(*b)) }

// Type is the word for the value in help texts.
func (*bytesOf) Type() string { return "size" }
