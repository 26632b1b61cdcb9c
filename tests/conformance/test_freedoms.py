"""The kit asks for no more than the rules do: who chooses otherwise where they leave a choice conforms.

The subject here is the pure machine, whose reports are changed in what no rule says.
"""

from __future__ import annotations

import math
import random
from contextlib import closing
from dataclasses import replace
from itertools import groupby

import pytest

from statemodel import traces as t
from statemodel.conformance import (
    Act,
    MachineSubject,
    Playing,
    conform,
    conformance_suite,
    replay,
)
from statemodel.scripts import Script
from tests.conformance.subjects import LONG
from tests.conformance.trio_subject import TrioSubject

EXAMPLES = 200 if LONG else 20


class FreeSubject(MachineSubject):
    """A machine that tells what it does in another way.

    Args:
        seed: Of what it chooses.
        freedoms: Functions that change what was seen in a turn, one after the other.
        own_draws: Whether it draws other random numbers than it is given (B1).
    """

    name = "a free spirit"

    def __init__(self, seed, *freedoms, own_draws=False):
        super().__init__()
        self.changed = 0
        """How many turns it has told otherwise."""
        self._seed = seed
        self._turns = 0
        self._freedoms = freedoms
        self._own_draws = own_draws

    def open(self, opening, draws):
        self._turns = 0
        self._inside = set()
        return super().open(opening, draws)

    def perform(self, acts):
        self._turns += 1
        # A case is the same whenever it is played, and not like every other.
        chance = random.Random(f"{self._seed} {self._turns} {acts}")
        if self._own_draws:
            acts = [Act(replace(act.step, draw=chance.random()), act.command) for act in acts]
        told = [list(entries) for entries in super().perform(acts)]
        seen = told
        self._inside |= {act.command for act in acts if act.step.inside}
        for freedom in self._freedoms:
            changed = freedom(seen, chance)
            seen = changed if self._keeps_causes(told, changed) else seen
        self.changed += seen != told or self._own_draws
        return seen

    def _keeps_causes(self, told, seen):
        """Say whether nothing that a call in a callback may lead to comes before the status is told there."""
        after = statuses_before(seen)
        return not self._inside or all(
            after[what] >= statuses for what, statuses in statuses_before(told).items()
        )


def statuses_before(seen):
    """Return how many changes of status were told before the end of each call, and before the first
    of each other thing that a call leads to."""
    statuses, found = 0, {}
    for entry in (entry for entries in seen for entry in entries):
        statuses += isinstance(entry, t.StatusSeen)
        if isinstance(entry, t.Returned):
            found[entry.command] = statuses
        elif isinstance(entry, (t.CloseBegun, t.SocketGone)):
            found.setdefault((type(entry), entry.socket), statuses)
        elif isinstance(entry, t.Stored):
            found.setdefault(entry.what, statuses)
    return found


def swapped(seen, chance, may_swap):
    """Change the order of some neighbours within one instant."""
    changed = [list(entries) for entries in seen]
    for entries in changed:
        for at in range(len(entries) - 1):
            one, other = entries[at : at + 2]
            if one.time == other.time and may_swap(one, other) and chance.random() < 0.5:
                entries[at : at + 2] = other, one
    return changed


def between(kind, *others):
    """Say of two entries whether one is of a kind, and the other of some others."""

    def is_between(one, other):
        if isinstance(other, kind):
            one, other = other, one
        return isinstance(one, kind) and isinstance(other, others)

    return is_between


def status_before_or_after_ends(seen, chance):
    """T2, C4: whether the caller or a listener hears first, nobody says."""
    return swapped(seen, chance, between(t.StatusSeen, t.Returned))


def ends_any_time(seen, chance):
    """C4: nor whether a caller hears before or after what else is done at the same instant."""
    others = (t.StatusSeen, t.Dialled, t.CloseBegun, t.SocketGone, t.PingSent, t.Stored)
    return swapped(seen, chance, between(t.Returned, *others))


def store_any_time(seen, chance):
    """S5: nor when in an instant the store is called."""
    return swapped(
        seen, chance, between(t.Stored, t.StatusSeen, t.Returned, t.CloseBegun, t.SocketGone)
    )


def calls_end_in_any_order(seen, chance):
    """C4: of several calls that end at one instant, any may be the first."""
    changed = []
    for entries in seen:
        ends = [entry for entry in entries if isinstance(entry, t.Returned)]
        orders = {}
        for time, group in groupby(ends, key=lambda entry: entry.time):
            orders[time] = list(group)
            chance.shuffle(orders[time])
        changed.append([orders[e.time].pop() if isinstance(e, t.Returned) else e for e in entries])
    return changed


def ends_after_the_turn(seen, chance):
    """C4: a call's end is told only when the turn is over, as a promise's is."""
    *before, last = seen
    now = max((entry.time for entries in seen for entry in entries), default=0.0)
    late = [e for entries in before for e in entries if isinstance(e, t.Returned) and e.time == now]
    early = [[entry for entry in entries if entry not in late] for entries in before]
    return [*early, [*last, *late]]


def gone_is_gone(seen, chance):
    """K1: that a descriptor is closed may be told again; it stays so."""
    changed = []
    for entries in seen:
        changed.append([])
        for entry in entries:
            again = isinstance(entry, t.SocketGone) and chance.random() < 0.5
            changed[-1] += [entry] * (2 if again else 1)
    return changed


def status_before_the_socket(seen, chance):
    """T2: a status may be told before or after what is done to the socket at the same instant."""
    return swapped(seen, chance, between(t.StatusSeen, t.CloseBegun, t.SocketGone, t.Dialled))


FREEDOMS = (
    status_before_or_after_ends,
    ends_any_time,
    store_any_time,
    calls_end_in_any_order,
    ends_after_the_turn,
    gone_is_gone,
)


SUBJECTS = {
    "own_draws": lambda seed: FreeSubject(seed, own_draws=True),
    **{
        freedom.__name__: lambda seed, freedom=freedom: FreeSubject(seed, freedom)
        for freedom in FREEDOMS
    },
    "all_of_them": lambda seed: FreeSubject(seed, *FREEDOMS, own_draws=True),
}


@pytest.mark.parametrize("free", SUBJECTS)
@pytest.mark.parametrize("seed", range(10 if LONG else 1))
def test_what_the_rules_leave_open_is_no_fault(free, seed):
    """Each freedom by itself, and all of them together: nothing is broken."""
    subject = SUBJECTS[free](seed)

    report = conform(subject, seed=seed, examples=EXAMPLES)

    assert report.failures == ()
    assert report.ok
    assert subject.changed > 20, "it made use of its freedom"


class Impatient(MachineSubject):
    """A machine whose adapter waits less long for a clearing, or for ever."""

    def __init__(self, patience):
        super().__init__()
        self._patience = patience

    def open(self, opening, draws):
        seen = super().open(opening, draws)
        self._world._patience = self._patience
        return seen


CLEARING = "open manual\nrestored\nlogout\nwait 3\nstore cleared\nlogin\nwait 40\nstore cleared\n"


@pytest.mark.parametrize(("patience", "ends"), [(2, {t.Stored}), (30, set()), (math.inf, set())])
def test_how_long_a_clearing_is_waited_for_is_open(patience, ends):
    """S5: a store that does not answer in time could not be cleared, and in time is for the adapter to say."""
    script = Script.parse(CLEARING)
    playing = Playing(Impatient(patience), script)
    playing.play_script(script)
    given_up = {type(e) for e in playing.trace if getattr(e, "phase", "") == "given_up"}

    assert replay(Impatient(patience), script).failures == ()
    assert given_up == ends


@pytest.mark.parametrize(
    "line",
    [
        "open manual / logout / reach 30 / connect",
        "open auto / logout / wait 29.875 / reach 0.125 / ping",
        "open manual / logout / reach 30 / network up",
        "open manual offline / logout / reach 30 / network up",
        "open manual / login / authenticator authenticated / wait 30 / reach 30 / foreground",
    ],
)
@pytest.mark.parametrize("subject", [MachineSubject, TrioSubject])
def test_a_clearing_may_be_given_up_at_the_instant_of_anything_else(subject, line):
    """S6, O3, N3: it is its own time that ends it, and not what comes at the same time."""
    script = Script.parse(line.replace(" / ", "\n") + "\n")
    with closing(subject()) as played:
        report = replay(played, script)
        playing = Playing(played, script)
        playing.play_script(script)

    given_up = [e.time for e in playing.trace if getattr(e, "phase", "") == "given_up"]
    assert given_up == [playing.now]
    assert report.failures == ()


class Liar(MachineSubject):
    """A machine that says of its clearing what is not so."""

    def __init__(self, phase):
        super().__init__()
        self._phase = phase

    def perform(self, acts):
        seen = [list(entries) for entries in super().perform(acts)]
        for entries in seen:
            entries += [
                t.Stored(time=entry.time, what="clear", phase=self._phase)
                for entry in entries
                if isinstance(entry, t.Returned) and entry.command == 1
            ]
        return seen


def test_what_was_not_begun_cannot_be_given_up():
    """A report that cannot be true is a lie: the kit had ended that call."""
    [failure] = replay(Liar("given_up"), Script.parse(CLEARING)).failures

    assert failure.verdict == "lied"
    assert "gave a clearing up" in failure.message


def test_a_status_may_be_told_before_the_socket_is_closed():
    """T2, M3, M5: at the instant in which a window ends, in whichever order it is told."""
    subject = FreeSubject(0, status_before_the_socket)

    assert conformance_suite(subject).failures == ()


class Terse(MachineSubject):
    """A machine that tells its status and cannot tell why."""

    name = "a terse machine"
    capabilities = MachineSubject.capabilities - {"reasons"}

    def perform(self, acts):
        return [
            [
                replace(entry, change=replace(entry.change, reason=None, retry_in=None))
                if isinstance(entry, t.StatusSeen)
                else entry
                for entry in entries
            ]
            for entries in super().perform(acts)
        ]


def test_whoever_cannot_tell_reasons_reports_none():
    """T1, T3, T6: the status is judged all the same; M5 and T2, which need the reasons, are not."""
    report = conformance_suite(Terse())

    assert report.failures == ()
    assert {"T1", "T3", "T6"} <= set(report.judged)
    assert report.not_exercised["T2"] == report.not_exercised["M5"] == "needs reasons"
