package about

// Drain is the help text of flowring drain.
const Drain = `Take a node out of the cluster for good, after copying all its data to other nodes.

The node owns no more hours. After the command stop the node; its data folder is of no use
any more. The command waits until other nodes have the data. If the command ends earlier, at
its --timeout or by an interrupt, the drain is given up, and the node joins again with all its
data.

Any node takes the call, with a token of the scope admin (--token-file). While the nodes ask for
no credentials, they answer it only to this program on the machine of a node.`

// Forget is the help text of flowring forget.
const Forget = `Take the store of a lost node out of the cluster.

Its hours are placed on other nodes, and reads no longer wait for it. The cluster refuses
unless all other stores answer, except the write quorum minus two; then no acknowledged
record is lost. The refusal says which records could be lost; --force gives them up.

STORE is the ID of a store, as in "flowring members". The cluster itself forgets a store
that is absent for 15 minutes, or whose node is back with another disk.

Any node takes the call, with a token of the scope admin (--token-file). While the nodes ask for
no credentials, they answer it only to this program on the machine of a node.`

// Serve is the help text of flowring serve.
const Serve = `Run a node until a signal stops it.

Without flags the node is a cluster of one, on loopback, with its data in ./flowring-data.
SIGTERM and SIGINT stop it gracefully, within 25 seconds; a second signal ends it at once.

Every setting can also come from the environment, such as FLOWRING_HTTP_ADDR for --http-addr,
or from the YAML file of --config, such as "http-addr: ..."; a flag overrides the
environment, and the environment overrides the file. 'flowring help settings' writes such a file.`

// ServeExamples are the examples of flowring serve.
const ServeExamples = `  flowring serve
  flowring serve --config /etc/flowring.yaml --log-format json

  On each of three machines, n1 to n3, which form a cluster once all see each other. In place of
  --insecure, which is for a private network, give each port its credentials:
  flowring serve --name n1 --advertise-host n1 --http-addr :8080 --peer-addr :8081 --gossip-addr :7946 \
      --insecure \
      --join n1:7946,n2:7946,n3:7946 --bootstrap-expect 3 --replication-factor 3`

// Get is the help text of flowring get.
const Get = `Print the flows of an hour, with their total bytes; or ask about many hours.

HOUR is a whole number, by convention of hours since 1970-01-01 00:00 UTC; "now" is the
current hour, "now-1" the hour before. A negative number goes after two dashes.

A flag of a query asks the cluster to filter, group, sort and add up, over HOUR or over the
hours of --from and --to. The sums are exact. On a terminal the answer is a table with a bar
for the share of each row; elsewhere it has the bytes of the node, as JSON, NDJSON or CSV.
A query waits for an answer for 40 seconds, unless --timeout is given.

Without a flag the answer holds all batches of the stores that should hold the hours. If
another store does not answer and may hold more of them, a note on stderr says so.

Names come from the senders of records. On a terminal, control characters in names are
escaped. A CSV file has the names unchanged: a spreadsheet takes a cell that begins with
=, +, - or @ for a formula, so import the file with all columns as text.`

// GetExamples are the examples of flowring get.
const GetExamples = `  flowring get now
  flowring get now-1 --format csv > last-hour.csv
  flowring get 20 --require-complete --format json | jq 'map(.bytes_tx) | add'
  flowring get 20 --require-complete --format ndjson | flowring post --key copy-of-20 --target n2:80
  flowring get -- -5

  flowring get --from -24h --src-app 'web-*' --group-by src_app --top 10
  flowring get --from -7d --app payments --group-by day,vpc_id --format csv > payments.csv
  flowring get now --group-by dest_app --sort -bytes_rx --limit 20 --exact`

// Hours is the help text of flowring hours.
const Hours = `Print the hours that have flows, with the total bytes of each.

FLOWS is the number of different flows, where the node knows it. COMPLETE is true if the totals
are known to hold all acknowledged records of the hour. The command also says which hours are
deleted and erased, and the next removal.`

// Members is the help text of flowring members.
const Members = `Print the nodes of the cluster in the view of one node, and the placement of data.

Two nodes with the same ring place every hour alike. An absent node keeps its partitions
until it comes back or is forgotten.`

// Demo is the help text of flowring demo.
const Demo = `Run three nodes in this terminal, on loopback, each batch on two of them.

The data lies in a temporary folder, which is removed at the end. The demonstration
ends at Ctrl-C, or after the time of --for.`

// TokenNew is the help text of flowring token new.
const TokenNew = `Print a new token, and its line for the tokens file of the nodes.

The first line of the output is the token, for the sender. The second line is for the file
of --tokens-file on each node: the name, its scopes and the SHA-256 of the token, from which
nobody can find the token. No node and no log shows the token again.

A name may have several tokens. To replace one, add the new line, give the token to the
sender, and remove the old line.`
