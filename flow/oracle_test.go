package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"unicode/utf8"
)

// naiveDecode is a second, simple implementation of the contract, on encoding/json. It is the oracle of FuzzDecode. It
// returns the records, or the reason for a refusal.
func naiveDecode(body []byte) ([]Record, error) {
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("invalid UTF-8")
	}
	if err := checkEscapes(body); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	more := d.More
	if !bytes.HasPrefix(bytes.TrimLeft(body, space), []byte("{")) {
		if !json.Valid(body) {
			return nil, fmt.Errorf("encoding/json says that it is no JSON")
		}
		if first, err := d.Token(); first != json.Delim('[') {
			return nil, fmt.Errorf("begins with %v, %v", first, err)
		}
	} else {
		if err := validSequence(body); err != nil {
			return nil, err
		}
		more = func() bool { return len(bytes.TrimLeft(body[d.InputOffset():], space)) > 0 }
	}
	var all []Record
	for more() {
		r, err := naiveRecord(d)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", len(all), err)
		}
		all = append(all, r)
	}
	return all, nil
}

// validSequence fails unless body is one JSON value after the other.
func validSequence(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	for {
		var value json.RawMessage
		if err := d.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func naiveRecord(d *json.Decoder) (r Record, err error) {
	if first, err := d.Token(); first != json.Delim('{') {
		return r, fmt.Errorf("begins with %v, %v", first, err)
	}
	fields := map[string]any{}
	other := map[string]string{"src_ip": "src_app", "dest_ip": "dest_app", "vpc": "vpc_id"}
	for d.More() {
		token, _ := d.Token()
		name := token.(string)
		if other[name] != "" {
			name = other[name]
		}
		var value any
		if value, err = naiveValue(d, 2); err != nil {
			return r, err
		}
		switch name {
		case "src_app", "dest_app", "vpc_id", "bytes_tx", "bytes_rx", "hour":
			if _, twice := fields[name]; twice {
				return r, fmt.Errorf("%s twice", name)
			}
			fields[name] = value
		}
	}
	_, _ = d.Token()
	for name, target := range map[string]*string{"src_app": &r.SrcApp, "dest_app": &r.DestApp, "vpc_id": &r.VPCID} {
		text, ok := fields[name].(string)
		if !ok || len(text) < 1 || len(text) > 256 {
			return r, fmt.Errorf("%s is %v", name, fields[name])
		}
		*target = text
	}
	for name, target := range map[string]*int64{"bytes_tx": &r.BytesTx, "bytes_rx": &r.BytesRx, "hour": (*int64)(&r.Hour)} {
		number, ok := fields[name].(json.Number)
		n, integer := new(big.Int).SetString(string(number), 10)
		if !ok || !integer || !n.IsInt64() || name != "hour" && (n.Sign() < 0 || n.BitLen() > 53) {
			return r, fmt.Errorf("%s is %v", name, fields[name])
		}
		*target = n.Int64()
	}
	return r, nil
}

// naiveValue reads one value at the given depth of nesting. It returns the value unless that is an array or an object.
func naiveValue(d *json.Decoder, depth int) (any, error) {
	token, _ := d.Token()
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth++; depth > 128 {
		return nil, fmt.Errorf("too deep")
	}
	for d.More() {
		if delim == '{' {
			_, _ = d.Token()
		}
		if _, err := naiveValue(d, depth); err != nil {
			return nil, err
		}
	}
	_, _ = d.Token()
	return delim, nil
}

var (
	escapes = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)
	pairs   = regexp.MustCompile(`(?i)\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}`)
	halves  = regexp.MustCompile(`(?i)^\\ud[89a-f]`)
)

// checkEscapes refuses halves of surrogate pairs, which encoding/json replaces. It first blanks escaped backslashes,
// because the second backslash of one could be taken for the beginning of another escape.
func checkEscapes(body []byte) error {
	body = bytes.ReplaceAll(body, []byte(`\\`), []byte(`--`))
	for _, escape := range escapes.FindAll(pairs.ReplaceAll(body, nil), -1) {
		if halves.Match(escape) {
			return fmt.Errorf("half a surrogate pair: %s", escape)
		}
	}
	return nil
}
