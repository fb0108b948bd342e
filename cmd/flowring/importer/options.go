package importer

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/spf13/pflag"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/presets"
	"flowring/cmd/flowring/settings"
	"flowring/flow/ingest"
	"flowring/flow/ingest/names"
	"flowring/flow/ingest/preset"
	"flowring/router/client"
)

// About explains the command.
const About = `Import the records of files, and count each file once.

Without --preset a file has records of Flowring: JSON, NDJSON or CSV with a header row, as
'flowring get' and GET /flows write them. With --preset it has records of another program,
which are mapped as a node maps them: see 'flowring presets'. Files of AWS VPC flow logs in
S3 are the preset aws-vpc. A file may be compressed by gzip or zstd; - is the standard input.

The keys of the requests are made of the content. So the command may be run again after any
failure, or twice on one file: each record counts once. A file that has grown meanwhile
counts its last part again, so import files that are complete.

Records that cannot be used are set aside. The output names the reasons, with the first
lines; --strict ends the run at the first faulty record instead, and at a last line without
a line end, whose last number may be cut.

Exit codes: 0 all kept records are stored; 1 a file is damaged, none of its records can be
read, --strict has ended the run, or a request was refused; 2 wrong usage; 3 no node could
store a request in time: run the command again.`

// Examples are calls of the command.
const Examples = `  flowring import flows-2024-06.csv.zst
  flowring import --preset aws-vpc --names names.csv AWSLogs/*/vpcflowlogs/*.log.gz
  kubectl logs flp-0 | flowring import --preset flp -`

// Options are the flags of the command.
type Options struct {
	Access    access.Access
	Preset    string
	NamesFile string
	Observed  []string
	MaxNames  int
	Strict    bool
	Quiet     bool
}

// AddFlags adds the flags but for those of Access.
func (o *Options) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Preset, "preset", "", "`preset` of the records, or the file of one (default: records of Flowring)")
	f.StringVar(&o.NamesFile, "names", "", "CSV `file` with the columns cidr, app and vpc: the names of addresses")
	f.StringSliceVar(&o.Observed, "observed", nil,
		"`ranges` whose hosts report their own traffic (default: the private ones)")
	o.MaxNames = names.DefaultMaxRows
	settings.QuantityVar(f, &o.MaxNames, "max-names-rows", "`rows` of the names file")
	f.BoolVar(&o.Strict, "strict", false, "end at the first record that cannot be read, or at a last line without its end")
	f.BoolVar(&o.Quiet, "quiet", false, "no progress")
}

// Run imports files. A fault of the options is an access.Error.
func (o *Options) Run(ctx context.Context, files []string, stdin io.Reader, stdout, stderr io.Writer) error {
	lines := &output.Lines{W: stderr}
	im, err := o.importer()
	if err != nil {
		return err
	}
	c, err := o.Access.Client(lines)
	if err != nil {
		return err
	}
	im.Stdout, im.progress = stdout, progress{to: lines, shown: !o.Quiet && output.Terminal(stderr)}
	im.During = o.Access.During
	im.Send = func(ctx context.Context, body []byte, key string) (replayed bool, err error) {
		ctx, _, cancel := o.Access.Bound(ctx)
		defer cancel()
		receipt, err := c.Post(ctx, body, client.PostOptions{Key: key})
		return receipt.Replayed && receipt.Attempts == 1, err
	}
	return im.Run(ctx, stdin, files)
}

// importer returns an importer with the mapping of the options.
func (o *Options) importer() (*Importer, error) {
	im := &Importer{Strict: o.Strict}
	if o.Preset == "" {
		if o.NamesFile != "" || len(o.Observed) > 0 {
			return nil, access.Error{Err: fmt.Errorf("--names and --observed need --preset: records of Flowring have names")}
		}
		return im, nil
	}
	p, err := presets.Of(o.Preset)
	if err == nil && p.Form == "otlp" {
		err = fmt.Errorf("the records of %s come over HTTP alone", p.Name)
	}
	if err != nil {
		return nil, access.Error{Err: fmt.Errorf("--preset: %w", err)}
	}
	if im.mapping, err = o.mapping(p); err != nil {
		return nil, access.Error{Err: err}
	}
	return im, nil
}

// mapping reads the names and the ranges.
func (o *Options) mapping(p *preset.Preset) (*mapping, error) {
	observed := ingest.Private()
	if len(o.Observed) > 0 {
		observed = nil
	}
	for _, text := range o.Observed {
		r, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--observed: want ranges such as 10.1.0.0/16: %w", err)
		}
		observed = append(observed, r.Masked())
	}
	var table ingest.Names
	if o.NamesFile != "" {
		content, err := os.ReadFile(o.NamesFile)
		if err != nil {
			return nil, fmt.Errorf("--names: %w", err)
		}
		if table, err = names.Parse(content, o.MaxNames); err != nil {
			return nil, fmt.Errorf("--names: %s: %w", o.NamesFile, err)
		}
	}
	return &mapping{preset: p, engine: p.Engine(table, observed)}, nil
}
