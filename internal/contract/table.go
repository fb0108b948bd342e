package contract

// The refusals, in the order of the table.
const (
	CSV Refusal = iota
	JSON
	Protobuf
	Record
	HoursInRequest
	FutureHour
	IdempotencyKey
	Body
	Query
	QueryHours
	QueryGroups
	Unauthorized
	Forbidden
	CrossOrigin
	NotFound
	Method
	SlowBody
	Overflow
	TooManyFlows
	TooManyNames
	TooManyHours
	HoursReserved
	TooOld
	ClosedHour
	Guarded
	Expired
	TooLarge
	MediaType
	ContentEncoding
	Host
	KeyReused
	KeyReusedElsewhere
	Unavailable
	Timeout
	Overloaded
	HTTPVersion
	Internal

	Busy
	NotReplica
	Stranger
	Malformed
)

// row is a row of the table.
type row struct {
	problem string
	code    Code
	status  int
	title   string
	advice  string
	text    string // of an error without a detail; default: the title in lower case
	refuses writes
}

// writes says which writes a store refuses for their content.
type writes int

const (
	noWrites   writes = iota // the refusal is not about content
	everyWrite               // every write with the content
	newWrites                // a write of which no part is stored yet
)

// Advice of several rows.
const (
	reduceAdvice = "Nothing was stored. Do not send the same request again. Usually a sender puts a value that " +
		"varies, such as a port or an ID, into a name or into the hour. If the values are intended, ask the operator " +
		"for a higher limit."
	newKeyAdvice = "Nothing was stored. Use a new key for new content. Repeat a request only with the same body."
	retryAdvice  = "A write may be stored in whole, in part or not at all. Wait for the time in Retry-After, then " +
		"send the same request with the same key."
)

// table is the table of refusals. docs/api.md lists the problems; docs/operations.md explains the causes.
var table = [...]row{
	CSV: {
		problem: "csv", status: 400,
		title: "The body is not CSV with a header",
		advice: "Nothing was stored. Send a first row with the names of the columns: src_app, dest_app, vpc_id, " +
			"bytes_tx, bytes_rx, hour.",
	},
	JSON: {
		problem: "json", status: 400,
		title:  "The body is not JSON records",
		advice: "Nothing was stored. Send the records in one array, or one after the other. Send [] for no records.",
	},
	Protobuf: {
		problem: "protobuf", status: 400,
		title: "The body is not a message of records",
		advice: "Nothing was stored. Send one message Records, as docs/api.md describes it: tables of names and flows, and " +
			"columns of equal lengths.",
	},
	Record: {
		problem: "record", status: 400,
		title: "A record is not valid",
		advice: "Nothing of the request was stored. Correct the record. The problem has its position (from 0), its " +
			"line and its field.",
	},
	HoursInRequest: {
		problem: "hours-in-request", status: 400,
		title: "The request names too many hours",
		advice: "Nothing was stored. Send the records in several requests, each with its own key. The command " +
			"flowring post --max-records 1000 does so.",
	},
	FutureHour: {
		problem: "future-hour", code: "future_hour", status: 400, refuses: newWrites,
		title: "An hour lies too far in the future",
		text:  "the hour is further ahead of the clock of the node than it accepts",
		advice: "Nothing was stored. Hours count from the Unix epoch here: the present hour is the number of seconds " +
			"since 1970, divided by 3600. Correct the clock or the unit of the sender.",
	},
	IdempotencyKey: {
		problem: "idempotency-key", status: 400,
		title:  "The Idempotency-Key is not usable",
		advice: "Nothing was stored. Send one header with 1 to 255 bytes of visible ASCII, bare or in double quotes.",
	},
	Body: {
		problem: "body", status: 400,
		title:  "The body cannot be read",
		advice: "Nothing was stored. The body does not match its Content-Encoding or its Transfer-Encoding.",
	},
	Query: {
		problem: "query", status: 400,
		title: "The query is not usable",
		advice: "Remove the parameters that the path does not have; names are case-sensitive. Ask for one hour, an " +
			"integer: /flows?hour=20, optionally with &partial=true or &require=complete; or for many hours: " +
			"/flows?from=-24h&group_by=src_app&top=10.",
	},
	QueryHours: {
		problem: "query-hours", status: 400,
		title:  "The query names too many hours",
		advice: "Ask for a shorter range, or for several ranges one after the other.",
	},
	QueryGroups: {
		problem: "query-groups", code: "many_groups", status: 400,
		title: "The query has too many groups",
		advice: "Ask for a shorter range, for fewer flows by a filter, or for fewer fields in group_by. An operator can " +
			"set a higher limit.",
	},
	Unauthorized: {
		problem: "unauthorized", status: 401,
		title: "The request has no usable token",
		advice: "Nothing was stored or read. Send a token as Authorization: Bearer, as the password of Basic or as " +
			"X-Amz-Firehose-Access-Key, or a client certificate. The command flowring token new makes a token.",
	},
	Forbidden: {
		problem: "forbidden", status: 403,
		title: "The principal has not the scope",
		advice: "Nothing was stored or read. The line of the principal in the tokens file lacks the scope: write for " +
			"POST /flows, read for a GET, admin for POST /admin.",
	},
	CrossOrigin: {
		problem: "cross-origin", status: 403,
		title: "A page of another origin may not write",
		text: "a browser sent the request for a page of another origin; the setting --trusted-origin allows an " +
			"origin",
		advice: "Nothing was stored. A browser sent the request for a page of another origin. The setting " +
			"--trusted-origin allows an origin.",
	},
	NotFound: {
		problem: "not-found", status: 404,
		title:  "No such path",
		text:   "there is no such path; GET / lists the paths",
		advice: "GET / lists the paths.",
	},
	Method: {
		problem: "method", status: 405,
		title:  "Method not allowed",
		text:   "the path does not have the method",
		advice: "The Allow header lists the methods of the path.",
	},
	SlowBody: {
		problem: "slow-body", status: 408,
		title:  "The body took too long",
		text:   "the body was not received in time",
		advice: "Nothing was stored. Send the request again with a smaller body, or over a faster network.",
	},
	Overflow: {
		problem: "overflow", code: "overflow", status: 409, refuses: everyWrite,
		title: "A total would be too large",
		text:  "the total of a flow would exceed 2^63-1 bytes",
		advice: "Nothing was stored. The total of a flow in an hour must be less than 2^63 bytes. The records cannot " +
			"be right.",
	},
	TooManyFlows: {
		problem: "too-many-flows", code: "many_flows", status: 409, refuses: newWrites,
		title:  "The hour has too many flows",
		text:   "the hour would exceed the limit on different flows",
		advice: reduceAdvice,
	},
	TooManyNames: {
		problem: "too-many-names", code: "many_names", status: 409, refuses: newWrites,
		title:  "The hour has too many names",
		text:   "the hour would exceed the limit on different names",
		advice: reduceAdvice,
	},
	TooManyHours: {
		problem: "too-many-hours", code: "many_hours", status: 409, refuses: newWrites,
		title:  "There are too many hours",
		text:   "the node would exceed the limit on hours",
		advice: reduceAdvice,
	},
	HoursReserved: {
		problem: "too-many-hours", code: "hours_kept", status: 409, refuses: newWrites,
		title:  "There are too many hours",
		text:   "the node reserves the last tenth of its hours for those within 48 hours of its clock",
		advice: reduceAdvice,
	},
	TooOld: {
		problem: "expired", code: "too_old", status: 409, refuses: newWrites,
		title: "The hour takes no new request",
		text:  "the hour is closed, because it is older than the cluster keeps hours",
		advice: "Nothing was stored. Do not send the same request again. Check the clock of the sender and the unit of " +
			"the hour. An operator can set a longer --retention, for hours that are not closed yet.",
	},
	ClosedHour: {
		problem: "closed", code: "closed", status: 409, refuses: newWrites,
		title: "The hour takes no new request, because it is erased",
		text:  "an operator has erased the hour, and it stays closed",
		advice: "Nothing was stored. Do not send the same request again. Leave out the records of the hour that the detail " +
			"names.",
	},
	Guarded: {
		problem: "guarded", code: "guarded", status: 409,
		title:  "The call could lose data",
		text:   "forgetting or draining the store could lose data",
		advice: "Nothing was changed for good. The detail names the stores that have to answer first.",
	},
	Expired: {
		problem: "expired", code: "expired", status: 410,
		title: "The hour has expired",
		text:  "the hour is older than the cluster keeps hours",
		advice: "The hour and its keys are deleted. Ask for a later hour: GET /hours lists the hours. A range of hours " +
			"is answered from its first hour that is kept on, without require=complete.",
	},
	TooLarge: {
		problem: "too-large", status: 413,
		title:  "The body is too large",
		advice: "Nothing was stored. Send the records in several requests, each with its own key.",
	},
	MediaType: {
		problem: "media-type", status: 415,
		title:  "Media type not accepted",
		text:   "the Content-Type is not accepted",
		advice: "Nothing was stored. Send JSON as application/json, CSV as text/csv, or protobuf as application/x-protobuf.",
	},
	ContentEncoding: {
		problem: "content-encoding", status: 415,
		title:  "Content-Encoding not accepted",
		text:   "the Content-Encoding is not accepted",
		advice: "Nothing was stored. Send the body uncompressed, or compressed once with gzip, zstd or deflate.",
	},
	Host: {
		problem: "host", status: 421,
		title: "The node does not have this name",
		text:  "the node does not have the name in Host",
		advice: "Nothing was stored or read. A node on loopback is called localhost or by its IP address. The " +
			"setting --allowed-host allows another name.",
	},
	KeyReused: {
		problem: "key-reused", code: "key_reused", status: 422, refuses: everyWrite,
		title:  "The Idempotency-Key was used for other content",
		text:   "the Idempotency-Key was used before with other content",
		advice: newKeyAdvice,
	},
	KeyReusedElsewhere: {
		problem: "key-reused", code: "key_elsewhere", status: 422, refuses: newWrites,
		title:  "The Idempotency-Key was used for other content",
		text:   "the Idempotency-Key was used before with other content, perhaps for another hour",
		advice: newKeyAdvice,
	},
	Unavailable: {
		problem: "unavailable", code: "unavailable", status: 503,
		title:  "Too few stores can be used",
		advice: retryAdvice,
	},
	Timeout: {
		problem: "timeout", status: 503,
		title:  "The cluster did not answer in time",
		text:   "the required stores did not answer in time",
		advice: retryAdvice,
	},
	Overloaded: {
		problem: "overloaded", status: 503,
		title:  "The node is at its limit",
		text:   "this node has reached its limit on requests",
		advice: "Nothing was stored. Wait for the time in Retry-After, then send the same request again, to any node.",
	},
	HTTPVersion: {
		problem: "http-version", status: 505,
		title: "The node speaks HTTP/1.1",
		text:  "this port speaks HTTP/1.1, and HTTP/2 only with TLS; configure the client or the proxy for HTTP/1.1",
		advice: "Nothing was stored. Configure the client or the proxy for HTTP/1.1. The node speaks HTTP/2 only " +
			"with TLS.",
	},
	Internal: {
		problem: "internal", code: "internal", status: 500,
		title: "The request failed",
		text:  "the log of the node has the cause",
		advice: "A write may be stored in whole, in part or not at all. Send the same request with the same key. The " +
			"log of the node has the cause.",
	},

	// Between nodes only:
	Busy:       {code: "busy", status: 503, text: "too many calls are in progress; nothing was done"},
	NotReplica: {code: "not_replica", status: 409, text: "the store is no replica by the roster of the caller"},
	Stranger:   {code: "stranger", status: 421, text: "the caller belongs to another cluster"},
	Malformed:  {code: "malformed", status: 400, text: "the call cannot be understood"},
}
