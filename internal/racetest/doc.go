// Package racetest tells tests whether the race detector is on.
//
// On Go 1.26 a testing/synctest bubble can crash under the race detector (go.dev/issue/76691). Therefore Bubble skips
// its test if Enabled is true. The tests over loopback prove P18.
package racetest
