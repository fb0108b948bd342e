// Package proctest has only tests. They run the program as it ships, as processes of this machine, on real disks and
// networks.
//
// A cluster is a value: it starts `flowring serve` at its own addresses in 127.0.0.0/8, with the default ports, and
// sends signals only to its own processes. Every process dies with the test, however the test ends. Some tests use
// namespaces with their own networks and small file systems, which the kernel removes with the last process in them.
//
// A load writes and reads while the test injects faults. A ledger (package internal/ledger) judges every complete read
// (P2, P4, P11), and at the end every hour on every node (P6).
//
// Real input: softflowd captures HTTP transfers on loopback and exports them as NetFlow to nfcapd; nfdump prints the
// flows, and the test posts them as records. The totals of Flowring must equal the sums of nfdump. testdata has such a
// capture for machines without these tools.
//
// The agent for NetFlow: a generator, softflowd and pmacctd export to `flowring collect`. The test kills it beside
// nodes, and cuts its networks. Its totals must equal the bytes that were sent. Traffic of softflowd and pmacctd goes
// to a namespace.
//
// Real senders and proxies: the pages of docs/integrations have their configurations. A test runs a program with the
// configuration of its page, loses answers of the nodes on the way, and compares the totals with the text of the page.
//
// The README: every command of README.md, from top to bottom in one shell, prints the text below it in README.md.
// `make pictures` makes the pictures of README.md on the way.
//
// Environment variables:
//
//	FLOWRING_BINARY=FILE       test this program; the default is a new build
//	FLOWRING_LONG=1            inject faults for minutes, not seconds
//	FLOWRING_SAMPLE=DIR        keep the capture of TestCapturedTraffic in this folder, in the form of testdata
//	FLOWRING_SENDERS=1         download and build the programs of the modules in the folder senders, and test them
//	FLOWRING_LOG_LEVEL=debug   log level of the nodes
//	CI=true                    fail if a program that .ci/run installs is missing; otherwise such a test is skipped
//
// With -short only tests without processes run. The logs of the nodes are printed at a failure, and kept with
// -artifacts.
package proctest
