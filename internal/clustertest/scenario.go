package clustertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scenario is a history as text, one step a line: what is done to the cluster, while clients write and read. The verbs:
//
//	start NODE...              start processes, on their disks as they are
//	place NODE                 make a node's machine, so that it can be cut off before its first start
//	kill NODE                  kill -9
//	stop NODE                  SIGTERM, within 25 s
//	restart NODE               stop, then start: a rolling restart is one after the other
//	power NODE PERCENT         loss of power; unsynced data survives with that probability
//	blackout PERCENT           loss of power everywhere at once
//	wipe NODE                  kill -9, and the disk is lost
//	remove NODE                the data folder is removed while the process runs
//	image NODE                 remember the disk as it is
//	rollback NODE              kill -9, and the disk is as it was at the last image
//	spoil NODE                 the disk is full, or broken: the next batch that is to be written ends the process
//	mend NODE                  the disk is in order again
//	drain NODE [MS]            take the node off the roster, then stop it for good; with MS, give that up by then
//	cut A,B|C,D [WHAT]         no traffic between the sides; WHAT: gossip or peer (that port alone)
//	oneway A B [WHAT]          no traffic from A to B
//	mute A B                   requests of A to B's peer port do not arrive
//	deaf A B                   answers of B's peer port to A are lost, after the effect
//	slow A B MS                that many milliseconds from A to B
//	lossy A B PERCENT          packets from A to B are lost
//	reset A,B|C,D              break the connections between the peer ports of the sides: what is on its way in them is lost
//	heal                       the network is whole again
//	wait MS
//	copy NODE...               start nodes on copies of the disks of these nodes, elsewhere: they join each other, one alone itself
//	squat NODE OTHER...        start empty nodes of another installation: the first at the address that NODE had last
//	write NODE HOUR [TIMES]    write a batch through a node, or one to each hour for "all"
//	read NODE HOUR [TIMES]     read an hour at a node
//	forgotten NODE MS          within that time every node that runs has forgotten the lost store of the node
//	forget NODE AT             ask the node AT to forget the store of an absent node
//
// A read, forget or drain that ends with & goes on while the next steps are done. Empty lines and those that begin with # are skipped.
type Scenario []string

// ParseScenario splits a text into steps.
func ParseScenario(text string) Scenario {
	var s Scenario
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			s = append(s, line)
		}
	}
	return s
}

// String returns the text.
func (s Scenario) String() string { return strings.Join(s, "\n") + "\n" }

// scribe writes a random scenario, keeping in mind which nodes run.
type scribe struct {
	rng    *rand.Rand
	steps  Scenario
	quorum int
	up     []string // nodes whose process runs
	down   []string // nodes that can be started
	imaged map[string]bool
	ill    map[string]bool // spoilt disks
	next   int             // number of the next node to join
}

// RandomScenario returns a scenario of n faults on a cluster that begins with the nodes n1 to n3, with at most most nodes.
func RandomScenario(rng *rand.Rand, quorum, n, most int) Scenario {
	s := &scribe{rng: rng, quorum: quorum, up: []string{"n1", "n2", "n3"}, next: 4, imaged: map[string]bool{}, ill: map[string]bool{}}
	for range n {
		s.fault(most)
		s.add("wait %d", 100+rng.IntN(6000))
	}
	return s.steps
}

func (s *scribe) add(format string, args ...any) {
	s.steps = append(s.steps, fmt.Sprintf(format, args...))
}

func (s *scribe) pick(from []string) string { return from[s.rng.IntN(len(from))] }

func (s *scribe) fault(most int) {
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

func (s *scribe) start(name string) {
	s.add("start %s", name)
	s.down = slices.DeleteFunc(s.down, func(n string) bool { return n == name })
	s.up = append(s.up, name)
}

func (s *scribe) lose(format, name string) {
	s.add(format, name)
	s.up = slices.DeleteFunc(s.up, func(n string) bool { return n == name })
	s.down = append(s.down, name)
}

// drain drains a node, or gives the drain up.
func (s *scribe) drain(name string) {
	if s.rng.IntN(2) == 0 {
		s.add("drain %s %d", name, 1+s.rng.IntN(3000))
		return
	}
	s.lose("drain %s", name)
	s.down = s.down[:len(s.down)-1]
}

func (s *scribe) blackout() {
	s.add("blackout %d", s.rng.IntN(101))
	s.down, s.up = append(s.down, s.up...), nil
	for len(s.down) > 1 {
		s.start(s.pick(s.down))
	}
}

func (s *scribe) rollback(name string) {
	if !s.imaged[name] {
		s.add("image %s", name)
		s.imaged[name] = true
		return
	}
	s.lose("rollback %s", name)
}

func (s *scribe) spoil(name string) {
	if s.ill[name] {
		s.add("mend %s", name)
		s.ill[name] = false
		return
	}
	s.add("spoil %s", name)
	s.ill[name] = true
}

// network cuts or slows something, or heals all.
func (s *scribe) network() {
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

// ms parses a number of milliseconds.
func ms(text string) time.Duration {
	n, _ := strconv.Atoi(text)
	return time.Duration(n) * time.Millisecond
}
