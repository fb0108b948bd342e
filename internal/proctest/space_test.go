//go:build linux

package proctest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// space is a namespace with its own network or file systems. It exists as long as a process runs in it, and the kernel
// removes it with the last process, so no test has to clean it up.
type space struct {
	t    *testing.T
	kind string // as nsenter and /proc call it: "net", "mnt"
	pid  int    // of the keeper, a process that keeps the space alive
}

// newSpace returns a new space. It skips the test without root.
func newSpace(t *testing.T, kind string) *space {
	t.Helper()
	skipShort(t)
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	option := map[string]string{"net": "--net", "mnt": "--mount"}[kind]
	keeper := exec.Command("unshare", option, "sleep", "infinity")
	keeper.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := keeper.Start(); err != nil {
		t.Skip("unshare: ", err)
	}
	t.Cleanup(func() {
		keeper.Process.Kill()
		keeper.Wait()
	})
	s := &space{t, kind, keeper.Process.Pid}
	s.waitOpen()
	return s
}

// waitOpen waits until the keeper has left the namespace of this process.
func (s *space) waitOpen() {
	s.t.Helper()
	here, _ := os.Readlink("/proc/self/ns/" + s.kind)
	for begun := time.Now(); ; pause(5 * time.Millisecond) {
		there, err := os.Readlink(s.path())
		switch {
		case err == nil && there != here:
			return
		case time.Since(begun) > patience:
			s.t.Skipf("no namespace can be made here: %v", err)
		}
	}
}

func (s *space) path() string { return fmt.Sprintf("/proc/%d/ns/%s", s.pid, s.kind) }

// enter returns the command that runs a command in the space.
func (s *space) enter() []string {
	option := map[string]string{"net": "--net=", "mnt": "--mount="}[s.kind]
	return []string{"nsenter", option + s.path()}
}

// run runs a command in the space.
func (s *space) run(command string) error {
	line := append(s.enter(), strings.Fields(command)...)
	if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, out)
	}
	return nil
}

// must runs commands. It skips the test if the machine does not allow a command.
func (s *space) must(commands ...string) {
	s.t.Helper()
	for _, command := range commands {
		if err := s.run(command); err != nil {
			s.t.Skip(err)
		}
	}
}

// free returns the number of free bytes in a folder of the space.
func (s *space) free(dir string) int64 {
	s.t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(fmt.Sprintf("/proc/%d/root%s", s.pid, dir), &fs); err != nil {
		s.t.Fatal(err)
	}
	return int64(fs.Bavail) * fs.Bsize
}

// dial dials from the network of a space. The current thread enters the network only while it makes the socket.
func (s *space) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	there, err := os.Open(s.path())
	if err != nil {
		return nil, err
	}
	defer there.Close()
	runtime.LockOSThread()
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	defer here.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if back := unix.Setns(int(here.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(back) // otherwise other goroutines would make sockets there on this thread
	}
	runtime.UnlockOSThread()
	return conn, err
}
