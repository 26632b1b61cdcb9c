"""The order of a turn is looked for among all that fit, and nothing of it is lost, added or put off."""

from __future__ import annotations

import gc
from collections import Counter
from contextlib import closing

import pytest

from statemodel import traces as t
from statemodel.conformance import MachineSubject, Playing, ProcessSubject, replay
from statemodel.conformance import _placing as placing
from statemodel.conformance._judging import judged
from statemodel.conformance._placing import placed
from statemodel.scripts import Script
from statemodel.trace_rules import TRACE_RULES, Finding
from tests.conformance.subjects import CLIENT, needs_node
from tests.conformance.trio_subject import TrioSubject

TURNS = {
    "two calls and a report": "auto / restored / peer accept / background / disconnect / "
    "connect together / disconnect together / foreground",
    "three calls": "manual / restored / connect / peer accept / disconnect / disconnect together / "
    "login alice together / connect",
    "an act that does nothing yet": "auto background offline / restored / network up together / "
    "disconnect inside disconnected together / ping inside connected together / foreground / "
    "peer accept / ping / connect together / background",
    "two turns, and an act that does nothing yet": "manual / restored / connect / peer accept / "
    "logout / login / authenticator authenticated / connect together / "
    "connect inside connected together / network down / store cleared / store saved / "
    "connect together / logout",
}
SUBJECTS = {
    "transport": TrioSubject,
    "JavaScript": lambda: ProcessSubject(["node", CLIENT]),
}


def script_of(line):
    """Return the script that a line means."""
    return Script.parse("open " + line.replace(" / ", "\n") + "\n")


def played(subject, script):
    """Return a script as it was played."""
    playing = Playing(subject, script)
    playing.play_script(script)
    return playing


@pytest.mark.parametrize("subject", ["transport", pytest.param("JavaScript", marks=needs_node)])
@pytest.mark.parametrize("turn", TURNS)
def test_an_order_that_fits_is_found(subject, turn):
    """C5, S7, P1, C8: two things have to be moved before anything is better, or a turn has an act without a deed."""
    with closing(SUBJECTS[subject]()) as made:
        report = replay(made, script_of(TURNS[turn]))

    assert report.failures == ()


@pytest.mark.parametrize("turn", TURNS)
def test_every_order_has_each_entry_once(turn):
    """Whatever order is tried, it has what was told, of each turn in its place, and its times never decrease."""
    with closing(TrioSubject()) as subject:
        playing = played(subject, script_of(TURNS[turn]))
    trace = playing.trace
    turns = [*((b.start, b.cuts[-1]) for b in playing.bursts)]
    tried = []

    def wrong(order):
        tried.append(order)
        return [Finding("C5", trace[-1].time, "whatever the order is")]

    placed(trace, playing.bursts, wrong)

    assert len(tried) > 2
    for order in tried:
        assert [e.time for e in order] == sorted(e.time for e in order)
        for start, end in turns:
            assert Counter(map(id, order[start:end])) == Counter(map(id, trace[start:end]))


def test_what_is_told_of_sockets_stays_in_its_order():
    """K1: in every order that is tried a dial comes after what was told before it."""
    with closing(TrioSubject()) as subject:
        playing = played(subject, script_of(TURNS["three calls"]))
    orders = []

    def of_sockets(trace):
        return [e for e in trace if isinstance(e, (t.Dialled, t.SocketGone))]

    def wrong(order):
        orders.append(of_sockets(order))
        return [Finding("C5", 0.0, "whatever the order is")]

    placed(playing.trace, playing.bursts, wrong)

    assert len(orders) > 20
    assert all(order == of_sockets(playing.trace) for order in orders)


def test_what_was_wrong_before_a_turn_is_not_looked_for_in_its_order():
    """A finding from before a turn leaves the order of the turn as it is: nothing else is tried."""
    with closing(TrioSubject()) as subject:
        script = script_of("auto / restored / peer accept / wait 1 / disconnect together / connect")
        playing = played(subject, script)
    tried = []

    def wrong(order):
        tried.append(order)
        return [Finding("A3", 0.5, "before the turn")]

    placed(playing.trace, playing.bursts, wrong)

    assert len(tried) == 2, "as it was told, and as early as it can be"


class Storm(MachineSubject):
    """A machine that dials far too often when two things come in one turn."""

    def perform(self, acts):
        seen = [list(entries) for entries in super().perform(acts)]
        if len(acts) > 1:
            now = max((e.time for entries in seen for e in entries), default=0.0)
            seen[-1] += [
                entry
                for number in range(2, 2 + placing._LONGEST)
                for entry in (
                    t.Dialled(time=now, socket=number),
                    t.SocketGone(time=now, socket=number),
                )
            ]
        return seen


def test_a_turn_of_very_many_things_is_judged_as_it_was_told():
    """C1: nobody waits while ever so many orders of ever so many things are tried."""
    script = script_of("manual / restored / connect / peer accept / connect together / connect")
    playing = played(Storm(), script)
    tried = []

    def wrong(order):
        tried.append(order)
        return [Finding("C1", 0.0, "a connect with an open socket dialled")]

    assert placed(playing.trace, playing.bursts, wrong) == playing.trace
    assert len(tried) <= 2
    assert replay(Storm(), script).failures


def test_a_machine_conforms_whatever_comes_in_one_turn():
    """T4: turns of three things, some of them in callbacks, have an order that fits."""
    words = ("connect", "disconnect", "background", "foreground", "logout", "login")
    wrong = []
    for number in range(len(words) ** 3):
        first, second, third = (
            words[number // 36], words[number // 6 % 6], words[number % 6],
        )  # fmt: skip
        script = script_of(
            f"manual / restored / connect / {first} inside connected / peer accept / "
            f"{second} inside disconnected together / {third} together / disconnect / wait 1"
        )
        with closing(MachineSubject()) as subject:
            wrong += [failure.text() for failure in replay(subject, script).failures]

    assert wrong == []


def test_orders_that_were_judged_are_forgotten_at_once():
    """Hundreds may be tried: none of them is left for the collector of garbage."""
    script = script_of(TURNS["an act that does nothing yet"])
    playing = played(MachineSubject(), script)
    gc.collect()
    gc.disable()
    try:
        judged(playing, TRACE_RULES)

        assert gc.collect() == 0
    finally:
        gc.enable()
