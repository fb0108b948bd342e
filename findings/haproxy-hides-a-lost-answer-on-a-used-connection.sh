#!/usr/bin/env bash
# haproxy 2.6.12 (Debian 12): a lost answer is a 502 on a new connection, and no answer on a used one.
#
# A server reads a POST as a whole and closes the connection before it answers. haproxy repeats no POST by
# default ("retry-on conn-failure"). The client gets a 502, if the POST is the first request of its
# connection. If an earlier request came over the same connection, haproxy closes it without a byte, so
# that the client takes it for an idle connection that was closed.
#
# Consequence: clients such as curl 7.88.1 repeat a POST by themselves after such a close, also without
# --retry. The server reads it twice, so its records are added twice. A test with one request for each
# connection shows a 502 and no repetition.
set -euo pipefail
folder=$(mktemp -d)
proxy=
server=
trap '[ -z "$proxy" ] || kill "$proxy" 2>/dev/null || true; [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq haproxy=2.6.12-1+deb12u4 2>errors || { cat errors >&2; exit 2; }
dpkg -x haproxy_*.deb root

# The server answers requests, but for those to /lost, which it reads and does not answer. The client sends
# two requests over one connection, or one.
cat >lost.go <<'GO'
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
	if os.Args[1] == "client" {
		client(os.Args[2], os.Args[3:])
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(conn)
	}
}

func serve(conn net.Conn) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/lost" {
			fmt.Fprintln(os.Stderr, "read a POST to /lost")
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
}

func client(addr string, paths []string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	in := bufio.NewReader(conn)
	for _, path := range paths {
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: flows\r\nContent-Length: 4\r\n\r\ntext", path)
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			fmt.Println(path, "no answer:", err)
			return
		}
		io.Copy(io.Discard, answer.Body)
		fmt.Println(path, answer.StatusCode)
	}
}
GO
GO111MODULE=off GOFLAGS= go build -o lost lost.go
./lost server >address 2>read &
server=$!
for _ in $(seq 50); do
  [ -s address ] && break
  sleep 0.1
done
port=$((20000 + RANDOM % 20000))
cat >haproxy.cfg <<CFG
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
listen flows
  bind 127.0.0.1:$port
  server one $(cat address)
CFG
root/usr/sbin/haproxy -db -f haproxy.cfg >proxy.log 2>&1 &
proxy=$!
for _ in $(seq 50); do
  grep -q "$(printf ':%04X 00000000:0000 0A' "$port")" /proc/net/tcp && break
  sleep 0.1
done

seen=$(
  echo "new connection: $(./lost client "127.0.0.1:$port" /lost)"
  echo "used connection: $(./lost client "127.0.0.1:$port" /first /lost | tr '\n' ' ')"
  echo "the server has read $(grep -c . read) of 2"
)
printf '%s\n' "$seen"
recorded='new connection: /lost 502
used connection: /first 200 /lost no answer: unexpected EOF 
the server has read 2 of 2'
if [ "$seen" = "$recorded" ]; then
  echo "as recorded"
else
  printf 'changed; recorded was:\n%s\n' "$recorded"
  exit 1
fi
