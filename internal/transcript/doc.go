// Package transcript runs HTTP exchanges from a text file, and compares each answer with the answer in the file.
// The file is a readable specification, for a test double and for a cluster alike.
//
//	# The subject of the file.
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
// An exchange has a name, a request, and an answer: the status, the relevant headers ("!" means absent) and the body.
// Header values and bodies are compared byte by byte, without the line end behind a body. A missing body must be empty.
// Exchanges run in order, each as a subtest. A failure does not end the run. A read whose answer is a 503, or is not
// proven to be complete, is repeated if the file has another answer: busy nodes may answer so at any time.
//
// In both requests and answers
//
//	{{hour}}, {{hour+7}}   an hour of this run, unused by any other run of any file, and the hours after it
//	{{run}}                a word of this run, for keys
//	{{repeat 300 ab}}      the text 300 times; the text may have other placeholders
//	{{hex ff00}}           bytes
//
// Therefore a file can run repeatedly on one cluster, beside other files. In answers also
//
//	{{any}}                any text, lines included, or none
//	{{int}}                an integer
//
// Among the headers of a request, @gzip, @zstd and @deflate compress the body without setting a header, and
// @chunked omits the length.
//
// With TRANSCRIPT_UPDATE=1 in the environment, a run writes the differing answers into the file, for a review.
package transcript
