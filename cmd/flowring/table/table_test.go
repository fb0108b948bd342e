package table

import (
	"strings"
	"testing"
	"unicode/utf8"

	"flowring/flow/query"
)

func example() *Table {
	return &Table{
		Headings: []string{"SRC APP", "DEST APP"}, Footer: true,
		Rows: []Row{
			{Names: []string{"storefront", "catalog"}, Tx: query.SumOf(640), Rx: query.SumOf(91_000)},
			{Names: []string{"check\x1b[2Jout", "payments"}, Tx: query.SumOf(2000), Rx: query.SumOf(8000)},
			{Names: []string{"other (3 groups)", ""}, Tx: query.SumOf(1000), Rx: query.SumOf(800), Others: true},
		},
	}
}

func TestATableFitsItsTerminal(t *testing.T) {
	const whole = `
SRC APP           DEST APP  BYTES TX  BYTES RX   SHARE
storefront        catalog      640 B   91.0 kB  88.6 %  ████████████████████
check\x1b[2Jout   payments   2.00 kB   8.00 kB   9.7 %  ██▏
other (3 groups)             1.00 kB     800 B   1.7 %

2 rows and others            3.64 kB   99.8 kB
`
	for _, tt := range []struct {
		name  string
		style Style
		want  string
	}{
		{"without a terminal", Style{}, whole},
		{"on a wide terminal", Style{Width: 76}, whole},
		{"with all digits and a short bar", Style{Width: 62, Exact: true}, `
SRC APP           DEST APP  BYTES TX  BYTES RX   SHARE
storefront        catalog        640     91000  88.6 %  ██████
check\x1b[2Jout   payments      2000      8000   9.7 %  ▋
other (3 groups)                1000       800   1.7 %

2 rows and others               3640     99800
`},
		{"with short names and a short bar", Style{Width: 56}, `
SRC APP      DEST APP  BYTES TX  BYTES RX   SHARE
storefront   catalog      640 B   91.0 kB  88.6 %  █████
check\x1b[…  payments   2.00 kB   8.00 kB   9.7 %  ▌
other (3 g…             1.00 kB     800 B   1.7 %

2 rows and others       3.64 kB   99.8 kB
`},
		{"without a bar", Style{Width: 50}, `
SRC APP       DEST APP  BYTES TX  BYTES RX   SHARE
storefront    catalog      640 B   91.0 kB  88.6 %
check\x1b[2…  payments   2.00 kB   8.00 kB   9.7 %
other (3 gr…             1.00 kB     800 B   1.7 %

2 rows and others        3.64 kB   99.8 kB
`},
	} {
		var b strings.Builder
		if err := example().Write(&b, tt.style); err != nil {
			t.Fatal(err)
		}
		if want := tt.want[1:]; b.String() != want {
			t.Errorf("%s: the table is\n%s\nwant\n%s", tt.name, &b, want)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(line) - 1; tt.style.Width > 0 && n > tt.style.Width {
				t.Errorf("%s: a line has %d columns, more than %d: %s", tt.name, n, tt.style.Width, line)
			}
		}
	}
}

func TestColoursMarkTheLines(t *testing.T) {
	lines := example().Lines(Style{Colour: true})
	for i, want := range []string{bold, "storefront", "check", dim, "", bold} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want %q at its begin", i, lines[i], want)
		}
	}
	if plain := example().Lines(Style{}); strings.Contains(strings.Join(plain, ""), "\x1b") {
		t.Errorf("without colours the lines are %q", plain)
	}
}

func TestATableOfOneTotalHasNoNames(t *testing.T) {
	total := &Table{Rows: []Row{{Tx: query.SumOf(1), Rx: query.SumOf(2), More: []string{"true"}}}, More: []string{"COMPLETE"}}
	want := "BYTES TX  BYTES RX    SHARE  COMPLETE\n     1 B       2 B  100.0 %      true  ████████████████████"
	if got := strings.Join(total.Lines(Style{}), "\n"); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	if got, want := strings.Join((&Table{}).Lines(Style{}), "\n"), "BYTES TX  BYTES RX  SHARE"; got != want {
		t.Errorf("the table without rows is %q, want %q", got, want)
	}
}

func TestSumsHaveUnits(t *testing.T) {
	for _, tt := range []struct {
		sum          query.Sum
		human, exact string
	}{
		{query.Sum{}, "0 B", "0"}, {query.SumOf(999), "999 B", "999"}, {query.SumOf(1000), "1.00 kB", "1000"},
		{query.SumOf(9994), "9.99 kB", "9994"}, {query.SumOf(9996), "10.0 kB", "9996"}, {query.SumOf(99_949), "99.9 kB", "99949"},
		{query.SumOf(99_951), "100 kB", "99951"}, {query.SumOf(999_499), "999 kB", "999499"}, {query.SumOf(999_501), "1.00 MB", "999501"},
		{query.SumOf(1<<63 - 1), "9.22 EB", "9223372036854775807"},
		{query.Sum{High: 1}, "18.4 EB", "18446744073709551616"},
		{query.Sum{High: 1<<64 - 1, Low: 1<<64 - 1}, "340282366920938 YB", "340282366920938463463374607431768211455"},
	} {
		if h, e := Human(tt.sum), tt.sum.String(); h != tt.human || e != tt.exact {
			t.Errorf("%v is %q and %q, want %q and %q", tt.sum, h, e, tt.human, tt.exact)
		}
	}
}

func TestBarsHaveEighths(t *testing.T) {
	for _, tt := range []struct {
		fraction float64
		width    int
		want     string
	}{{0, 10, ""}, {1, 3, "███"}, {.5, 3, "█▌"}, {1e-9, 3, "▏"}, {.99, 2, "██"}, {1, 0, ""}} {
		if got := bar(tt.fraction, tt.width); got != tt.want {
			t.Errorf("bar(%v, %d) = %q, want %q", tt.fraction, tt.width, got, tt.want)
		}
	}
}
