package clock

import (
	"strconv"
	"strings"
	"time"
)

// fast makes both clocks of a test program run faster, equally fast: "PACE@MILLIS" multiplies the time since MILLIS, in
// milliseconds since 1970. Only the linker sets it (-X), for internal/proctest. The shipped program has none.
var fast string

var pace, since = paceOf(fast)

func paceOf(text string) (pace int64, since time.Time) {
	before, after, _ := strings.Cut(text, "@")
	pace, err := strconv.ParseInt(before, 10, 64)
	millis, err2 := strconv.ParseInt(after, 10, 64)
	if err != nil || err2 != nil || pace < 1 {
		return 1, time.Time{}
	}
	return pace, time.UnixMilli(millis)
}

// Now returns the wall clock of this machine.
func Now() time.Time {
	if pace == 1 {
		return time.Now()
	}
	return since.Add(faster(time.Since(since)))
}

// faster returns the time that passes on the clocks of the program in a time of the machine.
func faster(d time.Duration) time.Duration { return d * time.Duration(pace) }
