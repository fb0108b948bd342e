//go:build !linux

package server

import (
	"errors"
	"syscall"
	"time"
)

var errNotLinux = errors.New("only Linux tells the cost of another process")

func cpuTime(int) (time.Duration, error) { return 0, errNotLinux }

func residentBytes(int) (int64, error) { return 0, errNotLinux }

// AvailableBytes fails.
func AvailableBytes() (int64, error) { return 0, errNotLinux }

func dieWithParent() *syscall.SysProcAttr { return nil }
