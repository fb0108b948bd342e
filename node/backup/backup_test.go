package backup

import (
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/router/admin"
)

// slow is a journal whose backups take a minute, and fail with err.
type slow struct {
	made []string
	err  error
}

func (j *slow) Backup(to string) error {
	time.Sleep(time.Minute)
	j.made = append(j.made, to)
	return j.err
}

func (j *slow) BackupProgress(string) (done, all uint64) { return 5, 9 }
func (j *slow) RemoveUnfinished(dir string) error        { return nil }

// The same call begins a backup, joins it and has its outcome. There is one backup at a time.
func TestOneBackupAtATime(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		j := &slow{}
		b, err := New(Deps{Dir: "/backups", Journal: j, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		under := admin.Backup{Name: "one", Folder: "/backups/one", Bytes: 5, Of: 9}
		done := admin.Backup{Name: "one", Folder: "/backups/one", Done: true, Bytes: 5, Of: 5}
		for _, step := range []struct {
			name string
			want admin.Backup
		}{{"one", under}, {"one", under}, {"two", under}} {
			began := time.Now()
			if got, err := b.Make(t.Context(), step.name); err != nil || got != step.want || time.Since(began) > wait {
				t.Errorf("Make(%s) = %+v, %v, want %+v", step.name, got, err, step.want)
			}
		}
		time.Sleep(time.Minute)
		j.err = fs.ErrExist
		if got, _ := b.Make(t.Context(), "one"); got.Done {
			t.Errorf("Make = %+v, want a new call of the journal, which says that the folder exists", got)
		}
		time.Sleep(time.Minute - wait - time.Second)
		if got, err := b.Make(t.Context(), "one"); err != nil || got != done {
			t.Errorf("Make = %+v, %v, want %+v", got, err, done)
		}
		j.err = errors.New("no room")
		_, _ = b.Make(t.Context(), "two")
		time.Sleep(time.Minute - wait - time.Second)
		if got, err := b.Make(t.Context(), "two"); err != nil || !got.Done || got.Error != "no room" {
			t.Errorf("Make = %+v, %v, want the failure", got, err)
		}
		b.Stop()
		if len(j.made) != 3 {
			t.Errorf("the journal has made %v, want three calls", j.made)
		}
	})
}

// No name leads out of the folder of the backups (P17), and a node without such a folder makes none.
func TestABackupStaysBelowItsFolder(t *testing.T) {
	b, err := New(Deps{Dir: "/backups", Journal: &slow{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"", ".", "..", "../x", "a/b", "/etc", `a\b`, "a b", "a\n", "one.unfinished", ".hidden", string(make([]byte, 3)), "é",
	} {
		if _, err := b.Make(t.Context(), name); !errors.Is(err, contract.Query) {
			t.Errorf("Make(%q) = %v, want %v", name, err, contract.Query)
		}
	}
	if _, err := b.Make(t.Context(), "one.unfinished"); !strings.Contains(err.Error(), "does not end with .unfinished") {
		t.Errorf("Make of an unfinished backup = %v, want the rule that the name breaks", err)
	}
	none, err := New(Deps{Journal: &slow{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Make(t.Context(), "one"); !errors.Is(err, contract.NotFound) {
		t.Errorf("Make without a folder = %v, want %v", err, contract.NotFound)
	}
}
