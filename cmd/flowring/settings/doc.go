// Package settings holds the settings of `flowring serve`: one table (table.go) of all of them, from which the flags,
// the environment variables, the settings file, the help texts and the shell completions are made.
//
// Load reads the settings. For each setting the first source that has it decides: its flag, then its environment
// variable, then the settings file, then the default. All sources give texts, and the kind of the setting (values.go,
// size.go) reads the text. A text that a kind refuses is an error with the place of the text, even if another source
// overrides it; a misspelt key of the file is an error, too, and a misspelt environment variable is reported by Load.
//
// The package reads the environment, the file and the host's name, and starts nothing. It is for one goroutine.
package settings
