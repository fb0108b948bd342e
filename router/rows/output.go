package rows

import (
	"net/http"
	"strings"

	"flowring/internal/contract"
	"flowring/router/ask"
	"flowring/router/format"
)

// Output is the form of an answer to a client, and counts its rows.
type Output struct {
	Form  format.Form
	Texts bool // sums are texts in JSON
	Rows  int  // written so far
}

// OutputOf returns the form that a client asks for, in the parameters of its URL or in its header Accept.
func OutputOf(o ask.Output, h http.Header) *Output {
	form := o.Format
	if form == format.Unnamed {
		form = format.Accepted(h.Values("Accept"))
	}
	return &Output{Form: form, Texts: o.Numbers}
}

// ContentType returns the value of the header Content-Type.
func (o *Output) ContentType() string { return o.Form.ContentType() }

// suffix names the form in the tags of a client: the answers of one tag have the same bytes.
func (o *Output) suffix() string {
	if o.Texts {
		return "." + o.Form.String() + ".string"
	}
	return "." + o.Form.String()
}

// ClientTag returns the tag of an answer in this form.
func (o *Output) ClientTag(tag contract.Tag) contract.Tag {
	if tag == "" {
		return ""
	}
	return tag + contract.Tag(o.suffix())
}

// ClusterTag is the inverse of ClientTag. It is empty for the tag of an answer in another form.
func (o *Output) ClusterTag(tag contract.Tag) contract.Tag {
	if tag == contract.AnyTag {
		return tag
	}
	rest, ok := strings.CutSuffix(string(tag), o.suffix())
	if !ok {
		return ""
	}
	return contract.Tag(rest)
}
