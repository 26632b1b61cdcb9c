"""What `statemodel replay` prints of a recording, for people and as data.

Everything that others may have written is escaped: a terminal is shown no control character.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from textwrap import fill
from typing import Any

from statemodel._machine import Machine
from statemodel._showing import printable
from statemodel.recordings._judging import Verdict
from statemodel.recordings._lines import Header
from statemodel.recordings._reading import Recording
from statemodel.rules import RULES

_WIDEST = 1000
"""Characters of a text that are shown."""


def escaped(text: str) -> str:
    """Return a text without what a terminal would obey, or turn around."""
    shown = text if len(text) <= _WIDEST else f"{text[:_WIDEST]}..."
    return printable(shown, keep="")


class Clock:
    """The times of one recording: since its opening, and of the day."""

    def __init__(self, header: Header) -> None:
        self._start = header.time
        self.opened: datetime | None = None
        try:
            self.opened = datetime.fromisoformat(header.wall)
        except ValueError:
            return
        if self.opened.tzinfo is None:
            self.opened = None  # nobody knows where that was

    def since(self, time: float) -> float:
        """Return the seconds since the opening."""
        return time - self._start

    def wall(self, time: float) -> str:
        """Return the time of day, or nothing if it is not known."""
        try:
            return "" if self.opened is None else f"{self._at(self.opened, time):%H:%M:%S.%f}"[:-3]
        except OverflowError:
            return ""

    def full(self, time: float) -> str | None:
        """Return date and time, or nothing if they are not known."""
        try:
            return None if self.opened is None else self._at(self.opened, time).isoformat()
        except OverflowError:
            return None

    def _at(self, opened: datetime, time: float) -> datetime:
        return opened + timedelta(seconds=self.since(time))


def text(
    recording: Recording, verdict: Verdict, *, until: float, then: Machine | None
) -> Iterator[str]:
    """Yield the lines that are printed of a recording.

    Args:
        recording: What was read.
        verdict: What is to be said of it.
        until: Show nothing after this time of the connection's clock.
        then: What a machine was in at that time, if that was asked for.
    """
    header, clock = recording.header, Clock(recording.header)
    versions = ", ".join(f"{name} {version}" for name, version in header.versions.items())
    yield escaped(f"{header.server}, opened at {header.wall} by {versions}")
    for line in _timeline(verdict, clock, until):
        yield escaped(line)
    if then is not None:
        yield ""
        for line in _moment(then, clock, until):
            yield escaped(line)
    yield ""
    for trouble in recording.troubles:
        yield f"Incomplete: {trouble}."
    for line in _verdict(verdict, clock):
        yield escaped(line)


def _timeline(verdict: Verdict, clock: Clock, until: float) -> Iterator[str]:
    last: float | None = None
    for row in verdict.rows:
        if row.time > until:
            return
        when = "" if row.time == last else f"{clock.wall(row.time):12} {clock.since(row.time):9.3f}"
        last = row.time
        yield f"{when:22}  {row.text}"


def _moment(machine: Machine, clock: Clock, until: float) -> Iterator[str]:
    yield f"at {clock.since(until):.3f}: {' '.join(sorted(machine.configuration))}"
    user = "nobody" if machine.user is None else machine.user.uid
    yield f"  status {machine.status}; logged in: {user}; failures in a row: {machine.failures}"
    for name, deadline in sorted(machine.timers.items(), key=lambda timer: timer[1]):
        yield f"  timer {name}: due in {deadline - until:.3f} s, at {clock.since(deadline):.3f}"
    if machine.waiting:
        yield f"  waiting: {', '.join(f'call {command}' for command in sorted(machine.waiting))}"


def _verdict(verdict: Verdict, clock: Clock) -> Iterator[str]:
    for finding in verdict.findings:
        yield f"{clock.since(finding.time):.3f}: rule {finding.rule} is broken: {finding.message}"
        yield f"    {RULES[finding.rule].statement}"
    if verdict.until is not None:
        time, why = verdict.until
        yield f"The rules are judged up to {clock.since(time):.3f}: {why}."
    broken = sorted({finding.rule for finding in verdict.findings})
    kept = len(verdict.judged) - len(broken)
    near = "" if verdict.slack < 1e-5 else f", times within {verdict.slack * 1000:.3g} ms as one"
    yield f"Of {len(verdict.judged)} rules judged, {kept} are kept{near}."
    by_reason: dict[str, list[str]] = {}
    for number, why in verdict.not_judged.items():
        by_reason.setdefault(why, []).append(number)
    for why, numbers in by_reason.items():
        yield from fill(
            f"Not judged ({why}): {', '.join(numbers)}.", 100, subsequent_indent="  "
        ).split("\n")
    difference = verdict.difference
    if difference is None:
        yield f"The machine says the same today, in all {verdict.replayed} steps."
        return
    yield (
        f"The machine says something else today, first in line {difference.line} "
        f"at {clock.since(difference.time):.3f}, after {verdict.replayed} steps:"
    )
    yield f"  recorded: {difference.recorded}"
    yield f"  today:    {difference.today}"


def data(recording: Recording, verdict: Verdict, *, until: float) -> dict[str, Any]:
    """Return the same as data for JSON, its texts as they are."""
    clock = Clock(recording.header)
    difference = verdict.difference
    return {
        "server": recording.header.server,
        "opened": recording.header.wall,
        "versions": recording.header.versions,
        "mode": recording.header.mode.value,
        "line": recording.first,
        "incomplete": recording.troubles,
        "timeline": [
            {"time": clock.since(row.time), "wall": clock.full(row.time), "what": row.text}
            for row in verdict.rows
            if row.time <= until
        ],
        "judged": list(verdict.judged),
        "not_judged": verdict.not_judged,
        "judged_until": None
        if verdict.until is None
        else {"time": clock.since(verdict.until[0]), "why": verdict.until[1]},
        "slack": verdict.slack,
        "findings": [
            {"rule": f.rule, "time": clock.since(f.time), "message": f.message}
            for f in verdict.findings
        ],
        "same_steps": verdict.replayed,
        "difference": None
        if difference is None
        else {
            "line": difference.line,
            "time": clock.since(difference.time),
            "recorded": difference.recorded,
            "today": difference.today,
        },
    }
