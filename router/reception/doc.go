// Package reception answers one question: how does the body of a POST come into memory, within the limits of the node?
// All routes that take records share it.
//
//	Receive --> POST --> Decode --> Outcome --> Close
//	   |                    |
//	   +--- refusal --------+     nothing of the POST is stored
//
// Receive counts the POST (packages admission and quota), waits until it may be active, and reads the body. Decode
// holds a decoding slot while it decompresses and decodes. A POST that is slow to send its body, or whose outcome is
// slow, stays in progress but becomes inactive, so that another POST may be active.
//
// Invariants: no body is read before its POST is counted and active (P12). The decompressed body is charged for, has at
// most MaxBody bytes, and at most MaxDecoding bodies are decoded at once. The time of the wait counts against
// PostTimeout, because the body may have arrived meanwhile.
//
// A Reception is safe for concurrent use. A POST belongs to one goroutine.
package reception
