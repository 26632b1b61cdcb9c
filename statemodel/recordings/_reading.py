"""Reading a file of recordings, whatever is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn

from statemodel.recordings._lines import (
    Header,
    Line,
    NoteLine,
    RecordingError,
    read_line,
)
from statemodel.recordings._machine import RecordedStep

LONGEST = 2**20
"""Bytes of a line: none that is written is longer."""


@dataclass(slots=True)
class Recording:
    """What one connection object has written."""

    header: Header
    first: int
    """The number of its first line in the file."""
    lines: list[tuple[int, Line]] = field(default_factory=list)
    """What follows the header, each with its number in the file."""
    troubles: list[str] = field(default_factory=list)
    """What is missing of it, in sentences."""

    @property
    def steps(self) -> Iterator[tuple[int, RecordedStep]]:
        """The steps of the machine, in order."""
        for number, line in self.lines:
            if isinstance(line, RecordedStep):
                yield number, line


def read(file: BinaryIO) -> list[Recording]:
    """Read all recordings of a file.

    A line that is cut off where a recording ends is a crash's: it is told of in `troubles`.

    Raises:
        RecordingError: it is no file of recordings; the message names the line.
    """
    recordings: list[Recording] = []
    cut: tuple[int, str] | None = None  # forgiven, if nothing but a new recording follows
    last_time = float("-inf")
    for number, raw in _raw_lines(file):
        words = _json(raw, number)
        if isinstance(words, str):
            if cut is not None or not recordings:
                _refuse(number, words)
            cut = (number, words)
            continue
        if cut is not None and "trace" not in words:
            _refuse(*cut)
        try:
            line = read_line(words)
        except RecordingError as error:
            _refuse(number, str(error))
        if isinstance(line, Header):
            _finish(recordings, cut)
            recordings.append(Recording(line, number))
            cut, last_time = None, line.time
            continue
        if not recordings:
            _refuse(number, "a trace begins with its header, which this is not")
        if isinstance(line, RecordedStep):
            if line.time < last_time:
                _refuse(number, f"the time goes back, from {last_time:.10g} to {line.time:.10g}")
            last_time = line.time
        recordings[-1].lines.append((number, line))
    _finish(recordings, cut)
    if not recordings:
        raise RecordingError("there is nothing in it")
    return recordings


def _raw_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while raw := file.readline(LONGEST + 1):
        number += 1
        if len(raw) > LONGEST:
            _refuse(number, f"it is longer than {LONGEST} bytes")
        if raw.strip():
            yield number, raw


def _json(raw: bytes, number: int) -> dict[str, object] | str:
    """Return an object; or, in a sentence, why a line is none."""
    try:
        words = json.loads(raw)
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return "it is cut off" if not raw.endswith(b"\n") else f"it is no JSON ({_why(error)})"
    if not isinstance(words, dict):
        _refuse(number, "a line is an object")
    return words


def _why(error: ValueError) -> str:
    return "no UTF-8" if isinstance(error, UnicodeDecodeError) else str(error).partition(":")[0]


def _finish(recordings: list[Recording], cut: tuple[int, str] | None) -> None:
    if not recordings:
        return
    recording = recordings[-1]
    if cut is not None:
        recording.troubles.append(f"line {cut[0]} is cut off: the process was ended in the midst")
    ends = {line.note for _, line in recording.lines if isinstance(line, NoteLine)}
    if "full" in ends:
        recording.troubles.append("it reached its max_bytes, and says nothing of what came after")
    elif "closed" not in ends:
        recording.troubles.append("it has no end: the process or its disk ended first")


def _refuse(number: int, sentence: str) -> NoReturn:
    raise RecordingError(f"line {number}: {sentence}")
