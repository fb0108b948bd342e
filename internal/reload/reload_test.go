package reload_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/certtest"
	"flowring/internal/reload"
)

// word is a source of one word. The content bad is not usable.
func word(file string) reload.Source[string] {
	return reload.Source[string]{Name: "word", Files: []string{file}, Parse: func(contents [][]byte) (string, error) {
		if string(contents[0]) == "bad" {
			return "", errors.New("line 1: not usable")
		}
		return string(contents[0]), nil
	}}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A broken or missing file keeps the last usable value, and is logged and counted once for each content.
func TestABrokenFileKeepsTheLastUsableValue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "word")
	write(t, file, "one")
	var log bytes.Buffer
	set := reload.NewSet(slog.New(slog.NewTextHandler(&log, nil)))
	src := word(file)
	var changes []string
	src.Changed = func(now string) { changes = append(changes, now) }
	value, err := reload.Add(set, src)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name, content, want string
		stats               reload.Stats
	}{
		{"the same content", "one", "one", reload.Stats{}},
		{"a new content", "two", "two", reload.Stats{Reloads: 1}},
		{"an unusable content", "bad", "two", reload.Stats{Reloads: 1, Failures: 1, Broken: 1}},
		{"the unusable content again", "bad", "two", reload.Stats{Reloads: 1, Failures: 1, Broken: 1}},
		{"no file", "", "two", reload.Stats{Reloads: 1, Failures: 2, Broken: 1}},
		{"the content in use", "two", "two", reload.Stats{Reloads: 2, Failures: 2}},
	} {
		if step.content == "" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, file, step.content)
		}
		set.Check()
		if got := value.Get(); got != step.want || set.Stats() != step.stats {
			t.Errorf("%s: Get() = %q, Stats() = %+v, want %q, %+v", step.name, got, set.Stats(), step.want, step.stats)
		}
	}
	if want := []string{"two", "two"}; !slices.Equal(changes, want) {
		t.Errorf("Changed was called with %q, want %q", changes, want)
	}
	if n := strings.Count(log.String(), "file not usable"); n != 2 {
		t.Errorf("the log has %d lines about unusable contents, want 2:\n%s", n, log.String())
	}
}

func TestAnUnusableFileIsRefusedAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "word")
	for _, content := range []string{"", "bad"} {
		if content != "" {
			write(t, file, content)
		}
		if _, err := reload.Add(reload.NewSet(nil), word(file)); err == nil {
			t.Errorf("Add of the content %q has no error", content)
		}
	}
}

// Kubernetes mounts a Secret as links to a folder that is itself a link, and replaces that link.
func TestWatchFollowsTheLinkOfASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		link := filepath.Join(dir, "..data")
		version := func(name string, pair certtest.Pair) {
			folder := filepath.Join(dir, name)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			pair.Write(t, folder)
			if err := os.Symlink(folder, link+".tmp"); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(link+".tmp", link); err != nil {
				t.Fatal(err)
			}
		}
		ca := certtest.New(t, "CA")
		version("1", ca.Issue(certtest.Names{DNS: []string{"one"}}))
		set := reload.NewSet(nil)
		pair, err := reload.Add(set, reload.KeyPair("cert", filepath.Join(link, "tls.crt"), filepath.Join(link, "tls.key")))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { set.Watch(ctx); close(done) }()
		if name := pair.Get().Leaf.DNSNames[0]; name != "one" {
			t.Errorf("the certificate is of %s, want one", name)
		}
		version("2", ca.Issue(certtest.Names{DNS: []string{"two"}}))
		after(2 * reload.Every)
		if name := pair.Get().Leaf.DNSNames[0]; name != "two" {
			t.Errorf("after the link has changed the certificate is of %s, want two", name)
		}
		cancel()
		<-done
	})
}

// A certificate without its key is not taken over, and its error shows nothing of either.
func TestACertificateNeedsItsKey(t *testing.T) {
	dir := t.TempDir()
	ca := certtest.New(t, "CA")
	one, two := ca.Issue(certtest.Names{DNS: []string{"one"}}), ca.Issue(certtest.Names{DNS: []string{"two"}})
	cert, key := one.Write(t, dir)
	var log bytes.Buffer
	set := reload.NewSet(slog.New(slog.NewTextHandler(&log, nil)))
	pair, err := reload.Add(set, reload.KeyPair("cert", cert, key))
	if err != nil {
		t.Fatal(err)
	}
	certtest.Write(t, dir, "tls.crt", two.Cert)
	set.Check()
	if name := pair.Get().Leaf.DNSNames[0]; name != "one" || set.Stats().Broken != 1 {
		t.Errorf("with the key of another one the certificate is of %s, Stats() = %+v, want one and 1 broken", name, set.Stats())
	}
	for line := range strings.Lines(string(two.Cert) + string(one.Key)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") && strings.Contains(log.String(), line) {
			t.Errorf("the log shows the content of a file: %s", log.String())
		}
	}
	certtest.Write(t, dir, "tls.key", two.Key)
	set.Check()
	if name := pair.Get().Leaf.DNSNames[0]; name != "two" || set.Stats().Broken != 0 {
		t.Errorf("with its key the certificate is of %s, Stats() = %+v, want two and none broken", name, set.Stats())
	}
}

// A certificate counts within its time: one that has expired is not taken over, and one that begins later is taken over
// when it begins.
func TestACertificateCountsWithinItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := certtest.New(t, "CA")
		dir, now := t.TempDir(), time.Now()
		cert, key := ca.Issue(certtest.Names{DNS: []string{"good"}, To: now.Add(time.Hour)}).Write(t, dir)
		source := reload.KeyPair("cert", cert, key)
		var log bytes.Buffer
		set := reload.NewSet(slog.New(slog.NewTextHandler(&log, nil)))
		pair, err := reload.Add(set, source)
		if err != nil {
			t.Fatal(err)
		}
		use := func(names certtest.Names, want string, broken int, line string) {
			t.Helper()
			ca.Issue(names).Write(t, dir)
			log.Reset()
			set.Check()
			set.Check()
			if got := pair.Get().Leaf.DNSNames[0]; got != want || set.Stats().Broken != broken || strings.Count(log.String(), line) != 1 {
				t.Errorf("with the certificate %s: %s is in use, Stats() = %+v, log %s; want %s, %d broken and one line with %q",
					names.DNS[0], got, set.Stats(), log.String(), want, broken, line)
			}
		}
		use(certtest.Names{DNS: []string{"expired"}, To: now.Add(-time.Hour)}, "good", 1, "the certificate has expired at ")
		if _, err := reload.Add(set, source); err == nil {
			t.Error("a certificate that has expired is usable at the start")
		}
		use(certtest.Names{DNS: []string{"later"}, From: now.Add(time.Minute)}, "good", 1, "the certificate begins at ")
		log.Reset()
		time.Sleep(time.Minute)
		set.Check()
		set.Check()
		if got := pair.Get().Leaf.DNSNames[0]; got != "later" || set.Stats().Broken != 0 || strings.Count(log.String(), "file reloaded") != 1 {
			t.Errorf("a minute later %s is in use, Stats() = %+v, log %s; want later, none broken and one line", got, set.Stats(), log.String())
		}
	})
}

func TestAuthoritiesAreUsableAsAWhole(t *testing.T) {
	one, two := certtest.New(t, "one"), certtest.New(t, "two")
	pair := one.Issue(certtest.Names{DNS: []string{"a"}})
	for _, tt := range []struct {
		name    string
		content []byte
		want    string // in the error; empty: usable
	}{
		{"one authority", one.PEM, ""},
		{"two authorities", slices.Concat(one.PEM, two.PEM), ""},
		{"text around them", slices.Concat([]byte("# first\n"), one.PEM, []byte("# second\n"), two.PEM), ""},
		{"nothing", nil, "no PEM certificate"},
		{"a key", pair.Key, "PEM block 1 is no certificate"},
		{"a broken second one", slices.Concat(one.PEM, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), "PEM block 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := certtest.Write(t, t.TempDir(), "ca.crt", tt.content)
			_, err := reload.Add(reload.NewSet(nil), reload.Authorities("ca", file))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Add = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// after lets virtual time pass.
func after(d time.Duration) { time.Sleep(d); synctest.Wait() }
