package preset

import (
	"fmt"
	"slices"
	"strings"
)

// fields numbers the fields of a preset.
type fields []string

// number returns the number of a field, which it adds if it is new.
func (f *fields) number(name string) int {
	if i := slices.Index(*f, name); i >= 0 {
		return i
	}
	*f = append(*f, name)
	return len(*f) - 1
}

// template is a compiled template: texts and fields in turn, beginning with a text.
type template struct {
	texts  []string // one more than fields
	fields []int
}

// template compiles a template.
func (f *fields) template(text string) (template, error) {
	var t template
	for {
		before, rest, more := strings.Cut(text, "{")
		if strings.Contains(before, "}") {
			return t, fmt.Errorf("template %q: a } without a {", text)
		}
		t.texts = append(t.texts, before)
		if !more {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" || strings.Contains(name, "{") {
			return t, fmt.Errorf("template %q: a field is a name in braces", text)
		}
		t.fields = append(t.fields, f.number(name))
		text = after
	}
}

func (f *fields) templates(list texts) (all []template, err error) {
	for _, text := range list {
		t, err := f.template(text)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// text returns the text of a template; it is empty if a field has no value.
func (t *template) text(row []string) string {
	switch {
	case len(t.fields) == 0:
		return t.texts[0]
	case len(t.fields) == 1 && t.texts[0] == "" && t.texts[1] == "":
		return row[t.fields[0]]
	}
	size := 0
	for i, field := range t.fields {
		if row[field] == "" {
			return ""
		}
		size += len(t.texts[i]) + len(row[field])
	}
	var b strings.Builder
	b.Grow(size + len(t.texts[len(t.fields)]))
	for i, field := range t.fields {
		b.WriteString(t.texts[i])
		b.WriteString(row[field])
	}
	b.WriteString(t.texts[len(t.fields)])
	return b.String()
}

// firstText returns the text of the first template whose fields have values.
func firstText(list []template, row []string) string {
	for i := range list {
		if text := list[i].text(row); text != "" {
			return text
		}
	}
	return ""
}

// test is one field of a compiled condition.
type test struct {
	field int
	not   bool
	any   bool // a value of any kind
	none  bool // no value
	texts []template
}

// condition compiles a condition. Its tests are in the order of their fields, so that compiling is deterministic.
func (f *fields) condition(c condition) (all []test, err error) {
	for _, name := range sorted(c) {
		field, not := strings.CutSuffix(name, "!")
		t := test{field: f.number(field), not: not}
		if len(c[name]) == 0 {
			return nil, fmt.Errorf("field %q of a condition has no value", name)
		}
		for _, value := range c[name] {
			switch value {
			case "*":
				t.any = true
			case "":
				t.none = true
			default:
				text, err := f.template(value)
				if err != nil {
					return nil, err
				}
				t.texts = append(t.texts, text)
			}
		}
		all = append(all, t)
	}
	return all, nil
}

func sorted(c condition) []string {
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// holds reports whether all tests of a condition hold. A condition without tests holds.
func holds(tests []test, row []string) bool {
	for i := range tests {
		if t := &tests[i]; t.matches(row) == t.not {
			return false
		}
	}
	return true
}

func (t *test) matches(row []string) bool {
	value := row[t.field]
	if value == "" {
		return t.none
	}
	if t.any {
		return true
	}
	for i := range t.texts {
		if t.texts[i].text(row) == value {
			return true
		}
	}
	return false
}
