// Package coding decompresses the bodies of requests and compresses answers: the content codings of HTTP (RFC 9110,
// section 8.4).
//
//	Content-Encoding    OfBody     gzip, zstd, deflate   Decoders.Decompress
//	Accept-Encoding     Accepted   gzip, zstd            Encoders.Writer
//
// Invariants:
//
//   - A body of more than its limit, decompressed, is refused. Of a decompression bomb, at most one byte more than the
//     limit is decompressed (P16).
//   - The ticket of a POST is charged for memory before the memory is allocated (P12).
//   - A truncated answer has no end in its coding, and a client cannot take it for a whole answer (P5).
//   - The compressor holds a CPU slot only while it computes, never while it waits for the client.
//
// Decoders and Encoders are pools, and safe for concurrent use. The package starts no goroutine.
package coding
