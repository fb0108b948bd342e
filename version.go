// Package flowring has the version of the program, which is the content of the file VERSION beside it. The file is at
// the top of the repository, so that people and scripts find it there. A program embeds only files of its own package,
// so the package is there too. Package internal/buildinfo adds the commit and the version of Go.
//
// The version names a release for people. It decides nothing: nodes agree by the version of their cluster, which is in
// package internal/compat.
package flowring

import (
	_ "embed"
	"strings"
)

//go:embed VERSION
var version string

// Version returns the version of the program: "1.2.3".
func Version() string { return strings.TrimSpace(version) }
