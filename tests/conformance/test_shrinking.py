"""A failure is made smaller until what is left is there for a reason."""

from __future__ import annotations

import pytest

from statemodel import Timings
from statemodel.conformance import _cases as cases
from statemodel.conformance import replay
from statemodel.conformance._shrinking import smallest
from statemodel.scripts import Script
from tests.conformance.subjects import Hasty


def shrunk(script, shows):
    """Return what is left of a script of which only some show what is wrong, and how many were tried."""
    tried = [script]
    best = [script]

    def still(candidate):
        tried.append(candidate)
        if not shows(candidate):
            return None
        best.append(candidate)
        return candidate

    smallest(script, still)
    return best[-1], len(tried)


def lines(script):
    """Return a script as its lines."""
    return script.text().splitlines()


def waited(script):
    """Return how long a script waits in all."""
    return sum(step.number for step in script.steps if step.do in ("wait", "reach"))


@pytest.mark.parametrize(
    ("number", "shows", "left"),
    [
        (31.0, lambda n: n > 10, "wait 11"),
        (29.875, lambda n: 28.5 < n < 30, "wait 29"),
        (29.875, lambda n: 29.2 < n < 30, "wait 29.5"),
        (0.375, lambda n: 0.3 < n < 0.6, "wait 0.5"),
        (40.0, lambda n: n >= 30, "wait 30"),
        (0.0009765625, lambda n: n > 0, "wait 1"),
        (30.0, lambda n: n == 30, "wait 30"),
    ],
)
def test_a_wait_becomes_the_least_whole_number_that_shows_it(number, shows, left):
    """A fraction is left only where no whole number shows what is wrong."""
    script = Script.parse(f"open manual\nconnect\nwait {number!r}\n")
    found, _ = shrunk(script, lambda s: "connect" in lines(s) and shows(waited(s)))

    assert lines(found) == ["open manual", "connect", left]


def test_settings_that_do_not_matter_are_left_out():
    """The opening says only what has to be so."""
    script = Script.parse(
        "open manual background offline\ntiming stable_after 2\ntiming dial_timeout 20\nconnect\n"
    )
    found, _ = shrunk(script, lambda s: "connect" in lines(s) and s.timings.dial_timeout == 20)

    assert lines(found) == ["open manual", "timing dial_timeout 20", "connect"]


def test_a_setting_goes_with_the_waits_for_it():
    """Where a wait is as long as a setting, both become what is the default."""
    script = Script.parse(
        "open manual\ntiming background_grace 4\ntiming keep_alive_interval 2\nbackground\nwait 5\n"
    )
    found, _ = shrunk(script, lambda s: waited(s) > s.timings.background_grace)

    assert lines(found) == ["open manual", "wait 31"]


def test_settings_that_go_only_one_after_the_other_both_go():
    """A setting that is bound by another goes once the other has gone, whichever comes first."""
    script = Script.parse(
        "open manual\ntiming pong_timeout 4\ntiming heartbeat_interval 4\n"
        "timing backoff_base 0.25\ntiming backoff_cap 0.5\nconnect\nwait 4\n"
    )
    found, _ = shrunk(
        script,
        lambda s: waited(s) >= s.timings.heartbeat_interval and s.timings != Timings(),
    )
    plain, _ = shrunk(script, lambda s: waited(s) >= s.timings.heartbeat_interval)

    assert lines(found) == ["open manual", "timing backoff_base 0.25", "wait 30"]
    assert lines(plain) == ["open manual", "wait 30"]


def test_a_cancel_follows_its_call():
    """Without the calls before it, a call that is cancelled has another number."""
    script = Script.parse(
        "open auto\nlogin\nping\nlogout\nconnect\ncancel 1\ncancel 4\ndisconnect\ncancel 5\n"
    )

    def shows(candidate):
        calls = [step.do for step in candidate.steps if step.do != "cancel"]
        gone = [calls[int(step.number) - 1] for step in candidate.steps if step.do == "cancel"]
        return "disconnect" in gone

    found, _ = shrunk(script, shows)

    assert lines(found) == ["open auto", "disconnect", "cancel 1"]


def test_what_is_special_goes_one_kind_at_a_time():
    """A turn that matters does not keep a draw that does not, nor a draw a turn."""
    script = Script.parse("open auto\nconnect draw 0.3 together\nlogout draw 0.3\n")
    turn, _ = shrunk(script, lambda s: "connect" in s.text() and s.steps[0].together)
    luck, _ = shrunk(script, lambda s: any(step.draw < 0.5 for step in s.steps))

    assert lines(turn) == ["open auto", "connect together"]
    assert lines(luck) == ["open auto", "logout draw 0"]


def test_a_failure_keeps_its_rule_and_becomes_the_same_every_time():
    """M3: of a walk with a setting and odd waits, the way and a whole number are left."""
    script = Script.parse(
        "open manual\ntiming probe_timeout 12\nrestored\nconnect\nwait 0.0009765625\npeer accept\n"
        "background\nwait 12.5\nwait 17.125\nnetwork up\n"
    )
    failure = replay(Hasty(), script, only=["M3"]).failures[0]
    [first], [again] = (cases.shrunk(Hasty(), [failure], {"M3"}) for _ in range(2))

    assert first == again
    assert first.verdict == failure.verdict
    assert lines(first.script) == [
        "open manual", "restored", "connect", "peer accept", "background", "wait 29",
    ]  # fmt: skip


def test_shrinking_comes_to_an_end(monkeypatch):
    """However much there is to try, only so many cases are played; the best of them is kept."""
    long = Script.parse(
        "open manual\nrestored\n" + "ping\n" * 40 + "connect\npeer accept\nbackground\nwait 29\n"
    )
    failure = replay(Hasty(), long, only=["M3"]).failures[0]
    played = []
    monkeypatch.setattr(cases, "_TRIES", 5)
    monkeypatch.setattr(cases.Case, "play", classmethod(_noting(cases.Case.play.__func__, played)))
    [found] = cases.shrunk(Hasty(), [failure], {"M3"})

    assert len(played) == len(set(played)) == 5
    assert len(found.script.steps) < len(long.steps)


def _noting(play, played):
    def noted(cls, subject, script, rules):
        played.append(script)
        return play(cls, subject, script, rules)

    return noted
