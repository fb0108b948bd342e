package bench

// About explains the command.
const About = `Make load for a cluster, and print how the cluster takes it.

The posts have random flows, by Zipf's law with --zipf, and are the same in every run with
the same flags; each post has records of one hour. THE CLUSTER STORES THEM LIKE ALL RECORDS,
and nothing removes them: their VPCs are named bench-0, bench-1 and so on. A node on another
machine is therefore loaded only with --allow-remote.

Without --rate each connection sends a post as soon as its last one is answered. With --rate
posts are due at fixed times, and latency counts from these times, even if no connection is
free, so the percentiles show a cluster that stalls for a while. Numbers may end with k, M
or G: --rate 50k is 50,000 records per second.

A post that fails for the moment is sent again with the same key, to the next node, as
'flowring post' does, until --timeout; its latency is that of all attempts.

--verify reads the hours back and compares the bytes of each flow with the posts. Its VPCs
have unique names.

Ctrl-C ends the run and prints the results so far. Exit codes: 0 all stored; 1 a post was
refused, a read failed or the totals are wrong; 2 wrong usage; 3 no node could store a post
in time.`

// Examples are calls of the command.
const Examples = `  flowring bench
  flowring bench --connections 64 --records 5 --duration 1m
  flowring bench --rate 200000 --flows 1000000 --zipf 1.1 --hours 24 --readers 2
  flowring bench --posts 1000 --verify --target 127.0.0.1:8081 --target 127.0.0.1:8082`
