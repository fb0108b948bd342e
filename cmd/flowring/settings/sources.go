package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const (
	envPrefix      = "FLOWRING_"
	TargetVariable = envPrefix + "TARGET" // of the commands that are clients
)

// assignment is what one source says about one setting.
type assignment struct {
	setting setting
	text    string
	from    string // the place, for an error: "--join", "FLOWRING_JOIN", "flowring.yaml:3: join"
}

// given is a flag's value: it keeps the texts as they come, so that flags are read and checked as all other sources are.
type given struct {
	value // of the defaults, for the help text
	texts []string
}

// Set keeps the text.
func (g *given) Set(text string) error {
	g.texts = append(g.texts, text)
	return nil
}

// addFlags gives fs a flag for each setting.
func AddFlags(fs *pflag.FlagSet) {
	d := Default()
	for _, s := range all() {
		flag := fs.VarPF(&given{value: s.value(&d)}, s.name, "", s.help)
		if _, is := s.value(&d).(switchValue); is {
			flag.NoOptDefVal = "true" // the flag alone
		}
	}
}

// Load returns the settings that flags, environment and file make up: the first of them that has a setting decides. Unknown
// are the variables that look like settings but are none.
func Load(fs *pflag.FlagSet, environ []string) (s Settings, unknown []string, err error) {
	flags := fromFlags(fs)
	env, unknown := fromEnviron(environ)
	file, err := fromFile(slices.Concat(env, flags))
	if err != nil {
		return Settings{}, nil, err
	}
	s = Default()
	for _, a := range slices.Concat(file, env, flags) {
		if err := a.setting.value(&s).Set(a.text); err != nil {
			return Settings{}, nil, fmt.Errorf("%s: %w", a.from, err)
		}
	}
	return s, unknown, s.complete()
}

// fromFlags returns what the command line says. A flag given twice makes a list; where no list is asked for the last one counts,
// as is the custom.
func fromFlags(fs *pflag.FlagSet) []assignment {
	var as []assignment
	for _, s := range all() {
		flag := fs.Lookup(s.name)
		if flag == nil || !flag.Changed {
			continue
		}
		g := flag.Value.(*given)
		text := g.texts[len(g.texts)-1]
		if s.list() {
			text = strings.Join(g.texts, ",")
		}
		as = append(as, assignment{s, text, "--" + s.name})
	}
	return as
}

// list reports whether the setting has any number of values.
func (s setting) list() bool {
	_, ok := s.value(&Settings{}).(listValue)
	return ok
}

// fromEnviron returns what the environment says. An empty variable counts as not set: that is how Compose and CI files
// commonly leave one out.
func fromEnviron(environ []string) (as []assignment, unknown []string) {
	known := map[string]setting{}
	for _, s := range all() {
		known[s.env()] = s
	}
	for _, variable := range environ {
		name, text, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, envPrefix) || text == "" {
			continue
		}
		if s, ok := known[name]; ok {
			as = append(as, assignment{s, text, name})
		} else if name != TargetVariable && !injected(name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return as, unknown
}

// injected reports whether Kubernetes may have set the variable, on behalf of a Service named flowring or flowring-something.
func injected(name string) bool {
	const service, port = `_SERVICE_HOST$|_SERVICE_PORT(_|$)`, `_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`
	return regexp.MustCompile(service + "|" + port).MatchString(name)
}
