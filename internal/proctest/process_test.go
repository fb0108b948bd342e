//go:build linux

package proctest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is one node: its address, its folder and, while it runs, its process. It outlives the process.
type process struct {
	t       *testing.T
	name    string
	host    string   // its address; every node has the default ports
	data    string   // folder of the journal
	log     string   // file with the logs of all starts
	tls     bool     // the public port has TLS
	in      []string // command that runs a command in the namespace of this node; nil: none
	command string   // of the program; empty: serve
	args    []string
	env     []string // additional variables

	binary string // another program than that of the tests; empty: none

	cmd   *exec.Cmd // nil: the node does not run
	ended chan error
}

func (p *process) url() string {
	if p.tls {
		return "https://" + p.host + ":8080"
	}
	return "http://" + p.host + ":8080"
}
func (p *process) peer() string   { return "http://" + p.host + ":8081/peer/v1/" }
func (p *process) String() string { return p.name }

// start runs the program and returns at once.
func (p *process) start() {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	line := append(append([]string{}, p.in...), cmp.Or(p.binary, os.Getenv(envBinary)), cmp.Or(p.command, "serve"))
	line = append(line, p.args...)
	p.cmd = exec.Command(line[0], line[1:]...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = log, log, append(environment(), p.env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatalf("start %s: %v", p, err)
	}
	p.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(p.cmd, p.ended)
}

// environment returns the environment of the test without the settings of nodes, except the log level.
func environment() []string {
	env := []string{"FLOWRING_MIN_FREE=0"} // the disk of this machine may be nearly full
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "FLOWRING_") || strings.HasPrefix(variable, "FLOWRING_LOG_LEVEL=") {
			env = append(env, variable)
		}
	}
	return env
}

func (p *process) signal(signal syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Errorf("%v to %s: %v", signal, p, err)
	}
}

// freeze stops the process with open connections. thaw continues it.
func (p *process) freeze() { p.t.Helper(); p.signal(syscall.SIGSTOP) }
func (p *process) thaw()   { p.t.Helper(); p.signal(syscall.SIGCONT) }

// kill ends the process as kill -9 does.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	if _, err := p.wait(patience); err != nil {
		p.t.Fatal(err)
	}
}

// terminate asks the process to stop, and fails the test unless it ends with the code 0.
func (p *process) terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	status, err := p.wait(patience)
	if err != nil {
		p.t.Fatal(err)
	}
	if status != nil {
		p.t.Errorf("%s was asked to stop: %v", p, status)
	}
}

// wait waits for the end of the process and returns its error.
func (p *process) wait(within time.Duration) (status, err error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case status = <-p.ended:
		p.cmd = nil
		return status, nil
	case <-timer.C:
		return nil, fmt.Errorf("%s (process %d) has not ended after %v", p, p.cmd.Process.Pid, within)
	}
}

// exitCode returns the exit code of a process.
func exitCode(status error) int {
	var exit *exec.ExitError
	if errors.As(status, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// close kills a running process. A process that has ended by itself is an error, as is a reported data race (P18).
func (p *process) close() {
	if text, _ := os.ReadFile(p.log); bytes.Contains(text, []byte(dataRace)) {
		p.t.Errorf("%s has a data race", p)
	}
	if p.cmd == nil {
		return
	}
	select {
	case status := <-p.ended:
		p.t.Errorf("%s ended by itself: %v", p, status)
	default:
		p.kill()
	}
}

// tail shows the important part of the log: the crash, or else the last lines.
func (p *process) tail(lines int) {
	text, _ := os.ReadFile(p.log)
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	from := max(0, len(all)-lines)
	if i := slices.IndexFunc(all, crashed); i >= 0 {
		from = max(0, i-3)
	}
	p.t.Logf("the log of %s, from line %d:\n\t%s", p, from+1, strings.Join(all[from:min(from+lines, len(all))], "\n\t"))
}

const dataRace = "WARNING: DATA RACE"

func crashed(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") ||
		strings.HasPrefix(line, dataRace)
}
