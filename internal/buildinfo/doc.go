// Package buildinfo says which program this is: its version, the commit it was built from and the Go that built it.
//
// The version is that of the module when the program was installed with `go install flowring/cmd/flowring@v1.2.3`, and "dev"
// for a plain `go build`. A release build sets version and commit itself:
//
//	go build -ldflags "-X flowring/internal/buildinfo.version=v1.2.3 -X flowring/internal/buildinfo.commit=0123abc" ./cmd/flowring
//
// What the linker was told wins over what the Go tool stamped. Nothing is ever empty: what is not known is "unknown".
//
// The functions may be called from any goroutine: the two variables are set by the linker alone.
package buildinfo
