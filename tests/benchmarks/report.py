"""What was measured: as a table, as JSON, and as pictures."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from math import floor, log10
from typing import Any

from statemodel.diagrams._svg import Drawing
from tests.benchmarks.clients import CLIENTS
from tests.benchmarks.messages import SIZES
from tests.benchmarks.peers import PEERS
from tests.benchmarks.rounds import Measured, Spread

OURS = "Machine.handle"


@dataclass(frozen=True)
class Aim:
    """A line of the table of costs."""

    work: str
    unit: str
    must: float
    aim: float
    more: bool
    """Whether more is better."""
    found: Callable[[Measured], Spread]

    def verdict(self, middle: float) -> str:
        """Say how a figure compares with what is asked."""

        def reached(asked: float) -> bool:
            return middle >= asked if self.more else middle <= asked

        return (
            "aim reached"
            if reached(self.aim)
            else "must reached"
            if reached(self.must)
            else "MISSED"
        )


def _plain(name: str) -> Callable[[Measured], Spread]:
    return lambda m: m.spread(name)


def _ratio(name: str, to: str) -> Callable[[Measured], Spread]:
    return lambda m: m.ratio(name, to)


def _difference(name: str, to: str) -> Callable[[Measured], Spread]:
    return lambda m: Spread.of(
        [one - other for one, other in zip(m.figures[name], m.figures[to], strict=True)]
    )


def aims() -> Iterator[Aim]:
    """Yield the lines of the table."""
    yield Aim("table step", "ns", 150, 100, False, _plain("table step"))
    yield Aim(f"`{OURS}`, one event", "µs", 2, 1, False, _plain(f"one event: {OURS}"))
    bare = "the small machine alone on its bare table"
    for work, name in ((f"`{OURS}`", OURS), (bare, "bare table")):
        for peer in ("transitions", "Automat"):
            ratio = _ratio(f"one event: {peer}", f"one event: {name}")
            yield Aim(f"{work}, as fast as {peer}", "times", 3, 6, True, ratio)
    yield Aim("machine, new, each of 10,000", "bytes", 1500, 600, False, _plain("machine"))
    nothing, ours = "start: pass", "start: from statemodel import Machine"
    yield Aim(
        "import of `Machine`, over bare Python", "ms", 40, 25, False, _difference(ours, nothing)
    )
    for what in ("received", "sent", "echoed"):
        for words in SIZES.values():
            ratio = _ratio(f"{what}, {words}: statemodel", f"{what}, {words}: trio-websocket")
            yield Aim(
                f"messages {what}, {words}, to raw trio-websocket", "times", 0.85, 0.95, True, ratio
            )
    more = _difference("idle connection: statemodel", "idle connection: trio-websocket")
    yield Aim("memory of an idle connection, over raw trio-websocket", "KB", 10, 5, False, more)
    yield Aim(
        "10,000 idle connections in one process",
        "MB",
        1e9,
        250,
        False,
        _plain("10,000 connections"),
    )
    yield Aim(
        "timer expiries through the driver", "1/s", 8000, 15000, True, _plain("timers, driver")
    )
    yield Aim(
        "timer expiries on the pure machine",
        "1/s",
        200_000,
        500_000,
        True,
        _plain("timers, pure machine"),
    )
    yield Aim("compile of the whole chart", "s", 30, 5, False, _plain("compile"))


def table(measured: Measured) -> str:
    """Return the costs as a Markdown table, with quartiles; empty if the run had none of them."""
    lines = []
    for aim in aims():
        try:
            found = aim.found(measured)
        except KeyError:
            continue  # not part of this run
        must = "works" if aim.must == 1e9 else f"{aim.must:,g} {aim.unit}"
        lines.append(
            f"| {aim.work} | {must} | {aim.aim:,g} {aim.unit} | {_figure(found.middle)} {aim.unit} "
            f"| {_quartiles(found)} | {aim.verdict(found.middle)} |"
        )
    return _with_head(lines, "work", "must", "aim", "measured", "quartiles", "")


def _with_head(lines: list[str], *head: str) -> str:
    """Return a table, or nothing if it has no lines."""
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]) + "\n"


def _quartiles(found: Spread) -> str:
    if found.rounds == 1:
        return "measured once"
    return f"{_figure(found.low)} to {_figure(found.high)}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def peers_table(measured: Measured) -> str:
    """Return messages a second of all clients, and one event in all libraries, as Markdown."""
    peers = []
    for peer in PEERS:
        name = f"one event: {peer}"
        if name in measured.figures:
            s = measured.spread(name)
            peers.append(f"| {peer} | {_figure(s.middle)} | {_quartiles(s)} |")
    clients = []
    for what in ("received", "sent", "echoed"):
        for words in SIZES.values():
            names = [f"{what}, {words}: {client}" for client in CLIENTS]
            if all(name in measured.figures for name in names):
                cells = [_figure(measured.spread(name).middle) for name in names]
                clients.append(f"| {what}, {words} | {' | '.join(cells)} |")
    tables = (
        _with_head(peers, "one event, effects and next deadline", "µs", "quartiles"),
        _with_head(clients, "messages a second", *CLIENTS),
    )
    return "\n".join(filter(None, tables))


def surroundings() -> dict[str, str]:
    """Return on what all this was measured."""
    libraries = ("trio", "trio-websocket", "websockets", "transitions", "automat", "sismic")
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        **{name: version(name) for name in (*libraries, "python-statemachine")},
    }


def data(measured: Measured) -> dict[str, Any]:
    """Return all figures, for programs."""
    return {
        "format": 1,
        "surroundings": surroundings(),
        "cases": [
            {"name": name, "unit": measured.units[name], "figures": figures}
            for name, figures in measured.figures.items()
        ],
    }


# -- pictures --------------------------------------------------------------------------------------


def bars(measured: Measured, title: str, names: dict[str, str], unit: str) -> str:
    """Return bars with their quartiles as SVG.

    Args:
        measured: The figures.
        title: Of the picture.
        names: The cases, each with the words at its bar.
        unit: Of the figures.
    """
    spreads = {words: measured.spread(name) for name, words in names.items()}
    most = max(spread.high for spread in spreads.values())
    words = "; ".join(f"{name}: {_figure(s.middle)} {unit}" for name, s in spreads.items())
    d = Drawing(760, title=title, description=words)
    d.text(8, 26, title, size=16, bold=True)
    y = 46.0
    for name, spread in spreads.items():
        long = 380 * spread.middle / most
        own = name in ("statemodel", OURS)
        d.text(180, y + 15, name, anchor="e", bold=own)
        d.rect(
            190,
            y,
            long,
            20,
            fill="window" if own else "idle",
            stroke="window-line" if own else "idle-line",
            radius=2,
        )
        low, high = (190 + 380 * value / most for value in (spread.low, spread.high))
        d.line([(low, y + 10), (high, y + 10)], stroke="ink", weight=1.6)
        for x in (low, high):
            d.line([(x, y + 5), (x, y + 15)], stroke="ink", weight=1.6)
        d.text(max(190 + long, high) + 8, y + 15, f"{_figure(spread.middle)} {unit}", fill="soft")
        y += 28
    return d.svg()


def _round(most: float) -> float:
    """Return the least number that is no less, and whose quarters are easy to read."""
    power = 10.0 ** floor(log10(most))
    return next(part * power for part in (1, 2, 3, 4, 6, 8, 10) if part * power >= most)


def growth(points: dict[str, list[tuple[int, float]]], title: str, unit: str) -> str:
    """Return lines of cost against number of connections as SVG."""
    most_x = max(x for line in points.values() for x, _ in line)
    most_y = _round(max(y for line in points.values() for _, y in line))
    words = "; ".join(
        f"{n}: {line[-1][1]:.0f} {unit} at {line[-1][0]}" for n, line in points.items()
    )
    d = Drawing(760, title=title, description=words)
    d.text(8, 26, title, size=16, bold=True)
    left, top, wide, high = 70.0, 50.0, 500.0, 220.0
    for part in range(5):
        y = top + high - high * part / 4
        d.line([(left, y), (left + wide, y)], stroke="rule", weight=1)
        d.text(left - 8, y + 4, f"{most_y * part / 4:,.0f}", size=12, fill="soft", anchor="e")
        x = left + wide * part / 4
        d.text(x, top + high + 18, f"{most_x * part / 4:,.0f}", size=12, fill="soft", anchor="m")
    d.text(left, top + high + 38, f"connections; {unit} in all", size=12, fill="soft")
    for (name, line), (style, dashed) in zip(
        points.items(),
        (("accent", ""), ("server", "6 4"), ("session", "2 3"), ("lifecycle", "9 3 2 3")),
        strict=False,
    ):
        way = [(left + wide * x / most_x, top + high - high * y / most_y) for x, y in line]
        d.line(way, stroke=style, weight=2.2, dashed=dashed)
        d.text(way[-1][0] + 8, way[-1][1] + 4, name, fill=style, bold=name == "statemodel")
    return d.svg()
