package cputime

import (
	"syscall"
	"testing"
	"time"
)

// Spent returns the CPU time of this process so far. It ends the test if the system does not tell it.
func Spent(tb testing.TB) time.Duration {
	tb.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// PerUnit runs work in the loop of the benchmark, and reports the CPU time in nanoseconds for each of its n units, such
// as records. An error of work ends the benchmark.
func PerUnit(b *testing.B, unit string, n int, work func() error) {
	b.Helper()
	b.ReportAllocs()
	before := Spent(b)
	for b.Loop() {
		if err := work(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(Spent(b)-before)/float64(b.N*n), "cpu-ns/"+unit)
}
