// Package goaway answers a client that speaks HTTP/2 with prior knowledge at a port that speaks HTTP/1.1. It has no
// state.
package goaway

import (
	"io"
	"net"
	"time"
)

// Frames is the answer to HTTP/2 with prior knowledge, in two frames of RFC 9113: an empty SETTINGS, with which every
// server begins, and a GOAWAY with the error HTTP_1_1_REQUIRED. Most clients show this error. They do not understand an
// answer in HTTP/1.1.
const Frames = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
	"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x0d"

// Send sends Frames. Then it reads the bytes sent by the client meanwhile, because the client loses the answer
// if the connection is closed with unread bytes.
func Send(conn net.Conn, rest io.Reader) error {
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, Frames); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, rest, 64<<10)
	return err
}
