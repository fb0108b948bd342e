package scenario

import (
	"strconv"
	"strings"
	"time"
)

// Scenario is a history as text. Each line is a step: an action on the cluster while clients write and read. The verbs:
//
//	start NODE...              start processes on their disks
//	place NODE                 make the machine of a node, so that it can be cut off before its first start
//	kill NODE                  kill -9
//	stop NODE                  SIGTERM, with a limit of 25 s
//	restart NODE               stop, then start; several in a row are a rolling restart
//	version NODE VERSION       let the node speak version 1 to this one; a running node is restarted
//	later NODE                 give the node a roster with a field of a later program, which all must have at the end
//	quorum W                   stop all nodes, and start them with another write quorum, unless a disk is lost; all
//	                           machines for a smaller one
//	power NODE PERCENT         loss of power; unsynced data survives with this probability
//	blackout PERCENT           loss of power of all nodes at once
//	wipe NODE                  kill -9 and loss of the disk
//	remove NODE                remove the data folder while the process runs
//	image NODE                 take an image of the disk
//	rollback NODE              kill -9, and set the disk back to its last image
//	backup NODE                have the node make a backup
//	restore NODE               kill -9, and put the last backup in the place of the data folder
//	spoil NODE                 make the disk fail: the next write of a batch ends the process
//	mend NODE                  repair the disk
//	drain NODE [MS]            drain the node, then stop it for good; give up after MS milliseconds
//	cut A,B|C,D [KIND]         no traffic between the sides; KIND: gossip or peer (only this port)
//	oneway A B [KIND]          no traffic from A to B
//	mute A B                   requests from A to the peer port of B do not arrive
//	deaf A B                   answers from the peer port of B to A are lost; the requests take effect
//	slow A B MS                latency of MS milliseconds from A to B
//	lossy A B PERCENT          packets from A to B are lost
//	reset A,B|C,D              reset the connections between the peer ports of the sides; data in transit is lost
//	heal                       end all faults of the network
//	wait MS
//	copy NODE...               start nodes on copies of these disks; they join each other, a single one joins itself
//	squat NODE OTHER...        start empty nodes of another installation, the first one at the last address of NODE
//	write NODE HOUR [TIMES]    write a batch through a node; for "all" one batch to each hour
//	read NODE HOUR [TIMES]     read an hour at a node
//	query NODE [TIMES]         ask a node about all hours
//	lower NODE                 restart the node with a retention of a day, by mistake
//	clock NODE HOURS           set the wall clock of the node ahead of, or behind the others
//	amend NODE                 correct the retention and the clock of the node
//	floor NODE C F             raise the floors of retention to these hours at the node, whatever the clocks say
//	close NODE HOUR            mark an hour as closed at the node, as the first step of its erasure
//	erase NODE HOUR            erase an hour at the node, as far as the stores allow within 20 s
//	retry NODE                 repeat every acknowledged request at the node
//	forgotten NODE MS          require that every running node forgets the lost store of NODE within MS milliseconds
//	forget NODE AT             ask the node AT to forget the store of the absent NODE
//
// A read, forget or drain with & at its end runs beside the next steps. Empty lines and lines that begin with # are
// comments.
type Scenario []string

// Parse splits a text into steps.
func Parse(text string) Scenario {
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

// MS parses a number of milliseconds.
func MS(text string) time.Duration {
	n, _ := strconv.Atoi(text)
	return time.Duration(n) * time.Millisecond
}
