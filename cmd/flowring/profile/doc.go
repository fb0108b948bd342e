// Package profile answers one question: where do the profiles of a running node come from?
//
// Open listens at the address of --debug-addr and serves net/http/pprof below /debug/pprof/: CPU, heap, goroutines and
// traces. Without an address nothing listens. Profiles show the inside of the process, and a CPU profile costs time:
//
//   - The address is on loopback. Check refuses every other one, and Open checks the listener again.
//   - A page of a web site does not reach it, by the rules of internal/browser.
//   - The port has a handler of its own. net/http/pprof also adds its handlers to http.DefaultServeMux, which no other
//     port serves.
//
// The profile cmdline has the arguments of the process. They hold names of files, and no secret.
//
// A Server has one goroutine, which ends with Close. Requests in progress are cut off.
package profile
