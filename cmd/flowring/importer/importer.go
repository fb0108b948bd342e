package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/records"
	"flowring/flow/ingest"
)

// Importer sends the records of files. Options.Importer makes one.
type Importer struct {
	Send   Send
	During func(do func() error) error // prints why the requests of do wait
	Strict bool
	Stdout io.Writer

	mapping  *mapping // nil: records of Flowring
	progress progress
}

// Run imports files; - is the standard input. It stops at the first error, and prints the numbers of each file.
func (im *Importer) Run(ctx context.Context, stdin io.Reader, files []string) error {
	for _, name := range files {
		if err := im.file(ctx, stdin, name); err != nil {
			return err
		}
	}
	return nil
}

// file imports one file.
func (im *Importer) file(ctx context.Context, stdin io.Reader, name string) error {
	in, size := stdin, int64(0)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return access.Error{Err: err}
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		in = f
	}
	r := newReport(name)
	err := im.read(ctx, im.progress.begin(name, in, size), r)
	im.progress.end()
	if err == nil {
		err = r.failure()
	}
	if err == nil || r.parts > 0 {
		err = errors.Join(err, r.print(im.Stdout))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// read reads and sends a file, part by part.
func (im *Importer) read(ctx context.Context, in io.Reader, r *report) error {
	f, err := im.open(in)
	if err != nil {
		return err
	}
	for reader := f.parts(); ; {
		part, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return f.checkHeader()
		}
		if err != nil {
			return err
		}
		if err := r.end(part, im.Strict); err != nil {
			return err
		}
		c, err := f.mapPart(part, r.aside(im.Strict))
		if err != nil {
			return err
		}
		var outcomes []outcome
		err = im.During(func() error {
			outcomes, err = im.send(ctx, c.posting, part.Key)
			return err
		})
		if err != nil {
			first, last := part.Units[0].Line, part.Units[len(part.Units)-1].Line
			return fmt.Errorf("lines %d to %d: %w", first, last, err)
		}
		r.add(&c.counts, outcomes)
		im.progress.add(c.counts.Received.Records)
	}
}

// open begins a file after it has found its compression and its form.
func (im *Importer) open(in io.Reader) (file, error) {
	plain, err := records.PlainText(in)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(plain, 64<<10)
	first, err := firstByte(buffered)
	if err != nil {
		return nil, err
	}
	if im.mapping == nil {
		return openOwn(buffered, first), nil
	}
	return im.mapping.open(buffered)
}

// firstByte returns the first byte that is not white space, and takes nothing from the text.
func firstByte(in *bufio.Reader) (byte, error) {
	for n := 1; ; n++ {
		text, err := in.Peek(n)
		switch {
		case errors.Is(err, io.EOF):
			return 0, errors.New("the input is empty") // a program that failed to write records looks like that
		case err != nil:
			return 0, err
		case !strings.ContainsRune(" \t\r\n", rune(text[n-1])):
			return text[n-1], nil
		}
	}
}

// isFault reports whether a reason means that a record has a fault.
func isFault(why ingest.Reason) bool {
	switch why {
	case ingest.Malformed, ingest.BadNumber, ingest.BadTime, ingest.BadName, ingest.NoName, ingest.TooLarge:
		return true
	}
	return false
}
