package principal

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"flowring/internal/size"
)

// Limits bound the work of one principal at one node.
type Limits struct {
	RecordsPerSecond int64 // of its POSTs; 0: any number
	RecordsBurst     int64 // records at once after a pause; 0 if RecordsPerSecond is
	BytesInFlight    int64 // of the bodies of its POSTs in progress; 0: any number
}

// burstSeconds is the default of RecordsBurst, in seconds of RecordsPerSecond.
const burstSeconds = 10

// maxRate is the greatest RecordsPerSecond and RecordsBurst.
const maxRate = 1e9

// errLimit shows nothing of the text, because a token may stand in the wrong place.
var errLimit = errors.New("the words after the third are limits, each at most once: records-per-second=N," +
	" records-burst=N beside it, bytes-in-flight=SIZE such as 64MiB")

// parseLimits reads the words of a line after the third.
func parseLimits(words []string) (*Limits, error) {
	if len(words) == 0 {
		return nil, nil
	}
	l := new(Limits)
	fields := map[string]*int64{
		"records-per-second": &l.RecordsPerSecond, "records-burst": &l.RecordsBurst, "bytes-in-flight": &l.BytesInFlight,
	}
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		field := fields[name]
		if field == nil || *field != 0 {
			return nil, errLimit
		}
		if *field = parseLimit(name, text); *field == 0 {
			return nil, errLimit
		}
	}
	switch {
	case l.RecordsPerSecond == 0 && l.RecordsBurst != 0:
		return nil, errLimit
	case l.RecordsBurst == 0:
		l.RecordsBurst = burstSeconds * l.RecordsPerSecond
	}
	return l, nil
}

// parseLimit returns the value of a limit; 0: the text is not usable.
func parseLimit(name, text string) int64 {
	most := int64(maxRate)
	parse := func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }
	if name == "bytes-in-flight" {
		most, parse = math.MaxInt64, size.Parse
	}
	n, err := parse(text)
	if err != nil || n < 0 || n > most {
		return 0
	}
	return n
}

// limit gives all lines of a name the limits of the line that has some. Lines with different limits are an error.
func (t *Tokens) limit(name string, limits *Limits) error {
	before := t.limits[name]
	switch {
	case limits == nil:
	case before == nil:
		t.limits[name] = limits
	case *before != *limits:
		return errors.New("an earlier line of this name has other limits")
	}
	return nil
}
