package check

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/store"
	"flowring/store/digest"
	"flowring/store/journal"
	"flowring/store/totals"
)

const hours, flows = 8, 300

// folder returns a data folder with a batch in each hour, of which hour 1 is sealed, and with totals of hour 2. All is in
// tables on disk, with a block for each hour. The names compress well, because the journal's library searches each damaged
// block for the bit that was flipped, which takes seconds for blocks of 32 KiB, and minutes for larger ones.
func folder(t *testing.T, ofHour2 totals.Totals) string {
	t.Helper()
	dir := t.TempDir()
	j := open(t, dir)
	s := store.New(store.Config{}, store.Deps{Journal: j})
	must(t, errors.Join(s.Open(), j.SetState("roster", []byte("of a node")), j.RaiseVersion(compat.Version(compat.HourTotals))))
	random := rand.NewChaCha8([32]byte{1})
	for hour := range flow.Hour(hours) {
		var records []flow.Record
		for range flows {
			records = append(records, flow.Record{
				Key:    flow.Key{SrcApp: fmt.Sprintf("%016x%0200d", random.Uint64(), hour), DestApp: "d", VPCID: "v"},
				Totals: flow.Totals{BytesTx: 1, BytesRx: 2}, Hour: hour,
			})
		}
		p, err := flow.AddUp(records)
		must(t, err)
		b := p.Batches[0]
		b.Slice, b.Dot = flow.Slice{Hour: hour}, flow.Dot{Origin: 7, Seq: uint64(hour)}
		must(t, s.Apply(flow.Written{Batch: b, Bytes: b.Encode()}))
	}
	sealed, err := s.Seal(flow.Slice{Hour: 1}, digest.Of(flow.Dot{Origin: 7, Seq: 1}), 1)
	if !sealed {
		t.Fatalf("Seal = %t, %v", sealed, err)
	}
	of := digest.Of(flow.Dot{Origin: 7, Seq: 2})
	must(t, j.SetTotals(flow.Slice{Hour: 2}, ofHour2.Encode(of.Sum())))
	must(t, j.Close())
	must(t, open(t, dir).Close()) // writes the log into a table
	return dir
}

func open(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{})
	must(t, err)
	return j
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run checks a folder, and returns the findings and the progress.
func run(t *testing.T, dir string) (findings, progress string, err error) {
	t.Helper()
	var found, told bytes.Buffer
	c := Check{Folder: dir, Findings: &found, Progress: &told}
	err = c.Run(t.Context())
	return found.String(), told.String(), err
}

// contents returns the files of a folder.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		fmt.Fprintf(&all, "%s %d %x\n", e.Name(), len(data), data)
	}
	return all.String()
}

// rightTotals are those of each hour of folder.
func rightTotals() (t totals.Totals) {
	t.Add([]flow.Totals{{BytesTx: flows, BytesRx: 2 * flows}})
	t.Flows = flows
	return t
}

func TestAnIntactFolderIsSaidToBeSoAndStaysAsItIs(t *testing.T) {
	dir := folder(t, rightTotals())
	must(t, os.Remove(filepath.Join(dir, "LOCK"))) // a backup has none
	before := contents(t, dir)
	findings, progress, err := run(t, dir)
	if err != nil || !strings.HasPrefix(findings, "no damage: version 2, 8 slices, ") {
		t.Errorf("Run = %v with the findings %q, want no damage", err, findings)
	}
	if lines := strings.Count(progress, "\n"); lines != hours || !strings.Contains(progress, "checked 8 of 8 slices") {
		t.Errorf("the progress is %q, want a line for each slice", progress)
	}
	if contents(t, dir) != before {
		t.Error("the check has changed the folder")
	}
}

// Each flipped byte in the middle of the table is found, and its hour is named (P15).
func TestAFlippedByteIsFound(t *testing.T) {
	dir := folder(t, rightTotals())
	table, named := largest(t, dir), 0
	good, err := os.ReadFile(table)
	must(t, err)
	for at := len(good) / 10; at < len(good)*8/10; at += len(good) / 10 {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		must(t, os.WriteFile(table, bad, 0o600))
		findings, _, err := run(t, dir)
		if err == nil {
			t.Errorf("with the byte %d of %d flipped Run = nil, findings %q", at, len(good), findings)
		}
		named += strings.Count(findings, "hour ")
	}
	if named == 0 {
		t.Error("no finding names an hour")
	}
}

// A table of a new folder has the format of its first version alone, and a newer one stands in the log (P15).
func TestADamagedTableWithoutHoursIsFound(t *testing.T) {
	dir := t.TempDir()
	must(t, open(t, dir).Close())
	j := open(t, dir) // writes the log into a table
	must(t, errors.Join(j.RaiseVersion(compat.Version(compat.HourTotals)), j.Close()))
	if _, _, err := run(t, dir); err != nil {
		t.Fatalf("the intact folder: %v", err)
	}
	table := largest(t, dir)
	data, err := os.ReadFile(table)
	must(t, err)
	for at := range data {
		data[at] ^= 0x40
	}
	must(t, os.WriteFile(table, data, 0o600))
	if findings, _, err := run(t, dir); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("Run = %v with the findings %q, want a damaged folder", err, findings)
	}
}

// Totals on disk have a block of their own in a folder of many hours. Here they are totals of a later version.
func TestDamagedTotalsAreFound(t *testing.T) {
	dir, random, later := folder(t, rightTotals()), rand.NewChaCha8([32]byte{2}), make([]byte, 64<<10)
	_, err := random.Read(later)
	must(t, err)
	later[0] = 0xff
	j := open(t, dir)
	must(t, errors.Join(j.SetTotals(flow.Slice{Hour: 3}, later), j.Close()))
	must(t, open(t, dir).Close()) // writes the log into a table
	if _, _, err := run(t, dir); err != nil {
		t.Fatalf("the intact folder: %v", err)
	}
	table := largest(t, dir)
	data, err := os.ReadFile(table)
	must(t, err)
	at := bytes.Index(data, later[:100])
	if at < 0 {
		t.Fatal("the largest table lacks the totals")
	}
	data[at+200] ^= 1
	must(t, os.WriteFile(table, data, 0o600))
	findings, _, err := run(t, dir)
	if err == nil || err.Error() != "damaged: 1 of 8 slices" || !strings.HasPrefix(findings, "hour 3: totals of slice 3") {
		t.Errorf("Run = %v with the findings %q, want damage of hour 3", err, findings)
	}
}

// largest returns the path of the largest table of a folder, which has the batches.
func largest(t *testing.T, dir string) (path string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	must(t, err)
	size := int64(0)
	for _, table := range tables {
		info, err := os.Stat(table)
		must(t, err)
		if info.Size() > size {
			path, size = table, info.Size()
		}
	}
	return path
}

func TestTotalsOfOtherFlowsAreFound(t *testing.T) {
	wrong := rightTotals()
	wrong.Flows++
	findings, _, err := run(t, folder(t, wrong))
	if err == nil || err.Error() != "damaged: 1 of 8 slices" || !strings.HasPrefix(findings, "hour 2: ") {
		t.Errorf("Run = %v with the findings %q, want damage of hour 2", err, findings)
	}
}

func TestAFolderThatCannotBeCheckedIsRefused(t *testing.T) {
	empty := t.TempDir()
	if _, _, err := run(t, empty); !errors.Is(err, journal.ErrFormat) {
		t.Errorf("of an empty folder Run = %v, want ErrFormat", err)
	}
	if names, err := os.ReadDir(empty); err != nil || len(names) > 0 {
		t.Errorf("the empty folder has %v, %v, want nothing", names, err)
	}
	if _, _, err := run(t, filepath.Join(empty, "missing")); !errors.Is(err, journal.ErrFormat) {
		t.Errorf("of a missing folder Run = %v, want ErrFormat", err)
	}
	inUse := t.TempDir()
	j := open(t, inUse)
	defer j.Close()
	if _, _, err := run(t, inUse); !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), "stop the node") {
		t.Errorf("of a folder in use Run = %v, want ErrLocked and advice", err)
	}
}
