package apicheck

import (
	"bytes"
	"net/http"
	"slices"
)

// Handler returns a handler that checks each answer of next, apart from the bodies of answers that are no problems. It
// does not check an answer that next breaks off. Faults returns the differences.
func (c *Checker) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		asked := r.Clone(r.Context()) // because next reads the body and may change the URL
		next.ServeHTTP(rec, r)
		rec.begin(http.StatusOK)
		if err := c.Check(asked, rec.answer); err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.faults = append(c.faults, err.Error())
		}
	})
}

// Faults returns the differences that Handler has found.
func (c *Checker) Faults() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.faults)
}

// recorder keeps the status and the headers of an answer, and the body of a problem.
type recorder struct {
	http.ResponseWriter
	answer Answer
	body   bytes.Buffer
}

func (rec *recorder) begin(status int) {
	if rec.answer.Status == 0 {
		rec.answer.Status, rec.answer.Header = status, rec.Header().Clone()
	}
	if isProblem(rec.answer.Header.Get("Content-Type")) {
		rec.answer.Body = rec.body.Bytes()
	}
}

// WriteHeader implements http.ResponseWriter.
func (rec *recorder) WriteHeader(status int) {
	if status >= http.StatusOK {
		rec.begin(status)
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (rec *recorder) Write(p []byte) (int, error) {
	rec.begin(http.StatusOK)
	if isProblem(rec.answer.Header.Get("Content-Type")) {
		rec.body.Write(p)
	}
	return rec.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }
