//go:build linux

package proctest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestReadmeFromTopToBottom runs every command of README.md, in order, in one shell, but for the test run itself and
// `docker run`, which stands in a list. Each command must print the text below it. The test makes these changes to the
// commands:
//
//   - 127.0.0.1 becomes another loopback address, with the same ports, which no other node of the machine has;
//   - bin/flowring, flowring-data and /tmp/flowring become folders of the test.
//
// A picture is a link to the page that it shows. The test loads the page, and with -pictures makes the picture anew.
//
// In outputs IDs, the time of the hour, retry_after and the width of columns may differ, and the number of the hour is
// the current one.
func TestReadmeFromTopToBottom(t *testing.T) {
	t.Parallel()
	skipShort(t)
	if _, err := exec.LookPath("curl"); err != nil && os.Getenv("CI") == "" {
		t.Skip("curl is not installed")
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := readmeExamples(string(text))
	if len(examples) < 15 {
		t.Fatalf("README.md has %d commands, want 15 or more: they are not found", len(examples))
	}
	place := newReadmePlace(t)
	sh := startShell(t, place.environment())
	for _, e := range examples {
		if e.command == "go test ./..." {
			continue
		}
		if !place.run(t, sh, e) {
			return // the following commands need this one
		}
		if e.picture != "" && *pictures {
			place.takePicture(t, e)
		}
	}
	place.checkNothingIsLeft(t, sh)
}

// readmeExample is a command of README.md and its output in README.md.
type readmeExample struct {
	command, output string
	silent          bool   // README.md has no output
	picture, page   string // the file of a picture, and the address of its page
}

// picture matches a picture of README.md that links to its page.
var picture = regexp.MustCompile(`^\[!\[.*\]\((docs/pictures/.*)\)\]\((http://.*)\)\n$`)

// readmeExamples returns the commands below the first heading. A block whose lines have no dollar is one command. In
// any other block a command begins with a dollar, goes on while a quotation is open, and has its output below.
func readmeExamples(text string) []readmeExample {
	_, text, _ = strings.Cut(text, "\n## ")
	var all []readmeExample
	open, within := false, false // a quotation, a block
	for line := range strings.Lines(text) {
		code, isCode := strings.CutPrefix(line, "    ")
		isCode = isCode && !strings.HasPrefix(code, "  docker ")
		command, begins := strings.CutPrefix(code, "$ ")
		last := len(all) - 1
		if m := picture.FindStringSubmatch(line); m != nil {
			load := "curl -sf -H 'Accept: text/html' -o /dev/null " + m[2]
			all = append(all, readmeExample{command: load, silent: true, picture: m[1], page: m[2]})
		}
		switch {
		case strings.TrimSpace(line) == "" && within:
			all[last].output += "\n" // a block goes on behind an empty line
			continue
		case !isCode:
			within = false
			continue
		case begins:
			all = append(all, readmeExample{command: command})
		case !within:
			all = append(all, readmeExample{command: code, silent: true})
		case open || all[last].silent:
			all[last].command += code
		default:
			all[last].output += code
		}
		within = true
		open = strings.Count(all[len(all)-1].command, "'")%2 == 1
	}
	for i := range all {
		all[i].command = strings.TrimSpace(all[i].command)
	}
	return all
}

// readmePlace is the place of the commands: folders and addresses.
type readmePlace struct {
	address, folder string
	inPlace         *strings.Replacer
	hour            *strings.Replacer // from the number of the hour in README.md to the current one
}

func newReadmePlace(t *testing.T) *readmePlace {
	t.Helper()
	p := &readmePlace{address: freeNet(t) + ".1", folder: t.TempDir(), hour: strings.NewReplacer()}
	p.inPlace = strings.NewReplacer("127.0.0.1", p.address, "/tmp/flowring", p.folder+"/three",
		"flowring-data", p.folder+"/flowring-data", "bin/flowring", p.folder+"/bin/flowring")
	return p
}

// environment moves the defaults of the program to the place.
func (p *readmePlace) environment() []string {
	return append(environment(), "FLOWRING_HTTP_ADDR="+p.address+":8080", "FLOWRING_PEER_ADDR="+p.address+":8081",
		"FLOWRING_GOSSIP_ADDR="+p.address+":7946", "FLOWRING_TARGET="+p.address+":8080", "FLOWRING_DATA_DIR="+p.folder+"/flowring-data")
}

// run runs one command and reports whether it did as README.md says. A view of the members is asked for until it does:
// nodes that are ready learn of each other a moment later.
func (p *readmePlace) run(t *testing.T, sh *shell, e readmeExample) bool {
	t.Helper()
	for tries := 1; ; tries++ {
		out, status := sh.run(p.inPlace.Replace(e.command))
		if strings.HasSuffix(e.command, "echo $hour") {
			p.learnHour(e.output, out)
		}
		got, want := p.comparable(out), p.comparable(p.hour.Replace(p.inPlace.Replace(e.output)))
		switch {
		case status == 0 && (e.silent || got == want):
			return true
		case strings.Contains(e.command, "flowring members ") && tries < 100:
			time.Sleep(100 * time.Millisecond)
		default:
			t.Errorf("%s\nends with %d and prints\n%s\nwant as in README.md\n%s", e.command, status, out, e.output)
			return false
		}
	}
}

// learnHour notes the current hour for the hour in README.md.
func (p *readmePlace) learnHour(readme, now string) {
	var there, here int
	fmt.Sscan(readme, &there)
	fmt.Sscan(now, &here)
	p.hour = strings.NewReplacer(fmt.Sprint(there), fmt.Sprint(here), fmt.Sprint(there-1), fmt.Sprint(here-1))
}

// comparable returns an output without the parts that differ from run to run.
func (p *readmePlace) comparable(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{`\b[0-9a-f]{32}\b`, "ID"},
		{`\b[0-9a-f]{16}\b`, "VERSION"},
		{`from [0-9-]+ [0-9:]+ to [0-9:]+ UTC`, "from TIME"},
		{`"retry_after":\d+`, `"retry_after":N`},
		{` +`, " "},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return strings.TrimSpace(text)
}

// checkNothingIsLeft ends the shell and looks for processes and folders that outlive it.
func (p *readmePlace) checkNothingIsLeft(t *testing.T, sh *shell) {
	t.Helper()
	sh.in.Close()
	if err := sh.cmd.Wait(); err != nil {
		t.Errorf("the shell ends with %v", err)
	}
	if err := syscall.Kill(-sh.cmd.Process.Pid, 0); err != syscall.ESRCH {
		t.Errorf("a process is left behind (%v)", err)
	}
	for _, name := range []string{"three", "flowring-data", "bin/flowring"} {
		if _, err := os.Stat(filepath.Join(p.folder, name)); !os.IsNotExist(err) {
			t.Errorf("%s is left behind", name)
		}
	}
}

// shell is a shell in the root of the repository, which runs one command after the other.
type shell struct {
	t   *testing.T
	cmd *exec.Cmd
	in  interface {
		Write([]byte) (int, error)
		Close() error
	}
	out *bufio.Reader
}

// startShell starts a shell. The shell and its processes end with the test.
func startShell(t *testing.T, env []string) *shell {
	t.Helper()
	log, err := os.Create(filepath.Join(t.ArtifactDir(), "readme.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh")
	cmd.Dir, cmd.Env, cmd.Stderr = "../..", env, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	hung := time.AfterFunc(5*time.Minute, end) // the output ends, and with it the test
	t.Cleanup(func() {
		hung.Stop()
		end()
		cmd.Wait()
		log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("stderr of the shell:\n%s", text)
		}
	})
	return &shell{t: t, cmd: cmd, in: in, out: bufio.NewReader(out)}
}

// run returns the output of a command and its exit code.
func (s *shell) run(command string) (out string, status int) {
	s.t.Helper()
	const mark = "\x01end"
	fmt.Fprintf(s.in, "%s\nprintf '\\001end %%d\\n' $?\n", command)
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatalf("%s\nprints %q, and then the shell ends: %v", command, out+line, err)
		}
		before, after, found := strings.Cut(line, mark)
		out += before
		if found {
			fmt.Sscan(after, &status)
			return out, status
		}
	}
}
