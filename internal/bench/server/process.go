package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	startWithin = 30 * time.Second // limit for the start of a process, and again until the server is ready
	endWithin   = 10 * time.Second // limit for a graceful end
	tailLines   = 20               // lines of a log that are kept for an error message
)

// ServingMessage is the message that a server logs once its port is open. The record has the attributes http and, for a
// node, gossip.
const ServingMessage = "serving"

// process is one process of a server.
type process struct {
	cmd      *exec.Cmd
	graceful bool // the process is asked to end before it is killed, because it writes a profile
	ports    ports
	tail     []string      // last lines of the log; guarded by drained
	drained  chan struct{} // closed at the end of the log
}

// ports is the log record in which a process reports its addresses.
type ports struct {
	Msg    string `json:"msg"`
	HTTP   string `json:"http"`
	Gossip string `json:"gossip"`
}

// startProcess starts a command and waits for the record with ServingMessage in its log, which is JSON on stderr.
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
	serving := make(chan ports, 1)
	go p.drain(log, serving)
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	select {
	case p.ports = <-serving:
		return p, nil
	case <-p.drained:
		p.end()
		return nil, fmt.Errorf("%s ended at its start:\n%s", command[0], strings.Join(p.tail, "\n"))
	case <-ctx.Done():
		p.end()
		return nil, fmt.Errorf("%s does not serve: %w\n%s", command[0], ctx.Err(), strings.Join(p.tail, "\n"))
	}
}

// environment returns the environment of this process without the settings of nodes.
func environment() []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "FLOWRING_") {
			env = append(env, variable)
		}
	}
	return env
}

// drain reads the log to its end, and sends the addresses of the process once.
func (p *process) drain(log io.Reader, serving chan<- ports) {
	defer close(p.drained)
	lines := bufio.NewScanner(log)
	sent := false
	for lines.Scan() {
		p.tail = append(p.tail, lines.Text())
		p.tail = p.tail[max(0, len(p.tail)-tailLines):]
		var at ports
		if !sent && json.Unmarshal(lines.Bytes(), &at) == nil && at.Msg == ServingMessage {
			sent = true
			serving <- at
		}
	}
}

// end ends the process and waits for it. Errors are ignored: they say that the process had already ended, or how it
// ended.
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
