//go:build !unix

package load

import "time"

// CPU returns the CPU time of this process; 0, because this system does not tell it.
func CPU() time.Duration { return 0 }
