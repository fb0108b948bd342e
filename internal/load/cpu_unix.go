//go:build unix

package load

import (
	"syscall"
	"time"
)

// CPU returns the CPU time of this process; 0 if the system does not tell it.
func CPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
