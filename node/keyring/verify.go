package keyring

// Verify says how far the keys are switched on. A cluster without keys reaches Require in three steps, each on all
// nodes before the next one, and every pair of nodes of two neighbouring steps understands each other.
type Verify string

// The steps.
const (
	Accept  Verify = "accept"  // read plain and encrypted gossip, send plain gossip
	Send    Verify = "send"    // read plain and encrypted gossip, send encrypted gossip
	Require Verify = "require" // read and send encrypted gossip alone
)

// Valid reports whether v is one of the steps.
func (v Verify) Valid() bool { return v == Accept || v == Send || v == Require }

// Encrypts reports whether a node sends encrypted gossip.
func (v Verify) Encrypts() bool { return v != Accept }

// RefusesPlain reports whether a node refuses plain gossip.
func (v Verify) RefusesPlain() bool { return v != Accept && v != Send }
