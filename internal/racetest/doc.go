// Package racetest tells tests whether the race detector is on.
//
// On Go 1.26 a testing/synctest bubble can crash under the race detector (go.dev/issue/76691). Tests that run in a bubble skip
// themselves when Enabled is true; the loopback tests are the ones that prove P18.
package racetest
