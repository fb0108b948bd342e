// Package advice answers one question: which mistake has the sender of a body most likely made, if the body is not JSON
// records? The answers become the end of a refusal, so that its reader knows the next step: a header that names the
// compression or CSV, UTF-8 in place of UTF-16, double quotes, or a comma too many.
//
// Advice never decides about a body. The decoder has refused it already, and an empty advice is no fault.
//
// The functions are pure, look at the beginning of a text alone, and are safe for concurrent use.
package advice
