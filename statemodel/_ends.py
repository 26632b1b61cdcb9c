"""How the other side ends a dial or a socket: the words of scripts for it.

Owns the words, not what they mean to a connection: that is the policy's (B5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

DialEnd: TypeAlias = tuple[int | None, int | None, float | None]
"""How a dial fails: HTTP status, close code during the hello, Retry-After in seconds."""

CODE = "100[0-37-9]|101[0-4]|[34][0-9]{3}"
"""A close code that can stand in a close frame, as a pattern. RFC 6455 7.4, and its registry."""

STATUS = "[2-5][0-9]{2}"
"""An HTTP status that refuses an upgrade, as a pattern."""

AFTER = "0|[1-9][0-9]{0,3}"
"""The seconds of a Retry-After, as a pattern."""

_CLOSE = re.compile(f"close_({CODE})")
_REFUSE = re.compile(f"refuse_(?:({CODE})|({STATUS})(?:_after_({AFTER}))?)")


@lru_cache(maxsize=1024)  # a script's few words are asked about at every step
def dial_end(word: str) -> DialEnd | None:
    """Return how a dial ends by `fail`, `refuse_N` or `refuse_N_after_S`; `None`: by no such word.

    >>> dial_end("refuse_503_after_8"), dial_end("refuse_4401"), dial_end("accept")
    ((503, None, 8.0), (None, 4401, None), None)
    """
    if word == "fail":
        return None, None, None
    match = _REFUSE.fullmatch(word)
    if match is None:
        return None
    code, status, after = (None if found is None else int(found) for found in match.groups())
    return status, code, None if after is None else float(after)


@lru_cache(maxsize=1024)
def close_code(word: str) -> int | None:
    """Return the code with which `close_N` or `drop` ends a socket; `None`: no such word does.

    >>> close_code("close_1001"), close_code("drop"), close_code("close_1006")
    (1001, 1006, None)
    """
    if word == "drop":
        return 1006
    match = _CLOSE.fullmatch(word)
    return match and int(match[1])


@lru_cache(maxsize=1024)
def stand_in(word: str) -> str:
    """Return the word that stands for all that end a dial, or a socket; any other stands for itself.

    >>> stand_in("refuse_401"), stand_in("close_4401"), stand_in("pong")
    ('fail', 'drop', 'pong')
    """
    if dial_end(word) is not None:
        return "fail"
    return "drop" if close_code(word) is not None else word


def _dial_ends(*words: str) -> Mapping[str, DialEnd]:
    ends = ((word, dial_end(word)) for word in words)
    return MappingProxyType({word: end for word, end in ends if end is not None})


def _close_codes(*words: str) -> Mapping[str, int]:
    codes = ((word, close_code(word)) for word in words)
    return MappingProxyType({word: code for word, code in codes if code is not None})


DIAL_ENDS = _dial_ends(
    "fail", "refuse_1008", "refuse_401", "refuse_404", "refuse_503_after_8", "refuse_429_after_900"
)
"""Some ways in which a dial can fail, one of each kind and more: those that are tried everywhere."""

CLOSE_CODES = _close_codes("close_1000", "close_1001", "close_1008", "close_4401", "drop")
"""Some ways in which the peer can end a socket that is open, or being closed by us: likewise.
`closed` ends it as we asked."""
