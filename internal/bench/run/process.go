package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	startWithin = 30 * time.Second // bounds the start of a process, and then until it is ready
	endWithin   = 10 * time.Second // bounds a graceful end
	tailLines   = 20               // kept of what a process logs, to be shown when it fails
)

// process is one process that serves. It is ended by end alone.
type process struct {
	cmd      *exec.Cmd
	graceful bool // ask before killing: it has a profile to write
	served   addresses
	tail     []string      // guarded by drained
	drained  chan struct{} // closed when it logs no more
}

// addresses are those that a process reports once it serves, in a log record of this form.
type addresses struct {
	Msg    string `json:"msg"`
	HTTP   string `json:"http"`
	Gossip string `json:"gossip"`
}

// startProcess runs a command until it serves, which it says in its log, in JSON, on stderr.
func startProcess(ctx context.Context, command, env []string, graceful bool) (*process, error) {
	p := &process{cmd: exec.Command(command[0], command[1:]...), graceful: graceful, drained: make(chan struct{})}
	p.cmd.Env, p.cmd.SysProcAttr = append(environment(), env...), dieWithParent()
	log, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	serving := make(chan addresses, 1)
	go p.drain(log, serving)
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	select {
	case p.served = <-serving:
		return p, nil
	case <-p.drained:
		p.end()
		return nil, fmt.Errorf("%s ended at its start:\n%s", command[0], strings.Join(p.tail, "\n"))
	case <-ctx.Done():
		p.end()
		return nil, fmt.Errorf("%s does not serve: %w\n%s", command[0], ctx.Err(), strings.Join(p.tail, "\n"))
	}
}

// environment is that of this process without what sets up nodes.
func environment() []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "FLOWRING_") {
			env = append(env, variable)
		}
	}
	return env
}

// drain reads the log to its end.
func (p *process) drain(log io.Reader, serving chan<- addresses) {
	defer close(p.drained)
	lines := bufio.NewScanner(log)
	told := false
	for lines.Scan() {
		p.tail = append(p.tail, lines.Text())
		p.tail = p.tail[max(0, len(p.tail)-tailLines):]
		var at addresses
		if !told && json.Unmarshal(lines.Bytes(), &at) == nil && at.Msg == servingMessage {
			told = true
			serving <- at
		}
	}
}

// servingMessage is what a server logs when its port is open.
const servingMessage = "serving"

// end ends the process and waits for it. That it is no more is all that matters: the errors on the way say that it already was, or
// how it went.
func (p *process) end() {
	if p.graceful {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(endWithin, func() { _ = p.cmd.Process.Kill() })
		defer timer.Stop()
	} else {
		_ = p.cmd.Process.Kill()
	}
	<-p.drained
	_ = p.cmd.Wait()
}
