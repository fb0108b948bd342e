package names

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flowring/flow/ingest"
	"flowring/internal/reload"
)

const file = `# networks
cidr,app,vpc
10.0.0.0/8,inside,vpc-1
10.1.0.0/16,cluster,vpc-1
10.1.2.3,"db, main",vpc-2
2001:db8::/32,v6,
2001:db8:7::/48,edge,vpc-3
::ffff:192.0.2.0/120,mapped,vpc-4
`

func TestTheLongestRangeNamesAnAddress(t *testing.T) {
	table, err := Parse([]byte(file), 10)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"10.200.0.1": "inside vpc-1", "10.1.9.9": "cluster vpc-1", "10.1.2.3": "db, main vpc-2", "::ffff:10.1.2.3": "db, main vpc-2",
		"2001:db8::1": "v6 ", "2001:db8:7::1": "edge vpc-3", "192.0.2.200": "mapped vpc-4", "198.51.100.1": "", "fe80::1%eth0": "",
	} {
		n, ok := table.Lookup(netip.MustParseAddr(addr))
		got := n.App + " " + n.VPC
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("name of %s = %q, want %q", addr, got, want)
		}
	}
	if table.Len() != 6 {
		t.Errorf("%d ranges, want 6", table.Len())
	}
}

func TestColumnsMayStandInAnyOrder(t *testing.T) {
	table, err := Parse([]byte("\xef\xbb\xbfowner,VPC, App ,cidr\r\nme,v,a,192.0.2.0/24\r\n"), 10)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := table.Lookup(netip.MustParseAddr("192.0.2.1")); n != (ingest.Name{App: "a", VPC: "v"}) {
		t.Errorf("name = %+v", n)
	}
}

func TestAFileIsRightInEveryLine(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8,a\n10.0.0.300/24,b\n":          "line 2: cidr is neither",
		"10.0.0.1/24,a\n":                          "line 1: cidr has bits beyond",
		"10.0.0.0/8\n":                             "line 1: app ",
		"10.0.0.0/8,,v\n":                          "line 1: app ",
		"10.0.0.0/8,a," + strings.Repeat("v", 257): "line 1: vpc ",
		"10.0.0.0/8,a\n\n10.0.0.0/8,b\n":           "line 3: the range has another name",
		"cidr,name\n":                              "line 1: the header needs",
		"10.0.0.0/8,\"a\n":                         "line ",
		"10.0.0.0/8,a\n10.1.0.0/16,secret-app\xff": "line 2: app ",
	} {
		_, err := Parse([]byte(text), 10)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Parse(%.30q) = %v, want %s", text, err, want)
		}
	}
	if _, err := Parse([]byte("10.0.0.0/8,a\n10.0.0.0/8,a\n"), 10); err != nil {
		t.Errorf("a line twice = %v, want no error", err)
	}
}

func TestTheRowsOfAFileAreLimited(t *testing.T) {
	rows := "cidr,app\n10.0.0.0/8,a\n10.1.0.0/16,b\n"
	if _, err := Parse([]byte(rows), 2); err != nil {
		t.Errorf("two rows of two = %v", err)
	}
	var tooMany *TooManyRowsError
	if _, err := Parse([]byte(rows), 1); !errors.As(err, &tooMany) {
		t.Errorf("two rows of one = %v, want a TooManyRowsError", err)
	}
}

func TestAFileIsReadAgainWhenItChanges(t *testing.T) {
	name := filepath.Join(t.TempDir(), "names.csv")
	write := func(text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("192.0.2.1,a\n")
	set := reload.NewSet(nil)
	v, err := reload.Add(set, Source(name, 100_000))
	if err != nil {
		t.Fatal(err)
	}
	app := func() string {
		n, _ := v.Get().Lookup(netip.MustParseAddr("192.0.2.1"))
		return n.App
	}
	var b strings.Builder
	for i := range 50_000 { // more than 1 MiB
		fmt.Fprintf(&b, "10.%d.%d.%d,app-%d,vpc-of-ten\n", i>>16, i>>8&255, i&255, i)
	}
	write(b.String() + "192.0.2.1,b\n")
	set.Check()
	if app() != "b" || v.Get().Len() != 50_001 {
		t.Errorf("name after a change = %q, %d ranges", app(), v.Get().Len())
	}
	write("192.0.2.1,c\nnonsense\n")
	set.Check()
	if app() != "b" || set.Stats().Broken != 1 {
		t.Errorf("name after a fault = %q, %d broken files; want the last usable ones", app(), set.Stats().Broken)
	}
}

// FuzzParse compares the table with a search through all ranges, for any file.
func FuzzParse(f *testing.F) {
	f.Add([]byte(file))
	f.Add([]byte("::/0,a\n0.0.0.0/0,b\n"))
	f.Add([]byte("::ffff:0:0/96,a\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		table, err := Parse(content, 100)
		if err != nil {
			return
		}
		r := rand.New(rand.NewPCG(1, uint64(len(content))))
		for p := range table.ranges.All() {
			addr := p.Addr()
			if addr.Is4() {
				b := addr.As4()
				b[3] ^= byte(r.Uint32()) & (1<<(32-max(24, p.Bits())) - 1)
				addr = netip.AddrFrom4(b)
			}
			var want ingest.Name
			longest := -1
			for q, n := range table.ranges.All() {
				if q.Contains(addr) && q.Bits() > longest {
					want, longest = n, q.Bits()
				}
			}
			if got, ok := table.Lookup(addr); !ok || got != want {
				t.Fatalf("name of %s = %+v %v, want %+v", addr, got, ok, want)
			}
		}
	})
}
