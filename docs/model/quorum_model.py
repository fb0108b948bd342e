#!/usr/bin/env python3
"""Abstract model of the proven quorum: W changes, while all nodes are stopped, in a cluster of stores that join, leave and fail.

The rules are those of docs/decisions/0021-changing-r-and-w.md, on top of those of roster_model.py, which has writes, reads, joining and
forgetting. Checks P4 as that model does, and that every history ends: once all stores that are left can hear each other, one of them proves
W. A store may be away for any time. The assumption about operators: every store that is not lost runs under each smaller W until it is
ready. Not in the model: a node with a W that the others refuse, and disks that are rolled back.

    python3 quorum_model.py [histories]       random histories per rule set (default 4000, some 3 min)
    python3 quorum_model.py [histories] NAME  one rule set only: "design", or a weaker rule as named in WEAKER

Exits with 1 if the design violates a check, or a weaker rule is not caught.
"""
import sys

import roster_model

DESIGN = dict(
    reads="proven",     # a read is complete only while the proven quorum is W
    forgets="proven",   # who must answer when a store is forgotten: all others but V-2, or but W-2
    by="all",           # V rises once all stores of the roster have secured their batches; "all but W-2"
    register="count",   # of two values of V the one with more changes wins, and of equal counts the lower one; "max", "min"
)
WEAKER = {
    "reads by W": dict(reads="W"), "forgetting by W": dict(forgets="W"), "a proof by all but W-2": dict(by="all but W-2"),
    "the higher V wins": dict(register="max"), "the lower V wins": dict(register="min"),
}


class Changes(roster_model.History):
    """V of a store is a pair: the number of changes, and the number of stores; (0, 0) for none."""

    def __init__(self, seed, **rules):
        self.v, self.off = {}, set()
        self.changing = {**DESIGN, **rules}
        super().__init__(seed, 1)
        self.W = self.r.choice([1, 1, 2, 3])
        for _ in range(self.r.choice([2, 3, 4])):
            self.est.add(self.new().i)
        for s in self.nodes:
            s.known, self.v[s], self.side[s] = set(self.at), (1, self.W), 0

    def new(self):
        s = super().new()
        self.v[s] = (0, 0)
        return s

    # ---- the proven quorum

    def merge(self, a, b):
        super().merge(a, b)
        key = {"count": lambda v: (v[0], -v[1]), "max": lambda v: v[1], "min": lambda v: (v[0] > 0, -v[1])}[self.changing["register"]]
        self.v[a] = max(self.v[a], self.v[b], key=key)

    def proven(self, c):
        v = self.v[c][1]
        return min(v, self.W) if v and self.changing["forgets"] == "proven" else self.W

    def proves(self, c):
        return self.changing["reads"] != "proven" or self.v[c][1] in (0, self.W)

    def settle(self, c):
        """c is ready: it has heard W established stores. Its V falls to W, or begins."""
        heard = {c.i}
        for i in self.order(c.roster() - {c.i}):
            if self.call(c, i, hello=True):
                heard.add(i)
            yield
        if (self.v[c][1] > self.W or not self.v[c][0]) and self.counts(c, c.i) and len(self.counting(c, heard)) >= self.W:
            self.v[c] = (self.v[c][0] + 1, self.W)

    def prove(self, c):
        """All stores of the roster put what they hold on W counting stores. Then V is W."""
        me, before, heard, asked = c.i, self.v[c], {c.i}, {c.i}
        if not self.counts(c, me) or not before[0] or before[1] >= self.W:
            return
        while c.roster() - asked:
            for i in self.order(c.roster() - asked):
                asked.add(i)
                if self.call(c, i, hello=True):
                    heard.add(i)
                yield

        def enough():
            return len(c.roster() - heard) <= (max(self.W - 2, 0) if self.changing["by"] != "all" else 0)
        if not enough():
            return
        for i in self.order(heard):
            t, done = self.at.get(i), []
            if t is None or not self.call(c, i):
                return
            yield from self.secure(t, (), done)
            if not done or not self.call(c, i):
                return
            yield
        if enough() and c.i == me and self.v[c] == before:
            self.v[c] = (before[0] + 1, self.W)

    # ---- what is different while W changes

    def call(self, c, i, effect=lambda t: None, hello=False):
        t = self.at.get(i)
        if c in self.off or t in self.off:
            return False
        return super().call(c, i, effect, hello)

    def write(self, c):
        if self.v[c][1] <= self.W:  # else it is not ready yet
            yield from super().write(c)

    def lose(self, c):  # at most V-1 disks that nobody has forgotten yet, for the V of the cluster
        w, self.W = self.W, min(self.W, max(self.v[s] for s in self.nodes)[1] or self.W)
        if not self.off:
            super().lose(c)
        self.W = w

    def change(self):
        """All nodes stop, and start with another W. Under a smaller W each of them becomes ready before the next stop."""
        live = [s for s in self.nodes if not s.lost]
        self.ready(live)
        self.W = self.r.choice([w for w in (1, 2, 3) if w != self.W and w <= len(live)] or [self.W])
        falls = self.W < max(self.v[s] for s in self.nodes)[1]
        self.off = set() if falls else {s for s in live if self.r.random() < 0.25}

    def ready(self, live):
        side, self.side, flaky, self.flaky = self.side, {s: 0 for s in self.nodes}, self.flaky, 0
        for s in live:
            if s not in self.off:
                for _ in self.settle(s):
                    pass
        self.side, self.flaky = side, flaky

    def run(self):
        r, running = self.r, []
        kinds = ["write", "read", "greet", "pull", "join", "establish", "forget", "settle", "prove", "side", "heal", "lose", "return", "change"]
        base = [30, 18, 4, 3, 4, 6, 10, 8, 10, 10, 5, 3, 3, 3]
        weights = [b * r.choice([0.3, 1, 1, 2.5]) for b in base]
        whole, alone = r.choice([0.2, 0.6, 0.9]), r.choice([0.3, 0.5, 0.7])
        for step in range(r.choice([40, 80, 120])):
            if running and r.random() < alone:
                op = r.choice(running)
                for _ in range(r.choice([1, 1, 2, 4, 40])):
                    if next(op[1], self) is self or op[0].lost:
                        running.remove(op)
                        break
            else:
                self.begin(r.choices(kinds, weights)[0], running, whole)
            if self.bad:
                return "P4", step, self.bad
        self.side, self.off = {s: 0 for s in self.nodes}, set()
        self.probe()
        return ("P4", step, self.bad) if self.bad else self.end()

    def begin(self, kind, running, whole):
        r, live = self.r, [s for s in self.nodes if not s.lost and s not in self.off]
        if not live:
            return self.off.clear()
        c, op = r.choice(live), None
        if kind == "change":
            running.clear()
            self.change()
        elif kind == "return":
            self.off.discard(r.choice(self.nodes))
        elif kind == "side":
            self.side[r.choice(self.nodes)] = r.randrange(2)
        elif kind == "heal":
            self.side = {s: 0 for s in self.nodes}
        elif kind == "lose":
            self.lose(c)
        elif kind == "join":
            if len(live) < self.most and self.ids < 10:
                c = self.new()
                self.side[c] = 0
                if self.call(c, r.choice(live).i, hello=True):
                    op = self.establish(c)
        elif kind == "forget":
            away = [i for i in sorted(c.roster()) if i not in self.at or self.at[i].lost or self.at[i] in self.off or
                    self.side[self.at[i]] != self.side[c]]
            if away and self.counts(c, c.i):
                op = self.forget(c, r.choice(away))
        elif kind != "establish" or c.i not in self.est:
            op = getattr(self, kind)(c)
        if op and r.random() < whole:
            for _ in op:
                pass
        elif op:
            running.append((c, op))

    def end(self):
        """All that are left hear each other. No store that is gone remains on the roster for ever, unless its batches are lost (V=1), or
        too few stores are left: then W is proven, and reads are complete."""
        self.flaky, self.side = 0, {s: 0 for s in self.nodes}
        live = [s for s in self.nodes if not s.lost]
        for _ in range(6):
            for s in live:
                for i in [i for i in sorted(s.roster()) if i not in self.at or self.at[i].lost]:
                    for _ in self.forget(s, i):
                        pass
                for op in (self.greet, self.settle, self.prove):
                    for _ in op(s):
                        pass
                if s.i not in self.est:
                    for _ in self.establish(s):
                        pass
        gone = [i for i in live[0].roster() if i not in self.at or self.at[i].lost] if live else []
        counting = [s for s in live if self.counts(s, s.i)]
        if len(counting) >= self.W and not gone and not all(self.proves(s) for s in counting):
            return "never proven", self.W, [self.v[s] for s in counting]
        if len(counting) > self.W and len(gone) == 1 and self.W > 1 and min(self.v[s][1] for s in counting) > 1:
            return "never forgotten", self.W, [self.v[s] for s in counting]
        return None


def main(n, only):
    failed = False
    for name, rule in {"design": {}, **WEAKER}.items():
        if only and name != only:
            continue
        bad = [(s, v) for s, v in ((s, Changes(s, **rule).run()) for s in range(n)) if v]
        print(f"{name}: {len(bad)} of {n} histories violate a check", bad[0] if bad else "", flush=True)
        failed |= bool(bad) == (not rule)
    return failed


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000, sys.argv[2] if len(sys.argv) > 2 else ""))
