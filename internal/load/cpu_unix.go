//go:build unix

package load

import (
	"syscall"
	"time"
)

// CPU returns the processor time that this process has taken; 0 where the system does not say.
func CPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
