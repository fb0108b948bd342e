package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// Content is the content of a delivery.
type Content struct {
	Kind      string // of the envelope; empty: there was none
	Body      []byte // records in their form
	Own       bool   // Body has memory of its own, and is no part of the delivery
	Request   string // the ID of the delivery; empty: it has none
	Malformed int    // parts that cannot be decoded
}

// TooLargeError refuses a delivery whose content has too many bytes.
type TooLargeError struct{ Most int64 }

// Error names the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the records of the delivery have more than %d bytes, decompressed; let the sender buffer less",
		e.Most)
}

// Open returns the content of a delivery of at most most bytes. allowed are the envelopes to look for.
func Open(body []byte, allowed []string, most int64) (Content, error) {
	o := opener{most: most, allowed: allowed, events: map[string]bool{}}
	if len(allowed) == 0 {
		return Content{Body: body}, nil
	}
	opened := body
	if isGzip(body) {
		var err error
		if opened, err = o.unzip(body); err != nil {
			return Content{}, err
		}
	}
	for _, kind := range allowed {
		if done, err := o.open(kind, opened); done || err != nil {
			o.Kind, o.Own = kind, true
			return o.Content, err
		}
	}
	return Content{Body: opened, Own: isGzip(body)}, nil
}

// opener opens one delivery.
type opener struct {
	Content
	most    int64
	allowed []string
	events  map[string]bool // IDs of CloudWatch so far
}

// open opens an envelope of a kind; it reports false if the body is none.
func (o *opener) open(kind string, body []byte) (bool, error) {
	switch kind {
	case "firehose":
		return o.firehose(body)
	case "cloudwatch":
		return o.cloudwatch(body)
	case "pubsub":
		return o.pubsub(body)
	}
	return false, nil
}

// add adds text to the body, behind a line break.
func (o *opener) add(text []byte) error {
	if int64(len(o.Body)+len(text)+1) > o.most {
		return &TooLargeError{o.most}
	}
	if len(o.Body) > 0 && o.Body[len(o.Body)-1] != '\n' {
		o.Body = append(o.Body, '\n')
	}
	o.Body = append(o.Body, text...)
	return nil
}

func isGzip(data []byte) bool { return len(data) > 2 && data[0] == 0x1f && data[1] == 0x8b }

// unzip decompresses data of one or more members. The limit holds for each part of a delivery, and add has the one for
// all of them.
func (o *opener) unzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, o.most+1))
	if err == nil && int64(len(text)) > o.most {
		err = &TooLargeError{o.most}
	}
	return text, err
}

// firehoseDelivery is the body of a request of Firehose.
type firehoseDelivery struct {
	RequestID *string                    `json:"requestId"`
	Records   *[]struct{ Data base64ed } `json:"records"`
}

// base64ed is text in base64. bad: it is none, which is no error of the delivery.
type base64ed struct {
	data []byte
	bad  bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *base64ed) UnmarshalJSON(text []byte) error {
	b.bad = json.Unmarshal(text, &b.data) != nil
	return nil
}

func (o *opener) firehose(body []byte) (bool, error) {
	var d firehoseDelivery
	if json.Unmarshal(body, &d) != nil || d.RequestID == nil || d.Records == nil {
		return false, nil
	}
	o.Request = *d.RequestID
	for _, r := range *d.Records {
		if err := o.record(&r.Data); err != nil {
			return true, err
		}
	}
	return true, nil
}

// record adds one record of Firehose.
func (o *opener) record(r *base64ed) error {
	text, err := r.data, error(nil)
	if isGzip(text) {
		text, err = o.unzip(text)
	}
	switch {
	case errors.As(err, new(*TooLargeError)):
		return err
	case err != nil || r.bad:
		o.Malformed++
		return nil
	}
	if slices.Contains(o.allowed, "cloudwatch") {
		if done, err := o.cloudwatch(text); done || err != nil {
			return err
		}
	}
	if done, err := o.messages(text); done || err != nil {
		return err
	}
	return o.add(text)
}

// messages adds the lines of objects {"message":"<line>"}; it reports false if the text has none.
func (o *opener) messages(text []byte) (bool, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return false, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var lines []string
	for {
		var one struct {
			Message *string `json:"message"`
		}
		err := d.Decode(&one)
		if err == io.EOF {
			break
		}
		if err != nil || one.Message == nil {
			return false, nil
		}
		lines = append(lines, *one.Message)
	}
	return true, o.add([]byte(strings.Join(lines, "\n")))
}

// logEvents is a message of CloudWatch Logs to a subscription.
type logEvents struct {
	MessageType string `json:"messageType"`
	LogEvents   []struct {
		ID      string `json:"id"`
		Message string `json:"message"`
	} `json:"logEvents"`
}

// cloudwatch adds the events of one or more deliveries of CloudWatch Logs. Its request ID is that of the events,
// because they are the same in each attempt.
func (o *opener) cloudwatch(body []byte) (bool, error) {
	if !bytes.Contains(body, []byte(`"messageType"`)) {
		return false, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	for first := true; ; first = false {
		var l logEvents
		err := d.Decode(&l)
		switch {
		case err == io.EOF && !first:
			return true, nil
		case err != nil || l.MessageType == "":
			if !first {
				o.Malformed++
			}
			return !first, nil
		case l.MessageType != "DATA_MESSAGE":
			continue
		}
		for _, e := range l.LogEvents {
			if e.ID != "" && o.events[e.ID] {
				continue
			}
			o.events[e.ID] = true
			if err := o.add([]byte(e.Message)); err != nil {
				return true, err
			}
		}
	}
}

// pubsubPush is a push of Pub/Sub.
type pubsubPush struct {
	Message *struct {
		Data      base64ed `json:"data"`
		MessageID string   `json:"messageId"`
	} `json:"message"`
	Subscription string `json:"subscription"`
}

func (o *opener) pubsub(body []byte) (bool, error) {
	var p pubsubPush
	if json.Unmarshal(body, &p) != nil || p.Message == nil || p.Subscription == "" {
		return false, nil
	}
	if p.Message.MessageID != "" {
		o.Request = p.Subscription + " " + p.Message.MessageID
	}
	if p.Message.Data.bad {
		o.Malformed++
		return true, nil
	}
	return true, o.add(p.Message.Data.data)
}
