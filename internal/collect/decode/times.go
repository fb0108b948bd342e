package decode

import "time"

const ms = int64(time.Millisecond)

// ahead is the largest time in milliseconds by which an uptime may be later than that of its datagram. The difference
// of two uptimes has 32 bits, so a larger one is the past: up to 49.7 days less this hour.
const ahead = 3600 * 1000

// before returns the time in ns of an uptime in milliseconds, by the uptime and the time of its datagram. The counter
// wraps each 49.7 days.
func before(uptime, now uint32, at int64) int64 {
	ago := now - uptime
	if ago > 1<<32-ahead {
		return at + int64(-ago)*ms
	}
	return at - int64(ago)*ms
}

// ofNTP returns the time in ns of an NTP timestamp. Its seconds count from 1900, and from 2036 in the next era.
func ofNTP(t uint64) int64 {
	const from1900to1970 = 2208988800
	seconds := int64(t >> 32)
	if seconds < from1900to1970 {
		seconds += 1 << 32
	}
	return (seconds-from1900to1970)*int64(time.Second) + int64((t&0xffffffff)*uint64(time.Second)>>32)
}
