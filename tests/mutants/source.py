"""The chart's source, taken apart: its regions, states, transitions and lines, and how to edit it.

Everything is read from the syntax tree; nothing is imported, so that a changed source is as good as
the real one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

CHART = Path(__file__).parents[2] / "statemodel" / "_chart.py"

Edit = tuple[ast.AST, str]
"""A node and the text that takes its place."""


@dataclass(frozen=True, eq=False)
class DeclaredState:
    """A state of a region."""

    region: str
    name: str
    """As the region's own statements call it: `down`, `socket.connecting`."""
    atomic: bool
    call: ast.Call | None
    """Its `State(...)`; a compound state has none."""

    @property
    def id(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, eq=False)
class DeclaredTransition:
    """One `source.to(target, ...)`."""

    region: str
    statement: ast.stmt
    chain: tuple[ast.Call, ...]
    """All transitions of the statement, joined by `|`, in order."""
    index: int
    """Which of them this is."""
    assigned: str
    """The event that the statement assigns, or nothing."""

    @property
    def call(self) -> ast.Call:
        return self.chain[self.index]

    @property
    def source(self) -> str:
        assert isinstance(self.call.func, ast.Attribute)
        return ast.unparse(self.call.func.value)

    @property
    def target(self) -> str:
        return ast.unparse(self.call.args[0])

    def option(self, name: str) -> ast.expr | None:
        return next((k.value for k in self.call.keywords if k.arg == name), None)

    @property
    def guard(self) -> str:
        return "".join(texts(self.option("cond")))

    @property
    def events(self) -> list[str]:
        return [self.assigned] if self.assigned else " ".join(texts(self.option("event"))).split()

    @property
    def actions(self) -> list[str]:
        return texts(self.option("on"))

    @property
    def label(self) -> str:
        """Say which transition it is, in words that unrelated edits leave alone."""
        guard = f" if {self.guard}" if self.guard else ""
        return (
            f"{self.region}: {self.source} -> {self.target} "
            f"[{' '.join(self.events) or 'without event'}]{guard}"
        )

    def written(
        self,
        *,
        source: str | None = None,
        target: str | None = None,
        guard: str | None = None,
        events: Sequence[str] | None = None,
        actions: Sequence[str] | None = None,
    ) -> str:
        """Return the call's text with some of its parts changed; an assigned event stays outside."""
        guard = self.guard if guard is None else guard
        actions = self.actions if actions is None else actions
        if events is None:
            events = [] if self.assigned else self.events
        parts = [self.target if target is None else target]
        parts += [f"cond={guard!r}"] if guard else []
        parts += [f"on={list(actions)!r}"] if actions else []
        parts += [f"event={' '.join(events)!r}"] if events else []
        return f"{self.source if source is None else source}.to({', '.join(parts)})"


@dataclass(frozen=True)
class ChartSource:
    """A chart's text and what stands where in it."""

    text: str
    states: list[DeclaredState] = field(default_factory=list)
    transitions: list[DeclaredTransition] = field(default_factory=list)
    lists: dict[str, ast.Tuple] = field(default_factory=dict)
    """The tuples that the chart declares beside its regions: `refusals`, `heard`, ..."""
    flags: list[ast.Assign] = field(default_factory=list)
    """Its options that are true or false."""
    constants: dict[str, str] = field(default_factory=dict)
    """The module's own string constants."""

    def lines(self, name: str) -> list[ast.expr]:
        return self.lists[name].elts

    def of_region(self, region: str) -> list[DeclaredState]:
        return [state for state in self.states if state.region == region]

    def neighbours(self) -> dict[str, str]:
        """Return, for each atomic state of a region with more than two, the next one there."""
        found: dict[str, str] = {}
        for region in dict.fromkeys(state.region for state in self.states):
            ids = [state.id for state in self.of_region(region) if state.atomic]
            if len(ids) > 2:
                found |= dict(zip(ids, ids[1:] + ids[:1], strict=True))
        return found

    @cached_property
    def _bytes(self) -> bytes:
        return self.text.encode()

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line starts, in bytes: a syntax tree counts in those."""
        return [0, *accumulate(map(len, self._bytes.splitlines(keepends=True)))]

    def _span(self, node: Any) -> tuple[int, int]:
        begin = self._starts[node.lineno - 1] + node.col_offset
        return begin, self._starts[node.end_lineno - 1] + node.end_col_offset

    def segment(self, node: ast.AST) -> str:
        """Return a node's text."""
        begin, end = self._span(node)
        return self._bytes[begin:end].decode()

    def edited(self, *edits: Edit) -> str:
        """Return the text with some nodes replaced; the nodes do not overlap."""
        data = self._bytes
        for (begin, end), text in sorted(((self._span(n), t) for n, t in edits), reverse=True):
            data = data[:begin] + text.encode() + data[end:]
        return data.decode()

    def string(self, node: ast.expr) -> str:
        """Return what a string is; an f-string may name the module's constants."""
        if isinstance(node, ast.JoinedStr):
            return "".join(map(self.string, node.values))
        if isinstance(node, ast.FormattedValue):
            assert isinstance(node.value, ast.Name)
            return self.constants[node.value.id]
        assert isinstance(node, ast.Constant)
        return str(node.value)


def texts(node: ast.expr | None) -> list[str]:
    """Return the strings of a string or of a list of strings."""
    match node:
        case None:
            return []
        case ast.Constant(value=str(text)):
            return [text]
        case ast.List(elts=items):
            return [text for item in items for text in texts(item)]
        case _:
            raise ValueError(f"{ast.unparse(node)} is no string or list of strings")


def read_chart(text: str | None = None) -> ChartSource:
    """Take a chart's source apart; by default the library's own."""
    text = CHART.read_text("utf-8") if text is None else text
    source = ChartSource(text)
    module = ast.parse(text)
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(word))):
                source.constants[name] = word
            case _:
                pass
    (chart,) = (node for node in module.body if isinstance(node, ast.ClassDef))
    for node in chart.body:
        match node:
            case ast.ClassDef():
                for region in node.body:
                    assert isinstance(region, ast.ClassDef)
                    _read_region(source, region.name, region.body, "")
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Tuple() as value):
                source.lists[name] = value
            case ast.Assign(value=ast.Constant(value=bool())):
                source.flags.append(node)
            case _:
                pass
    return source


def _read_region(source: ChartSource, region: str, body: list[ast.stmt], prefix: str) -> None:
    for node in body:
        match node:
            case ast.ClassDef(name=name):
                source.states.append(DeclaredState(region, prefix + name, False, None))
                _read_region(source, region, node.body, f"{prefix}{name}.")
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="State")) as call
            ):
                source.states.append(DeclaredState(region, prefix + name, True, call))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                _read_chain(source, region, node, value, name)
            case ast.Expr(value=ast.BinOp() | ast.Call() as value):
                _read_chain(source, region, node, value, "")
            case _:
                pass


def _read_chain(
    source: ChartSource, region: str, statement: ast.stmt, value: ast.expr, assigned: str
) -> None:
    chain = tuple(_links(value))
    for index in range(len(chain)):
        source.transitions.append(DeclaredTransition(region, statement, chain, index, assigned))


def _links(node: ast.expr) -> Iterator[ast.Call]:
    if isinstance(node, ast.BinOp):
        yield from _links(node.left)
        yield from _links(node.right)
    else:
        assert isinstance(node, ast.Call)
        yield node
