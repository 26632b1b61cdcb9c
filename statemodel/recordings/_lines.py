"""The lines of a recording: what each says, and how it is written and read.

The format is written down in `trace-1.schema.json` as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, NoReturn, TypeAlias, get_args

from statemodel._errors import InvalidInput, StateModelError
from statemodel._items import Item, read_timings, timings_words
from statemodel._policy import Policy
from statemodel._timings import Timings
from statemodel._vocabulary import Mode
from statemodel.recordings._codec import (
    Veil,
    effect_words,
    event_words,
    read_effect,
    read_event,
)
from statemodel.recordings._machine import RecordedStep

VERSION = 1
"""Of the format. A reader refuses another one; a new kind of line or field is a new version."""

_STATUSES = range(100, 600)
_CODES = range(1000, 5000)
_SPANS = {
    "auth_statuses": _STATUSES,
    "auth_codes": _CODES,
    "terminal_codes": _CODES,
    "retry_after_statuses": _STATUSES,
}


class RecordingError(StateModelError):
    """A recording, or a line of one, that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line: the connection object was opened."""

    time: float
    """Seconds on the connection's clock, as all times that follow."""
    wall: str
    """The time of day at `time`, in UTC (RFC 3339)."""
    mode: Mode
    foreground: bool
    online: bool
    timings: Timings
    policy: Policy | None
    """`None` for the default."""
    server: str
    """Scheme, host and port; never path, query or user name."""
    uids: Literal["given", "hashed"]
    """How users are written."""
    messages: Literal["none", "sizes", "contents"]
    """What is written of messages."""
    versions: dict[str, str]
    """Of what the connection ran on; `statemodel` is always there."""


Way: TypeAlias = Literal["in", "delivered", "out", "written", "not_written"]
"""Arrived, and handed to the application; or handed to the socket, and how that ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLine:
    """A message on one of its ways."""

    time: float
    message: Way
    socket: int
    number: int
    """Counts the messages of a socket in one direction, from 1."""
    kind: Literal["text", "binary"]
    size: int
    """Characters of a text, or bytes."""
    content: str | None = None
    """A text, or bytes in base64; its beginning, if it is long. Only if asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialerLine:
    """The dialer was asked to run a socket, or has done so and left no descriptor (K1)."""

    time: float
    dialer: Literal["begun", "ended"]
    socket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLine:
    """Something about the recording itself."""

    time: float
    note: Literal["closed", "full", "messages_off", "lost"]
    """The connection object has ended; `max_bytes` is reached; no more messages are written; lines
    were dropped, because the disk was too slow."""
    count: int = 0
    """How many lines were dropped."""


Line: TypeAlias = Header | RecordedStep | MessageLine | DialerLine | NoteLine

_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


def header_line(header: Header) -> bytes:
    """Return the first line of a recording."""
    words: dict[str, Any] = {"trace": VERSION}
    words |= {field.name: getattr(header, field.name) for field in fields(header)}
    words["timings"] = timings_words(header.timings)
    words["policy"] = None if header.policy is None else _policy_words(header.policy)
    return _line(words)


def step_line(step: RecordedStep, veil: Veil) -> bytes:
    """Return the line of a step."""
    words = {"time": step.time, **event_words(step.event, veil), "draw": step.draw}
    if step.due is not None:
        words["due"] = step.due
    if step.fired:
        words["fired"] = step.fired
    words["effects"] = [effect_words(effect, veil) for effect in step.effects]
    return _line(words)


def message_line(
    *,
    time: float,
    message: Way,
    socket: int,
    number: int,
    kind: Literal["text", "binary"],
    size: int,
    content: str | None = None,
) -> bytes:
    """Return the line of a message; see `MessageLine`, which is not made here: messages are many."""
    shown = "" if content is None else f',"content":{_encode(content)}'
    return (
        f'{{"time":{time!r},"message":"{message}","socket":{socket},'
        f'"number":{number},"kind":"{kind}","size":{size}{shown}}}\n'
    ).encode()


def other_line(line: DialerLine | NoteLine) -> bytes:
    """Return the line of anything else."""
    words = {field.name: getattr(line, field.name) for field in fields(line)}
    if not words.get("count", 1):
        del words["count"]
    return _line(words)


def _line(words: dict[str, Any]) -> bytes:
    return f"{_encode(words)}\n".encode()


def read_line(words: object) -> Line:
    """Read a line that was JSON.

    Raises:
        RecordingError: it is no line of a recording of this version.
    """
    if not isinstance(words, dict):
        _fail("a line is an object")
    for name, read in _READERS.items():
        if name in words:
            item = Item(words, called=f"the {_CALLED[name]} line", known="", fail=_fail)
            line = read(item)
            item.refuse_others()
            return line
    raise RecordingError(f"a line has one of {', '.join(_READERS)}")


def _fail(sentence: str) -> NoReturn:
    raise RecordingError(sentence)


def _read_header(item: Item) -> Header:
    version = item.get("trace")
    if version != VERSION or isinstance(version, bool):
        _fail(f"this is a trace of version {version!r}; only {VERSION} can be read here")
    timings, policy = item.part("timings"), item.get("policy")
    versions = item.get("versions")
    if not isinstance(versions, dict) or not all(isinstance(v, str) for v in versions.values()):
        item.wrong("versions", "are texts by name")
    try:
        settings = read_timings(timings)
    except InvalidInput as error:
        _fail(f"the timings contradict each other: {error}")
    timings.refuse_others()
    return Header(
        time=item.moment("time"),
        wall=item.text("wall"),
        mode=item.word("mode", Mode),
        foreground=item.truth("foreground"),
        online=item.truth("online"),
        timings=settings,
        policy=None if policy is None else _read_policy(item.part("policy")),
        server=item.text("server"),
        uids=item.word("uids", ("given", "hashed")),
        messages=item.word("messages", ("none", "sizes", "contents")),
        versions=versions,
    )


def _read_step(item: Item) -> RecordedStep:
    asked = item.get("effects")
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        item.wrong("effects", "is a list of objects")
    fired = item.number("fired", 0) if "fired" in item else 0
    draw = item.moment("draw")
    if not 0 <= draw < 1:
        item.wrong("draw", "is from 0 on and below 1")
    return RecordedStep(
        time=item.moment("time"),
        event=read_event(item),
        draw=draw,
        due=item.moment("due") if "due" in item else None,
        fired=fired,
        effects=tuple(
            read_effect(Item(one, called="an effect", known="", fail=_fail)) for one in asked
        ),
    )


def _read_message(item: Item) -> MessageLine:
    return MessageLine(
        time=item.moment("time"),
        message=item.word("message", get_args(Way)),
        socket=item.socket,
        number=item.number("number"),
        kind=item.word("kind", ("text", "binary")),
        size=item.number("size", 0),
        content=item.text("content") if "content" in item else None,
    )


def _read_dialer(item: Item) -> DialerLine:
    begun = item.word("dialer", ("begun", "ended"))
    return DialerLine(time=item.moment("time"), dialer=begun, socket=item.socket)


def _read_note(item: Item) -> NoteLine:
    return NoteLine(
        time=item.moment("time"),
        note=item.word("note", ("closed", "full", "messages_off", "lost")),
        count=item.number("count") if "count" in item else 0,
    )


_READERS: Mapping[str, Callable[[Item], Line]] = {
    "trace": _read_header,
    "event": _read_step,
    "message": _read_message,
    "dialer": _read_dialer,
    "note": _read_note,
}
"""The name by which each kind of line is known."""

_CALLED = {"trace": "first"} | {name: name for name in _READERS if name != "trace"}


# -- a policy, which may be made of anything that has `in` ---------------------------------------


def _policy_words(policy: Policy) -> dict[str, list[list[int]]]:
    terminal = {code for code in _CODES if any(code in codes for codes in policy.terminal_codes)}
    listed = {
        "auth_statuses": policy.auth_statuses,
        "auth_codes": policy.auth_codes,
        "terminal_codes": terminal,
        "retry_after_statuses": policy.retry_after_statuses,
    }
    return {
        name: _spans([n for n in _SPANS[name] if n in numbers]) for name, numbers in listed.items()
    }


def _spans(numbers: list[int]) -> list[list[int]]:
    """Return ascending numbers as pairs of first and last."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return spans


def _read_policy(item: Item) -> Policy:
    sets = {name: _read_spans(item, name) for name in _SPANS}
    item.refuse_others()
    terminal = sets.pop("terminal_codes")
    return Policy(**sets, terminal_codes=(terminal,))


def _read_spans(item: Item, name: str) -> frozenset[int]:
    spans, found = item.get(name), set[int]()
    if not isinstance(spans, list):
        item.wrong(name, "is a list of pairs")
    for span in spans:
        if not isinstance(span, list) or list(map(type, span)) != [int, int]:
            item.wrong(name, "is a list of pairs of whole numbers")
        found |= {n for n in _SPANS[name] if span[0] <= n <= span[1]}
    return frozenset(found)
