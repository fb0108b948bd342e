// Package metrics exports the figures of a node to Prometheus.
//
// A scrape gathers all figures once, as one Sample, because some of them take time in proportion to the number of
// slices. Two tables, of the store and of the node, say for each metric its kind, name, help text and the field of the
// Sample. docs/operations.md explains each metric, and a test compares the two.
package metrics
