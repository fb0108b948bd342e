// Package log answers one question: how does a line of the log look?
//
//	json             {"time":"2026-11-30T16:23:01.5Z","level":"INFO","msg":"node away","node":"n2"}
//	text             time=2026-11-30T16:23:01.500Z level=INFO msg="node away" node=n2
//	text, terminal   16:23:01 INF node away                        node=n2
//
// JSON and text are the forms of package slog. Programs read them, so both have the full time in each line. A terminal
// gets local times, messages of one width, and colours unless NO_COLOR is set to any text (no-color.org).
//
// A line about a request ends with its ID: package internal/trace.
//
// A logger may be used by any number of goroutines. It writes each line in one call.
package log
