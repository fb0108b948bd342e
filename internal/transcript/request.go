package transcript

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// build returns the HTTP request of the lines of an exchange.
func build(baseURL string, lines []string, v vars) (*http.Request, error) {
	for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
		lines = lines[1:]
	}
	text, err := v.expand(strings.Join(lines, "\n"))
	if err != nil {
		return nil, err
	}
	headers, body := split(strings.Split(text, "\n"))
	if len(headers) == 0 {
		return nil, fmt.Errorf("no request line")
	}
	method, target, _ := strings.Cut(headers[0], " ")
	req, err := http.NewRequest(method, baseURL+target, nil)
	if err != nil {
		return nil, err
	}
	return req, fill(req, headers[1:], []byte(body))
}

// fill adds headers and body, and follows the @ lines.
func fill(req *http.Request, headers []string, body []byte) error {
	chunked := false
	for _, line := range headers {
		name, value, ok := strings.Cut(line, ":")
		switch {
		case line == "@chunked":
			chunked = true
		case line == "@gzip", line == "@zstd", line == "@deflate":
			body = compress(line[1:], body)
		case !ok:
			return fmt.Errorf("header %q has no colon", line)
		default:
			req.Header.Add(name, strings.TrimSpace(value))
		}
	}
	if len(body) == 0 {
		return nil
	}
	req.ContentLength = int64(len(body))
	if chunked {
		req.ContentLength = -1
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// compress cannot fail, because it writes to memory.
func compress(how string, body []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch how {
	case "zstd":
		w, _ = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	case "deflate":
		w = zlib.NewWriter(&out)
	default:
		w = gzip.NewWriter(&out)
	}
	w.Write(body)
	w.Close()
	return out.Bytes()
}
