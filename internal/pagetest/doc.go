// Package pagetest drives the pages of a real cluster in Debian's chromium, for tests alone.
//
// The cluster has three nodes in this process. The tests look at every page: with flows and without, with a mouse and
// by keyboard, on a narrow screen, in the dark, without scripts, and while a node ends. axe-core, from the npm
// registry, checks that the pages are accessible. `go test ./internal/pagetest -artifacts` keeps a screenshot of each
// view.
//
// Without chromium the tests are skipped, and without npm the check of axe-core is.
package pagetest
