package server

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns the CPU time of a process, user and system, of all its threads. It reads the CPU clock of the
// process, which counts nanoseconds; /proc/PID/stat counts hundredths of a second.
func cpuTime(pid int) (time.Duration, error) {
	const cpuClock = 2 // the kernel's number of the clock of scheduled time of a whole process: clock_getres(2)
	var now unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|cpuClock), &now); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(now.Nano()), nil
}

// residentBytes returns the resident memory of a process.
func residentBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, fmt.Errorf("memory of process %d: statm reads %q", pid, text)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// AvailableBytes returns the memory of the machine that is available without swapping.
func AvailableBytes() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(text, []byte("MemAvailable:"))
	var kib int64
	if _, err := fmt.Sscan(string(rest), &kib); err != nil {
		return 0, fmt.Errorf("available memory: /proc/meminfo: %w", err)
	}
	return kib << 10, nil
}

// dieWithParent makes the kernel kill a process when this process dies.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
