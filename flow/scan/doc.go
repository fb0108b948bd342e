// Package scan reads a body of JSON records eight bytes at a time and adds the records up per hour and flow. It is the
// fast half of the decoder of package flow.
//
// The Scanner reads plain records: strings, integers of at most 16 digits without a sign, and other fields whose value
// is a string, a number, true, false, null, or an array or object of these. It keeps the text between the values of a
// record as a template. While the next record has the same text there, only its values are parsed.
//
// The Scanner never refuses a body. A record of another form goes to a RecordReader, the reference decoder. If the body
// has any fault, the Scanner gives up and the reference decoder reads the whole body again. So the reference decoder
// alone decides about refusals, and the Scanner must be right only about records it accepts. FuzzScanner in package
// flow compares the two.
//
// A Table holds the sums of one request: names as symbols, one row for each flow of each hour. All decoders add to one.
// Its two hash tables have new seeds for every request, so a client cannot construct colliding names or flows (P16).
// Its memory is reused from one request to the next.
//
// LocalNames gives each batch of a request with several hours the names that it uses.
//
// A Scanner and a Table each serve one goroutine at a time. Nothing here keeps the body after the call.
package scan
