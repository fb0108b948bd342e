package poster

// About explains the command.
const About = `Send records, from a file or from stdin, and print the answers.

The input is a JSON array of records, one JSON record after the other (NDJSON), or CSV with
a header row, plain or compressed by gzip or zstd; its first bytes tell the form. It may
have any size: it is sent in requests of at most --max-records records, one after the other,
and the answer to each request is printed; on a terminal one line sums up all requests. An
error names its lines of the input, from 1.

The output of 'flowring get' can be posted again in every format except the table. A record
with more bytes than a node accepts in one record, 2^53-1, is sent as several records.
An empty input is an error, because a program that failed may have written it; [] is not.

Every request has an idempotency key, so that a retry counts once: K for the first request,
K/2, K/3 and so on for the others. K is the value of --key, or random. If the command fails
half-way it prints the key: run it again with this key, and records that were stored do not
count a second time. A run with the same key and a changed input is refused at the first
request that differs.

Exit codes: 0 all stored; 1 a request was refused, and counted zero times; 2 wrong usage;
3 no node could store a request in time: run the command again with the same key.`

// Examples are calls of the command.
const Examples = `  flowring post flows.json
  cat *.ndjson | flowring post --target http://n1:8080 --target http://n2:8080
  flowring post --key 2024-06-01T10 flows.ndjson
  flowring post flows.csv.gz`
