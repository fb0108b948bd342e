// Package k8s holds the kustomize base and overlays that run Flowring on Kubernetes, and the tests that hold them
// against the program. There is no code in it.
//
//	base/             three nodes, three copies of each batch, a write quorum of two
//	overlays/single/  one node with one copy, for trying things out
//	overlays/auth/    three nodes that ask for credentials at each port: components/auth
//	overlays/tls/     the same with TLS on the public port: components/tls
//	monitoring/       alert rules for Prometheus, and a dashboard for Grafana
//
// The tests render each of them as `kustomize build` would, read the result strictly (a misspelt field is an error),
// and check for faults that a cluster would only show at the worst moment: that ports, settings and probes are the
// program's own, that draining has the time it needs (P10), that an eviction leaves a write quorum (P1), that new nodes
// can meet before they are ready, and that the pods satisfy the restricted Pod Security Standard. Every check is also
// run against manifests broken in the way that it is there to notice.
package k8s
