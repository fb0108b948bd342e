package form

import (
	"cmp"
	"slices"
	"strings"
)

// awsReader reads form aws-lines.
type awsReader struct {
	fields  []string
	columns []string
	row     []string
}

func newAWS(fields, columns []string) *awsReader {
	return &awsReader{fields: fields, columns: columns, row: make([]string, len(fields))}
}

// Read implements Reader. It reads the body twice: the first time it learns of the interfaces.
func (r *awsReader) Read(body []byte, to Sink) error {
	text := string(body)
	known := interfaces{}
	learn := func(l *line) error {
		known.learn(l)
		return nil
	}
	if err := r.each(text, learn, func() {}); err != nil {
		return err
	}
	own := known.settle()
	return r.each(text, func(l *line) error {
		direction, services := own.direction(l), own.services
		for i, field := range r.fields {
			switch field {
			case "@direction":
				r.row[i] = direction
			case "@src-service":
				r.row[i] = services[l.src()]
			case "@dest-service":
				r.row[i] = services[l.dest()]
			default:
				r.row[i] = l.value(field)
			}
		}
		return to.Row(r.row)
	}, to.Malformed)
}

// line is one line with the names of its values.
type line struct{ columns, values []string }

// value returns the value of a column; empty: none.
func (l *line) value(column string) string {
	if i := slices.Index(l.columns, column); i >= 0 && l.values[i] != "-" {
		return l.values[i]
	}
	return ""
}

// src returns the address of the source behind translations, and dest that of the destination.
func (l *line) src() string  { return cmp.Or(l.value("pkt-srcaddr"), l.value("srcaddr")) }
func (l *line) dest() string { return cmp.Or(l.value("pkt-dstaddr"), l.value("dstaddr")) }

// each calls fn for each line, until it fails, and malformed for each line with another number of values than columns.
func (r *awsReader) each(text string, fn func(*line) error, malformed func()) error {
	l := line{columns: r.columns}
	for row := range strings.Lines(text) {
		l.values = l.values[:0]
		for value := range strings.FieldsSeq(row) {
			l.values = append(l.values, value)
		}
		switch {
		case len(l.values) == 0:
		case isHeader(l.values):
			l.columns = slices.Clone(l.values)
		case len(l.values) != len(l.columns):
			malformed()
		default:
			if err := fn(&l); err != nil {
				return err
			}
		}
	}
	return nil
}

// isHeader reports whether a line names columns. No value of a record looks like these names. A format may have the
// addresses behind translations alone.
func isHeader(values []string) bool {
	has := func(name string) bool { return slices.Contains(values, name) || slices.Contains(values, "pkt-"+name) }
	return has("srcaddr") && has("dstaddr")
}

// interfaces are the interfaces of a body, by ID.
type interfaces map[string]*networkInterface

type networkInterface struct {
	addrs   []string // in each line so far, at most two
	service string
}

// learn learns of the interface of a line.
func (n interfaces) learn(l *line) {
	id, src, dst := l.value("interface-id"), l.value("srcaddr"), l.value("dstaddr")
	if id == "" || src == "" || dst == "" {
		return
	}
	switch l.value("flow-direction") {
	case "egress":
		dst = src
	case "ingress":
		src = dst
	}
	i := n[id]
	if i == nil {
		i = &networkInterface{addrs: slices.Compact([]string{src, dst})}
		n[id] = i
	}
	i.addrs = slices.DeleteFunc(i.addrs, func(a string) bool { return a != src && a != dst })
	i.service = max(i.service, l.value("ecs-service-name"))
}

// ownAddresses has the addresses of interfaces and the services of addresses, as the lines of a body give them.
type ownAddresses struct {
	of       map[string]string // by interface
	services map[string]string // by address
}

// settle gives each interface its own address, as far as it is certain. An address that is the own one of an interface
// is none of another, so rounds follow until nothing new does. The outcome does not depend on the order of interfaces.
func (n interfaces) settle() ownAddresses {
	own := ownAddresses{of: map[string]string{}, services: map[string]string{}}
	owned := map[string]bool{}
	for {
		claims := map[string][]string{} // interfaces by address
		for id, i := range n {
			if free := n.free(i, owned); own.of[id] == "" && len(free) == 1 {
				claims[free[0]] = append(claims[free[0]], id)
			}
		}
		if len(claims) == 0 {
			break
		}
		for addr, ids := range claims {
			for _, id := range ids {
				if len(ids) == 1 || len(n[id].addrs) == 1 {
					own.of[id] = addr
				}
			}
			owned[addr] = true
		}
	}
	for id, addr := range own.of {
		own.services[addr] = max(own.services[addr], n[id].service)
	}
	return own
}

// free returns the addresses that may be the own one of an interface. The only one is, even if another interface has it
// too, because networks may overlap.
func (n interfaces) free(i *networkInterface, owned map[string]bool) []string {
	if len(i.addrs) == 1 {
		return i.addrs
	}
	var free []string
	for _, a := range i.addrs {
		if !owned[a] {
			free = append(free, a)
		}
	}
	return free
}

// direction returns the direction of a line at its interface.
func (o *ownAddresses) direction(l *line) string {
	if d := l.value("flow-direction"); d != "" {
		return d
	}
	own := o.of[l.value("interface-id")]
	src, dst := l.value("srcaddr"), l.value("dstaddr")
	switch {
	case own == "" || src == dst:
		return ""
	case own == src:
		return "egress"
	case own == dst:
		return "ingress"
	}
	return ""
}
