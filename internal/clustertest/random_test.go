package clustertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// scenarioWriter writes a random scenario. It knows the state of each node.
type scenarioWriter struct {
	rng     *rand.Rand
	steps   Scenario
	quorum  int
	up      []string // nodes with a running process
	down    []string // nodes without a process
	imaged  map[string]bool
	failing map[string]bool // disks that fail
	next    int             // number of the next node to join
}

// RandomScenario returns a scenario of n faults. The cluster begins with the nodes n1 to n3 and has at most most nodes.
func RandomScenario(rng *rand.Rand, quorum, n, most int) Scenario {
	s := &scenarioWriter{
		rng: rng, quorum: quorum, up: []string{"n1", "n2", "n3"}, next: 4, imaged: map[string]bool{}, failing: map[string]bool{},
	}
	for range n {
		s.fault(most)
		s.add("wait %d", 100+rng.IntN(6000))
	}
	return s.steps
}

func (s *scenarioWriter) add(format string, args ...any) {
	s.steps = append(s.steps, fmt.Sprintf(format, args...))
}

func (s *scenarioWriter) pick(from []string) string { return from[s.rng.IntN(len(from))] }

func (s *scenarioWriter) fault(most int) {
	switch p := s.rng.IntN(100); {
	case len(s.down) > 0 && p < 35:
		s.start(s.pick(s.down))
	case len(s.up) == 0:
	case p < 45:
		s.lose("kill %s", s.pick(s.up))
	case p < 49:
		s.lose("stop %s", s.pick(s.up))
	case p < 53:
		s.add("restart %s", s.pick(s.up))
	case p < 57:
		s.lose("power %s "+strconv.Itoa(s.rng.IntN(101)), s.pick(s.up))
	case p < 60:
		s.blackout()
	case p < 65 && s.quorum > 1:
		s.lose("wipe %s", s.pick(s.up))
	case p < 69 && s.quorum > 1:
		s.rollback(s.pick(s.up))
	case p < 72:
		s.spoil(s.pick(s.up))
	case p < 77 && s.next <= most:
		s.start(fmt.Sprintf("n%d", s.next))
		s.next++
	case p < 80 && len(s.up) > 3:
		s.drain(s.pick(s.up))
	case p < 97:
		s.network()
	default:
		s.add("heal")
	}
}

func (s *scenarioWriter) start(name string) {
	s.add("start %s", name)
	s.down = slices.DeleteFunc(s.down, func(n string) bool { return n == name })
	s.up = append(s.up, name)
}

func (s *scenarioWriter) lose(format, name string) {
	s.add(format, name)
	s.up = slices.DeleteFunc(s.up, func(n string) bool { return n == name })
	s.down = append(s.down, name)
}

// drain drains a node, or gives the drain up after a while.
func (s *scenarioWriter) drain(name string) {
	if s.rng.IntN(2) == 0 {
		s.add("drain %s %d", name, 1+s.rng.IntN(3000))
		return
	}
	s.lose("drain %s", name)
	s.down = s.down[:len(s.down)-1]
}

func (s *scenarioWriter) blackout() {
	s.add("blackout %d", s.rng.IntN(101))
	s.down, s.up = append(s.down, s.up...), nil
	for len(s.down) > 1 {
		s.start(s.pick(s.down))
	}
}

func (s *scenarioWriter) rollback(name string) {
	if !s.imaged[name] {
		s.add("image %s", name)
		s.imaged[name] = true
		return
	}
	s.lose("rollback %s", name)
}

func (s *scenarioWriter) spoil(name string) {
	if s.failing[name] {
		s.add("mend %s", name)
		s.failing[name] = false
		return
	}
	s.add("spoil %s", name)
	s.failing[name] = true
}

// network adds a fault of the network, or heals the network.
func (s *scenarioWriter) network() {
	all := append(slices.Clone(s.up), s.down...)
	if len(all) < 2 {
		return
	}
	s.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	what := s.pick([]string{"", "", " gossip", " peer"})
	switch s.rng.IntN(7) {
	case 0, 1:
		half := 1 + s.rng.IntN(len(all)-1)
		s.add("cut %s|%s%s", strings.Join(all[:half], ","), strings.Join(all[half:], ","), what)
	case 2:
		s.add("oneway %s %s%s", all[0], all[1], what)
	case 3:
		s.add("deaf %s %s", all[0], all[1])
	case 4:
		s.add("slow %s %s %d", all[0], all[1], 10+s.rng.IntN(2000))
	case 5:
		s.add("lossy %s %s %d", all[0], all[1], 10+s.rng.IntN(80))
	default:
		s.add("heal")
	}
}

// mixVersions adds upgrades and downgrades to a scenario: each start has a random version, and some restarts are added.
func mixVersions(rng *rand.Rand, s Scenario) (mixed Scenario) {
	version := func(name string) {
		mixed = append(mixed, fmt.Sprintf("version %s %d", name, 1+rng.IntN(2)))
	}
	for _, step := range s {
		f := strings.Fields(step)
		if f[0] == "start" {
			version(f[1])
		}
		mixed = append(mixed, step)
		if f[0] == "wait" && rng.IntN(2) == 0 {
			name := fmt.Sprintf("n%d", 1+rng.IntN(3))
			version(name)
			mixed = append(mixed, "wait 1500")
		}
	}
	return mixed
}

// changeQuorums adds changes of W, from 1 to 3, to a scenario. Drains are left out, because five nodes have to stay.
func changeQuorums(rng *rand.Rand, s Scenario) (changed Scenario) {
	for _, step := range s {
		if strings.HasPrefix(step, "drain") {
			continue
		}
		changed = append(changed, step)
		if strings.HasPrefix(step, "wait") && rng.IntN(4) == 0 {
			changed = append(changed, fmt.Sprintf("quorum %d", 1+rng.IntN(3)), fmt.Sprintf("wait %d", rng.IntN(20_000)))
		}
	}
	return changed
}

// mixErasures adds erasures of the first four hours to a scenario. Some end after the first step.
func mixErasures(rng *rand.Rand, s Scenario) (mixed Scenario) {
	for _, step := range s {
		mixed = append(mixed, step)
		name, hour := fmt.Sprintf("n%d", 1+rng.IntN(4)), rng.IntN(4)
		switch p := rng.IntN(100); {
		case !strings.HasPrefix(step, "wait"):
		case p < 25:
			mixed = append(mixed, fmt.Sprintf("erase %s %d &", name, hour), fmt.Sprintf("wait %d", rng.IntN(500)))
		case p < 35:
			mixed = append(mixed, fmt.Sprintf("close %s %d", name, hour))
		case p < 45:
			mixed = append(mixed, "heal", fmt.Sprintf("wait %d", 2000+rng.IntN(5000)))
		}
	}
	return mixed
}

// mixFloors adds mistakes of operators and of clocks to a scenario, and corrections.
func mixFloors(rng *rand.Rand, s Scenario) (mixed Scenario) {
	for _, step := range s {
		mixed = append(mixed, step)
		if !strings.HasPrefix(step, "wait") {
			continue
		}
		name := fmt.Sprintf("n%d", 1+rng.IntN(4))
		switch p := rng.IntN(100); {
		case p < 8:
			mixed = append(mixed, "lower "+name)
		case p < 18:
			mixed = append(mixed, "amend "+name)
		case p < 24:
			mixed = append(mixed, fmt.Sprintf("clock %s %d", name, rng.IntN(7)-3))
		case p < 27:
			mixed = append(mixed, fmt.Sprintf("clock %s %d", name, 87_600))
		case p < 36:
			mixed = append(mixed, "backup "+name)
		case p < 42:
			mixed = append(mixed, "restore "+name, "wait 1000", "start "+name)
		case p < 55:
			mixed = append(mixed, "heal", fmt.Sprintf("wait %d", 5000+rng.IntN(20_000)))
		}
	}
	return mixed
}
