package clustertest

import (
	"context"
	"fmt"
	"time"

	"flowring/store/journal/journaltest"
)

const backupDir = "backups" // on the machine's disk

// backup makes a new backup of a running node. A backup that fails is none.
func (r *runner) backup(name string) {
	n := r.c.Node(name)
	if n == nil {
		return
	}
	to := fmt.Sprintf("at-%d", time.Now().UnixNano())
	if done, err := n.Backup(context.Background(), to); done && err == nil {
		r.backups[name] = backupDir + "/" + to
	}
}

// restore ends a node and puts its last backup in the place of its data folder.
func (r *runner) restore(m *Machine) (err error) {
	from := r.backups[m.Name]
	if from == "" || !r.mayLose() {
		return nil
	}
	delete(r.backups, m.Name)
	r.lost(m.Name)
	r.c.crash(m.Name, func(d *journaltest.Disk) { err = d.Adopt(from, dataDir) })
	return err
}
