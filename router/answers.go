package router

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"flowring/flow"
	"flowring/flow/csv"
	"flowring/internal/browser"
	"flowring/router/admission"
)

var errNotFound = errors.New("there is no such path; GET / lists those that there are")

// methodError says that a path has no such method.
type methodError struct{ method, allow string }

func (e *methodError) Error() string {
	return fmt.Sprintf("%s is not allowed here; allowed: %s", quoted(e.method), e.allow)
}

// answer is one row of the table of errors: the errors that match are answered with status and title.
type answer struct {
	matches func(error) bool
	name    string // last part of the type URI, and the reason in metrics
	status  int
	title   string
	advice  string // what a client should do, for GET /problems/{name}
	detail  string // in place of what the error says, where that is for the log
}

// tooManyAdvice is for refusals that trying again does not cure.
const tooManyAdvice = "Nothing was stored. Do not send it again as it is: mostly a sender puts what varies, such as a port or an ID, " +
	"into a name or into the hour. If it is meant, ask the operator for a higher limit."

// answers is the table. The first row that matches counts; the last row matches everything.
var answers = [...]answer{
	{csvBody, "csv", 400, "The body is not CSV with a header",
		"Nothing was stored. Send a first row with the names of the columns, src_app, dest_app, vpc_id, bytes_tx, bytes_rx and hour.", ""},
	{wholeBody, "json", 400, "The body is not records in JSON",
		"Nothing was stored. Send records in one array, [ to ], or one after the other; [] for none.", ""},
	{as[*flow.RecordError], "record", 400, "A record is not valid",
		"Nothing of the request was stored. Correct the record: its position, from 0, its line and its field are in the problem.", ""},
	{as[*hoursError], "hours-in-request", 400, "The request names too many hours",
		"Nothing was stored. Send the records in several requests, each with a key of its own: flowring post --max-records 1000 does.", ""},
	{as[*keyError], "idempotency-key", 400, "The Idempotency-Key is not usable",
		"Nothing was stored. Send one header with 1 to 255 bytes of visible ASCII, bare or in double quotes.", ""},
	{as[*bodyError], "body", 400, "The body cannot be read",
		"Nothing was stored. The body is not what Content-Encoding or Transfer-Encoding say that it is.", ""},
	{as[*queryError], "query", 400, "The query is not usable",
		"Leave out parameters that the path does not know, and their spelling counts. Ask for one hour, an integer: /flows?hour=20, " +
			"with &partial=true or &require=complete if need be.", ""},
	{is(browser.ErrCrossOrigin), "cross-origin", 403, "Pages of another origin may not write",
		"Nothing was stored. A browser sent the request for a page of another origin. The setting --trusted-origin lets an origin in.",
		"a browser sent the request for a page of another origin; the setting --trusted-origin lets an origin in"},
	{is(errNotFound), "not-found", 404, "No such path", "GET / lists the paths.", ""},
	{as[*methodError], "method", 405, "Method not allowed", "The Allow header lists the methods of the path.", ""},
	{is(errSlowBody), "slow-body", 408, "The body took too long",
		"Nothing was stored. Send the request again, with a smaller body or over a faster line.", ""},
	{is(ErrOverflow, flow.ErrOverflow), "overflow", 409, "A total would be too large",
		"Nothing was stored. A flow's total in an hour must stay below 2^63 bytes; the records cannot be right.", ""},
	{is(ErrTooManyFlows), "too-many-flows", 409, "The hour has too many flows", tooManyAdvice, ""},
	{is(ErrTooManyNames), "too-many-names", 409, "The hour has too many names", tooManyAdvice, ""},
	{is(ErrTooManyHours, ErrHoursKept), "too-many-hours", 409, "There are too many hours", tooManyAdvice, ""},
	{orAs[*tooLargeError](csv.ErrTooManyRecords), "too-large", 413, "The body is too large",
		"Nothing was stored. Send the records in several requests, each with a key of its own.", ""},
	{as[*mediaError], "media-type", 415, "Media type not accepted",
		"Nothing was stored. Send JSON as application/json, or CSV as text/csv.", ""},
	{as[*codingError], "content-encoding", 415, "Content-Encoding not accepted",
		"Nothing was stored. Send the body plain, or compressed once with gzip, zstd or deflate.", ""},
	{as[*browser.HostError], "host", 421, "The node does not have this name",
		"Nothing was stored or read. A node on loopback is called localhost or by its IP address. The setting --allowed-host allows a name.", ""},
	{is(ErrKeyReused), "key-reused", 422, "The Idempotency-Key was used for other content",
		"Nothing was stored. Use a new key for new content; repeat a request only with the same body.", ErrKeyReused.Error()},
	{as[*UnavailableError], "unavailable", 503, "Too few stores can be used",
		"A write may be stored wholly, in part or not at all. Wait for Retry-After, then send the same request with the same key.", ""},
	{is(context.DeadlineExceeded), "timeout", 503, "The cluster did not answer in time",
		"A write may be stored wholly, in part or not at all. Wait for Retry-After, then send the same request with the same key.",
		"the stores that are needed did not answer in time"},
	{is(admission.ErrOverloaded), "overloaded", 503, "The node is at its limit",
		"Nothing was stored. Wait for Retry-After, then send the same request again, to any node.", ""},
	{is(errHTTP2), "http-version", 505, "The node speaks HTTP/1.1",
		"Nothing was stored. Configure the client or the proxy for HTTP/1.1; the node speaks no HTTP/2.", ""},
	{anything, "internal", 500, "The request failed",
		"A write may be stored wholly, in part or not at all. Send the same request with the same key; the node's log says more.",
		"the node's log says more"},
}

func anything(error) bool        { return true }
func as[E error](err error) bool { return errors.As(err, new(E)) }
func is(targets ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
}

// wholeBody reports whether err is about the body and not about one record of it.
func wholeBody(err error) bool {
	var record *flow.RecordError
	return errors.As(err, &record) && record.Index < 0
}

// csvBody is wholeBody for CSV.
func csvBody(err error) bool {
	var record *flow.RecordError
	return wholeBody(err) && errors.As(err, &record) && record.CSV
}

// orAs returns whether an error is the target or has the type E.
func orAs[E error](target error) func(error) bool {
	return func(err error) bool { return as[E](err) || errors.Is(err, target) }
}

// answerTo returns the row for err.
func answerTo(err error) *answer {
	for i := range answers {
		if answers[i].matches(err) {
			return &answers[i]
		}
	}
	return &answers[len(answers)-1]
}
