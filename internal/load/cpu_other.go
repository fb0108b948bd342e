//go:build !unix

package load

import "time"

// CPU returns the processor time that this process has taken; 0 where the system does not say.
func CPU() time.Duration { return 0 }
