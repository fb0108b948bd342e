// Package proctest has only tests: they run the program that ships, as processes of this machine, on real disks and networks.
//
// A cluster is a value: it starts `flowring serve` on addresses of its own in 127.0.0.0/8, with the default ports, and signals no
// process but those it started. Every process dies with the test, whatever ends the test; so do the namespaces that hold the
// networks and the small file systems of some tests, which leave nothing behind for that reason.
//
// A load writes and reads while something is done to the cluster. Every request writes a flow of its own, of which a lost or a
// doubled batch shows, and adds to a flow that all share, of which half a batch shows (P11). The ledger knows each of them: what
// was sent, what was acknowledged, what a complete read has shown. It judges every complete read by that (P2, P4), and in the end
// every hour on every node (P6).
//
// Real input: HTTP transfers on loopback, captured by softflowd, exported as NetFlow to nfcapd, printed by nfdump and posted as
// records. What Flowring adds up must be what nfdump adds up. testdata has one such capture, for machines without these tools.
//
// The README: every command of README.md, from top to bottom in one shell, prints the text that README.md has below it.
//
// What can be set, in the environment:
//
//	FLOWRING_BINARY=FILE       test this program instead of building one
//	FLOWRING_LONG=1            faults for minutes instead of seconds
//	FLOWRING_SAMPLE=DIR        keep the capture of TestCapturedTraffic there, in the form of testdata
//	FLOWRING_LOG_LEVEL=debug   what the nodes log
//	CI=true                    fail, rather than skip, where a tool for capturing is missing
//
// With -short only what needs no process runs. Logs of the nodes are printed at a failure, and kept with -artifacts.
package proctest
