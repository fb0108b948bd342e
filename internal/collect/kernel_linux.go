package collect

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// kernelDrops returns the datagrams that the kernel dropped because the buffer of a socket was full. ok is false if the
// kernel does not tell.
func (s *socket) kernelDrops() (drops uint64, ok bool) {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return 0, false
	}
	var inode uint64
	if raw.Control(func(fd uintptr) {
		var st syscall.Stat_t
		if syscall.Fstat(int(fd), &st) == nil {
			inode = st.Ino
		}
	}) != nil || inode == 0 {
		return 0, false
	}
	for _, name := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if drops, ok := dropsOf(text, strconv.FormatUint(inode, 10)); ok {
			return drops, true
		}
	}
	return 0, false
}

// dropsOf finds a socket in the table of the kernel. The inode is the tenth column, the drops are the last one.
func dropsOf(table []byte, inode string) (drops uint64, ok bool) {
	for lines := bufio.NewScanner(bytes.NewReader(table)); lines.Scan(); {
		columns := strings.Fields(lines.Text())
		if len(columns) < 13 || columns[9] != inode {
			continue
		}
		drops, err := strconv.ParseUint(columns[len(columns)-1], 10, 64)
		return drops, err == nil
	}
	return 0, false
}
