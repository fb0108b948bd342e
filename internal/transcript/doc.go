// Package transcript runs conversations over HTTP that are written down as text, and compares each answer with the one that is
// written down. The text is the specification: one that people can read, and that a test double and a cluster both have to meet.
//
//	# What the file is about.
//
//	=== a record is stored
//	POST /flows
//	Idempotency-Key: first-{{run}}
//
//	[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":2,"hour":{{hour}}}]
//	--- 200
//	Content-Type: application/json
//	!Idempotency-Replayed
//
//	{"records":1,"flows":1,"hours":[{{hour}}]}
//
// An exchange is its name, the request, and the answer: the status, those headers that matter ("!" says that one is absent) and
// the body. Header values and bodies are compared byte by byte; only the line end behind a body is not part of it, on either
// side. A body that is left out must be empty. Exchanges run in order, each as a subtest, and go on after a failure.
//
// In both requests and answers
//
//	{{hour}}, {{hour+7}}   an hour that no other run of any file uses, and the ones behind it
//	{{run}}                a word of this run alone, for keys
//	{{repeat 300 ab}}      the text 300 times; it may hold other placeholders
//	{{hex ff00}}           bytes
//
// so that a file can be run again and again on one cluster, beside others. In answers also
//
//	{{any}}                any text, lines included, or none
//	{{int}}                an integer
//
// Among the headers of a request, @gzip, @zstd and @deflate compress its body (and do not say so), and @chunked leaves out its
// length.
//
// With TRANSCRIPT_UPDATE=1 in the environment, an answer that differs is written into the file instead, for a person to read.
package transcript
