"""`statemodel replay`: what happened to a real connection, from the trace that it wrote."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from typing import TYPE_CHECKING, Any

from statemodel._errors import InvalidInput, StateModelError
from statemodel.recordings import (
    Clock,
    Recording,
    RecordingError,
    Verdict,
    data,
    escaped,
    judged,
    machine_at,
    read,
    text,
)
from statemodel.rules import RULES

if TYPE_CHECKING:
    from argparse import Namespace

    from statemodel._machine import Machine


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    replay = commands.add_parser(
        "replay",
        help="show and judge what happened to a real connection",
        description="Print a trace that open_connection(..., trace=PATH) has written as a timeline, "
        "hold it against the rules, and tell the machine of today the same: it must say the same. "
        "Exit code 1 if a rule is broken or the same version says something else, 2 if the file "
        "cannot be read.",
    )
    replay.add_argument("trace", help="a file, or - for standard input")
    replay.add_argument("--json", action="store_true", help="print it as JSON")
    replay.add_argument("--rules", metavar="RULES", help="judge by these only, such as M3,M4")
    replay.add_argument(
        "--at",
        metavar="TIME",
        help="show what happened up to then, and how things stood: seconds since the opening, a "
        "time of day (UTC) such as 03:00:12, or one with its date such as 2026-11-29T03:00:12Z",
    )
    replay.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    rules = _rules(options.rules)
    at = None if options.at is None else _time(options.at)
    try:
        recordings = _read(options.trace)
        verdicts = [judged(recording, rules) for recording in recordings]
    except (RecordingError, ValueError) as error:  # of a trace that no connection can have written
        name = "standard input" if options.trace == "-" else options.trace
        raise StateModelError(escaped(f"{name} cannot be replayed: {error}")) from error
    ok = not any(map(_is_bad, recordings, verdicts))
    for line in _lines(recordings, verdicts, at, ok=ok, as_json=options.json):
        print(line)
    return 0 if ok else 1


def _lines(
    recordings: list[Recording],
    verdicts: list[Verdict],
    at: _Time | None,
    *,
    ok: bool,
    as_json: bool,
) -> Iterable[str]:
    until = [float("inf") if at is None else _on(recording, at) for recording in recordings]
    if as_json:
        traces = [
            data(recording, verdict, until=end)
            for recording, verdict, end in zip(recordings, verdicts, until, strict=True)
        ]
        yield json.dumps({"ok": ok, "traces": traces}, indent=2)
        return
    for number, (recording, verdict, end) in enumerate(
        zip(recordings, verdicts, until, strict=True)
    ):
        if number:
            yield ""
        if len(recordings) > 1:
            yield f"Trace {number + 1} of {len(recordings)}, from line {recording.first} on:"
        if end < recording.header.time:
            yield "It was opened later than that."
            continue
        yield from text(recording, verdict, until=end, then=_then(recording, end))


def _then(recording: Recording, end: float) -> Machine | None:
    if not isfinite(end):
        return None
    try:
        return machine_at(recording, end)
    except (InvalidInput, AssertionError):
        return None  # the difference says more


def _is_bad(recording: Recording, verdict: Verdict) -> bool:
    return bool(verdict.findings) or (
        verdict.difference is not None and recording.header.versions.get("statemodel") == _today()
    )


def _today() -> str:
    try:
        return version("statemodel")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"


def _read(name: str) -> list[Recording]:
    if name == "-":
        return read(sys.stdin.buffer)
    with open(name, "rb") as file:
        return read(file)


def _rules(chosen: str | None) -> tuple[str, ...]:
    if chosen is None:
        return tuple(RULES)
    numbers = chosen.replace(",", " ").split()
    for number in numbers:
        if number not in RULES:
            raise StateModelError(f"there is no rule {number!r}; there are {', '.join(RULES)}")
    if not numbers:
        raise StateModelError("--rules chooses no rule")
    return tuple(dict.fromkeys(numbers))


# -- times -------------------------------------------------------------------------------------

_Time = float | time | datetime


def _time(words: str) -> _Time:
    try:
        seconds = float(words)
    except ValueError:
        pass
    else:
        if isfinite(seconds):
            return seconds
    for kind in (time, datetime):
        try:
            return kind.fromisoformat(words)
        except ValueError:
            continue
    raise StateModelError(
        f"--at {words!r} is no time: name seconds, 03:00:12, or 2026-11-29T03:00:12Z"
    )


def _on(recording: Recording, at: _Time) -> float:
    """Return a time on the recording's clock.

    Raises:
        StateModelError: the recording does not know the time of day.
    """
    header = recording.header
    if isinstance(at, float):
        return header.time + at
    opened = Clock(header).opened
    if opened is None:
        raise StateModelError("this trace does not know the time of day: name seconds")
    if isinstance(at, time):
        zone = at.tzinfo or UTC
        try:
            moment = datetime.combine(opened.astimezone(zone).date(), at, zone)
            if moment < opened:  # the first after the opening
                moment += timedelta(days=1)
        except OverflowError:
            raise StateModelError("there is no such time of day after that of this trace") from None
    else:
        moment = at if at.tzinfo else at.replace(tzinfo=UTC)
    return header.time + (moment - opened).total_seconds()
