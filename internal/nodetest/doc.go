// Package nodetest runs a cluster inside the process of a test: how does a test get nodes that are ready?
//
// It is for the tests of other programs and documents: pages in a browser, dashboards of Prometheus, README.md and the
// benchmarks. The tests of the cluster itself are in node, internal/clustertest and internal/proctest.
//
// The nodes use free ports of loopback, a temporary folder each, and the system clock. Each batch is on all nodes of a
// cluster, up to 16. No test has a bar in wall-clock time: Eventually waits as long as a busy machine needs.
//
// The functions are for the goroutine of the test, because they end it at a failure.
package nodetest
