"""The comments of a chart's source, and which of its lines each is about.

The nearest comment counts: one on the lines of the thing itself; else one on another line of its
statement; else the block above, for it and what follows it without an empty line. ` | ` in a
comment separates what it says of several transitions on the same line.
"""

from __future__ import annotations

import linecache
import re
import tokenize
from dataclasses import dataclass
from functools import cache
from io import StringIO

from statemodel.diagrams._model import Note

RULE = re.compile(r"(?<![\w-])[A-Z]{1,2}[0-9]{1,3}(?!\w)")
"""What a rule number looks like."""


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of a thing, from the first to the last."""

    first: int
    last: int

    def __contains__(self, line: int) -> bool:
        return self.first <= line <= self.last


@dataclass(frozen=True, slots=True)
class _Comments:
    beside: dict[int, str]
    """Comments after code, by line."""
    alone: dict[int, tuple[int, str]]
    """Comments that have a line of their own: column and text."""
    columns: dict[int, int]
    """Where each line that is not empty begins."""


@cache
def _comments(path: str) -> _Comments:
    lines = linecache.getlines(path)
    beside: dict[int, str] = {}
    alone: dict[int, tuple[int, str]] = {}
    try:
        for token in tokenize.generate_tokens(StringIO("".join(lines)).readline):
            if token.type != tokenize.COMMENT:
                continue
            line, column = token.start
            text = token.string.lstrip("#!").strip()
            if token.line[:column].strip():
                beside[line] = text
            else:
                alone[line] = column, text
    except (tokenize.TokenError, SyntaxError):  # what is no whole program has no comments
        return _Comments({}, {}, {})
    columns = {n: len(s) - len(s.lstrip()) for n, s in enumerate(lines, 1) if s.strip()}
    return _Comments(beside, alone, columns)


def note(
    path: str, own: Span, statement: Span, peers: list[Span], *, position: int, docstring: str = ""
) -> Note:
    """Return what the comments say of a thing.

    Args:
        path: The file.
        own: The thing's lines.
        statement: The lines of the statement that it is part of.
        peers: All things of that statement, in order, this one included.
        position: Which of them it is.
        docstring: What is said of the whole statement if no comment is.
    """
    if not path:
        return Note(text=docstring, rules=rules(docstring))
    comments = _comments(path)
    text = (
        _own(comments, own, peers, position)
        or _within(comments, own, statement)
        or _beside_statement(comments, statement, peers)
        or _above(comments, statement)
        or docstring
    )
    return Note(rules=rules(text), text=text, place=f"{path.rpartition('/')[2]}:{own.first}")


def rules(text: str) -> tuple[str, ...]:
    """Return the rule numbers in a text, each once."""
    return tuple(dict.fromkeys(RULE.findall(text)))


def _own(comments: _Comments, own: Span, peers: list[Span], position: int) -> str:
    texts = []
    for line in range(own.first, own.last + 1):
        text = comments.beside.get(line, "")
        here = [n for n, peer in enumerate(peers) if line in peer]
        parts = text.split(" | ")
        texts.append(parts[here.index(position)] if len(parts) == len(here) else text)
    return "; ".join(filter(None, texts))


def _within(comments: _Comments, own: Span, statement: Span) -> str:
    """Return the block directly above a thing inside its statement."""
    texts: list[str] = []
    line = own.first - 1
    while line > statement.first and line in comments.alone:
        texts.insert(0, comments.alone[line][1])
        line -= 1
    return " ".join(texts)


def _beside_statement(comments: _Comments, statement: Span, peers: list[Span]) -> str:
    lines = range(statement.first, statement.last + 1)
    rest = [line for line in lines if not any(line in peer for peer in peers)]
    return "; ".join(comments.beside[line] for line in rest if line in comments.beside)


def _above(comments: _Comments, statement: Span) -> str:
    column = comments.columns.get(statement.first, 0)
    texts: list[str] = []
    line = statement.first - 1
    while comments.columns.get(line, -1) >= column:
        found = comments.alone.get(line)
        if found is not None and found[0] == column:
            texts.insert(0, found[1])
        elif texts:
            break
        line -= 1
    return " ".join(texts)
