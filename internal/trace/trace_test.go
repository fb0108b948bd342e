package trace

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	example = "4bf92f3577b34da6a3ce929d0e0e4736"
	span    = "00f067aa0ba902b7"
)

func TestParseParent(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		ok         bool
	}{
		{"the example of the specification", "00-" + example + "-" + span + "-01", true},
		{"a later version", "cc-" + example + "-" + span + "-01", true},
		{"a later version with a further field", "cc-" + example + "-" + span + "-01-what-the-future-will-be-like", true},
		{"no header", "", false},
		{"version 00 with a further field", "00-" + example + "-" + span + "-01-more", false},
		{"a later version with text behind the flags", "cc-" + example + "-" + span + "-01.more", false},
		{"version ff", "ff-" + example + "-" + span + "-01", false},
		{"upper case", "00-" + strings.ToUpper(example) + "-" + span + "-01", false},
		{"a trace ID of zeros", "00-" + strings.Repeat("0", 32) + "-" + span + "-01", false},
		{"a span of zeros", "00-" + example + "-" + strings.Repeat("0", 16) + "-01", false},
		{"other separators", "00_" + example + "-" + span + "-01", false},
		{"cut short", "00-" + example + "-" + span, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, ok := ParseParent(tt.text)
			if ok != tt.ok || ok && id.String() != example || !ok && !id.IsZero() {
				t.Errorf("ParseParent(%q) = %v, %t, want %t", tt.text, id, ok, tt.ok)
			}
		})
	}
}

func FuzzParseParent(f *testing.F) {
	for _, seed := range []string{"", "00-" + example + "-" + span + "-01", "cc-" + example + "-" + span + "-01-later", "ff-0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := ParseParent(text)
		if ok == id.IsZero() || ok && !strings.Contains(text, "-"+id.String()+"-") {
			t.Errorf("ParseParent(%q) = %v, %t", text, id, ok)
		}
		direct, ok := ParseID(text)
		if ok && direct.String() != text || !ok && !direct.IsZero() {
			t.Errorf("ParseID(%q) = %v, %t", text, direct, ok)
		}
	})
}

func TestARequestWithoutATraceGetsARandomID(t *testing.T) {
	traced := http.Header{"Traceparent": {"00-" + example + "-" + span + "-01"}}
	if id := entered(t, traced); id.String() != example {
		t.Errorf("the ID of a request with %v is %v, want %s", traced, id, example)
	}
	twice := http.Header{"Traceparent": {traced.Get("Traceparent"), traced.Get("Traceparent")}}
	for _, h := range []http.Header{{}, twice, {"Traceparent": {"x"}}} {
		if a, b := entered(t, h), entered(t, h); a.IsZero() || a == b || a.String() == example {
			t.Errorf("the ID of a request with %v is %v and then %v, want two random IDs", h, a, b)
		}
	}
}

// entered returns the ID of a request with headers, which its context and the answer have.
func entered(t *testing.T, h http.Header) ID {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header = h
	answer := http.Header{}
	id := Of(Enter(answer, r).Context())
	if answer.Get(Header) != id.String() {
		t.Errorf("the answer has the ID %q, want %v", answer.Get(Header), id)
	}
	return id
}

func TestACallCarriesTheID(t *testing.T) {
	id, h := New(), http.Header{}
	ID{}.Set(h)
	if got := OfCall(h); !got.IsZero() || len(h) > 0 {
		t.Errorf("OfCall(%v) = %v, want no ID", h, got)
	}
	id.Set(h)
	if got := OfCall(h); got != id || h.Get(Header) != id.String() {
		t.Errorf("OfCall(%v) = %v, want %v", h, got, id)
	}
}

func TestLogLinesCarryTheIDOfTheirContext(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(Handler(Handler(slog.NewTextHandler(&out, nil)))).With("node", "n1")
	id := New()
	ctx := Shared(context.Background(), With(t.Context(), id))
	log.InfoContext(ctx, "with")
	if got := out.String(); !strings.HasSuffix(got, "msg=with node=n1 request="+id.String()+"\n") {
		t.Errorf("the line is %q", got)
	}
	out.Reset()
	log.Info("without")
	if got := out.String(); strings.Contains(got, Attribute) {
		t.Errorf("the line is %q", got)
	}
}

func TestIDsOfACall(t *testing.T) {
	one, two := With(t.Context(), ID{1}), With(t.Context(), ID{2})
	ids := IDs(nil).Add(All(one)).Add(All(one)).Add(All(t.Context())).Add(All(two))
	if want := (ID{1}).String() + "," + (ID{2}).String(); ids.String() != want || !ids.Valid() {
		t.Errorf("the IDs of two requests are %q, valid: %t, want %q", ids, ids.Valid(), want)
	}
	for _, want := range []IDs{nil, ids[:16], ids} {
		sent := append(IDs(nil), want...)
		ctx := WithAll(t.Context(), sent)
		clear(sent) // a call uses its buffer again
		if got := All(ctx); !bytes.Equal(got, want) || Of(ctx) != Of(WithAll(t.Context(), want[:min(16, len(want))])) {
			t.Errorf("a context with %q has %q, the first is %v", want, got, Of(ctx))
		}
	}
	many := IDs(nil)
	for i := range MaxIDs + 2 {
		many = many.Add(All(With(t.Context(), ID{1, byte(i)})))
	}
	if len(many) != MaxIDs*len(ID{}) || !many.Valid() {
		t.Errorf("%d IDs are added up to %d bytes, want %d IDs", MaxIDs+2, len(many), MaxIDs)
	}
	for _, wrong := range []IDs{nil, {}, ids[:15], ids[:17], append(ids[:16:16], make(IDs, 16)...), append(many, ids[:16]...)} {
		if wrong.Valid() {
			t.Errorf("%x are valid IDs", []byte(wrong))
		}
	}
}

func TestALineAboutWorkForSeveralRequestsHasAllIDs(t *testing.T) {
	var out bytes.Buffer
	ids := IDs(nil).Add(All(With(t.Context(), ID{1}))).Add(All(With(t.Context(), ID{2})))
	slog.New(Handler(slog.NewTextHandler(&out, nil))).InfoContext(WithAll(t.Context(), ids), "shared")
	if got := out.String(); !strings.HasSuffix(got, "msg=shared request="+(ID{1}).String()+","+(ID{2}).String()+"\n") {
		t.Errorf("the line is %q", got)
	}
}
