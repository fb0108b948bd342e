// Package buildinfo says which program this is: its version, the commit it was built from and the Go that built it.
//
// The version is the content of the file VERSION at the top of the repository. The Go tool stamps the commit into a
// program that it builds inside the repository. A build from an archive can name the commit itself:
//
//	go build -ldflags "-X flowring/internal/buildinfo.commit=0123abc" ./cmd/flowring
//
// The commit of the linker wins over the stamped one. An unknown commit is "unknown".
//
// The functions may be called from any goroutine: the linker alone sets the variable.
package buildinfo
