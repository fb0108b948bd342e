// Command words counts the words "what", "who" and "that" per 1,000 words. A clause that begins with one of them often
// stands where a noun belongs, so a low count is a sign of sentences that need no second reading.
//
// It reads the comments of the Go files of the program, without tests, and the prose of the guides. Run it from the
// root of the module:
//
//	go run ./internal/layout/words
package main

import (
	"fmt"
	"os"
)

func main() {
	counts, err := read(os.DirFS("."))
	if err != nil {
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(1)
	}
	fmt.Printf("%-10s %7s %6s %6s %6s\n", "per 1,000", "words", "what", "who", "that")
	for _, c := range counts {
		fmt.Printf("%-10s %7d %6.2f %6.2f %6.2f\n", c.of, c.words, c.rate("what"), c.rate("who"), c.rate("that"))
	}
}
