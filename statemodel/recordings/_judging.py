"""Looking at a recording: what could be seen, whether it keeps the rules, what a machine says today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from statemodel import effects, events
from statemodel._errors import InvalidInput
from statemodel._machine import WAKE_TOLERANCE, Machine
from statemodel._vocabulary import Mode
from statemodel.recordings._codec import Veil, effect_words
from statemodel.recordings._lines import DialerLine, Header, NoteLine
from statemodel.recordings._machine import RecordedStep
from statemodel.recordings._observer import Observer, Row
from statemodel.recordings._reading import Recording
from statemodel.rules import RULES
from statemodel.trace_rules import TRACE_RULES, Finding, judge

EXACT = 1e-6
"""Seconds of slack where timers were on time."""

TOLERABLE = 0.25
"""Seconds that a timer may be late for the rules to be judged; beyond, the process stood still."""

_OTHER_MODE = {
    Mode.AUTO: frozenset({"S3", *(f"M{n}" for n in range(1, 13))}),
    Mode.MANUAL: frozenset({"S2", *(f"A{n}" for n in range(1, 6))}),
}
"""The rules of the other mode."""

_OF_MESSAGES = ("K3", "K6")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where a machine says something else today than the recorded one did."""

    line: int
    """Of the file."""
    time: float
    """Seconds on the connection's clock."""
    recorded: str
    """What the recorded one said."""
    today: str
    """What one says now, told the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said of a recording."""

    rows: Sequence[Row]
    """The timeline."""
    judged: tuple[str, ...]
    """The numbers of the rules that it was judged by."""
    not_judged: dict[str, str]
    """The others that were asked for, each with the reason."""
    findings: tuple[Finding, ...]
    """Where it breaks one."""
    until: tuple[float, str] | None
    """If not all of it could be judged: up to when, and why."""
    slack: float
    """Seconds by which times may differ that the rules take as one."""
    difference: Difference | None
    """The first, if there is one."""
    replayed: int
    """So many steps were given to a machine of today, with the same outcome."""


def judged(recording: Recording, rules: Sequence[str] = tuple(RULES)) -> Verdict:
    """Look at a recording.

    Args:
        recording: What was read.
        rules: The numbers of rules to judge it by.

    Raises:
        ValueError: its times are those of no connection.
    """
    observer = Observer(recording.header)
    for _, line in recording.lines:
        if not isinstance(line, Header):  # a header begins a recording of its own
            observer.take(line)
    rows = observer.rows
    slack, until = _slack(recording)
    end = float("inf") if until is None else until[0]
    trace = [row.entry for row in rows if row.entry is not None and row.time < end]
    not_judged = {number: why for number in rules if (why := _why_not(number, recording))}
    asked = tuple(number for number in rules if number not in not_judged)
    findings = set(judge(trace, slack=slack, rules=asked))
    if "K1" in asked:
        findings |= set(_overlapping(recording))
    difference, replayed = compare(recording)
    return Verdict(
        rows=rows,
        judged=asked,
        not_judged=not_judged,
        findings=tuple(sorted(findings, key=lambda f: (f.time, f.rule, f.message))),
        until=until,
        slack=slack,
        difference=difference,
        replayed=replayed,
    )


def _why_not(rule: str, recording: Recording) -> str:
    header = recording.header
    if rule not in TRACE_RULES:
        return "cannot be seen in a trace"
    if rule in _OTHER_MODE[header.mode]:
        return "of the other mode"
    notes = {line.note for _, line in recording.lines if isinstance(line, NoteLine)}
    if rule in _OF_MESSAGES and (header.messages == "none" or "messages_off" in notes):
        return "needs messages, which are not all written down"
    return ""


def _slack(recording: Recording) -> tuple[float, tuple[float, str] | None]:
    """Return how late timers and writes were, up to where the rules cannot be judged any more."""
    late = written_late = 0.0
    sent: dict[bytes, float] = {}
    for _, line in recording.lines:
        match line:
            case NoteLine(note="lost"):
                return _sum(late, written_late), (line.time, "lines are missing from there on")
            case RecordedStep():
                due = 0.0 if line.due is None else line.time - line.due
                if isinstance(line.event, events.PingWritten):
                    wait = line.time - sent.get(line.event.payload, line.time)
                    if wait > TOLERABLE:
                        why = f"a ping was written {wait:.3g} s after it was asked for"
                        return _sum(late, written_late), (line.time, why)
                    written_late = max(written_late, wait)
                if due > TOLERABLE:
                    slept = "slept" if due > WAKE_TOLERANCE else "stood still"
                    why = f"the process {slept} then: a timer was late by {due:.3g} s"
                    return _sum(late, written_late), (line.time, why)
                late = max(late, due)
                sent |= {
                    effect.payload: line.time
                    for effect in line.effects
                    if isinstance(effect, effects.SendPing)
                }
            case _:
                pass
    return _sum(late, written_late), None


def _sum(late: float, written_late: float) -> float:
    total = late + written_late
    return EXACT if total < EXACT / 10 else total + EXACT


def _overlapping(recording: Recording) -> Iterator[Finding]:
    """Yield where a dialer was asked while another had not ended."""
    running: set[int] = set()
    for _, line in recording.lines:
        match line:
            case DialerLine(dialer="begun"):
                if running:
                    other = f"that of socket {min(running)} had not ended"
                    message = f"the dialer of socket {line.socket} began while {other}"
                    yield Finding("K1", line.time, message)
                running.add(line.socket)
            case DialerLine():
                running.discard(line.socket)
            case _:
                pass


# -- a machine of today, told the same -----------------------------------------------------------

_OPEN = Veil()


def new_machine(header: Header) -> Machine:
    """Return a machine as the recorded one was in the beginning."""
    return Machine(
        mode=header.mode,
        timings=header.timings,
        policy=header.policy,
        foreground=header.foreground,
        online=header.online,
    )


def compare(recording: Recording) -> tuple[Difference | None, int]:
    """Tell a machine of today what the recorded one was told; return the first difference.

    Returns:
        Where they differ, if they do, and how many steps before were the same.
    """
    machine = new_machine(recording.header)
    same = 0
    for number, line in recording.lines:
        if isinstance(line, NoteLine) and line.note == "lost":
            break
        if not isinstance(line, RecordedStep):
            continue
        try:
            today = _said(machine.handle(line.event, line.time, line.draw))
        except (InvalidInput, AssertionError) as error:
            today = [f"{type(error).__name__}: {error}"]
        recorded = _said(line.effects)
        if today != recorded:
            difference = Difference(
                line=number,
                time=line.time,
                recorded="; ".join(recorded) or "nothing",
                today="; ".join(today) or "nothing",
            )
            return difference, same
        same += 1
    return None, same


def _said(asked: Sequence[effects.Effect]) -> list[str]:
    return [_phrase(effect_words(effect, _OPEN)) for effect in asked]


def _phrase(words: dict[str, object]) -> str:
    name = words.pop("effect")
    return " ".join([str(name), *(f"{key}={value!r}" for key, value in words.items())])


def machine_at(recording: Recording, time: float) -> Machine:
    """Return a machine of today, told all that the recorded one was told up to a time.

    Raises:
        InvalidInput: it refuses what the recorded one was told.
    """
    machine = new_machine(recording.header)
    for _, line in recording.steps:
        if line.time > time:
            break
        machine.handle(line.event, line.time, line.draw)
    return machine
