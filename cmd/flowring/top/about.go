package top

// About explains the command.
const About = `Show the largest groups of flows on this terminal, and keep them fresh.

Without --from the flows are those of the current hour. The keys b, t and r choose the sum
that decides: bytes in both directions, sent, received. The key g chooses other groups, and
q or Ctrl-C ends the command. It also ends, with an error, if no node answers in time.`
