"""What the proof is about: the clocks of a connection in real time, and the steps of its table.

Gives every action the meaning that `Core` gives it, on real numbers instead of floats, and keeps
beside the machine's own variables the *witnesses* by which the rules are stated: when a ping was
last accepted, when a dial began. Witnesses are moved by events and by what is seen from outside,
never by a timer, so that a chart that arms its timers wrongly cannot move them along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TypeAlias

from statemodel._actions import TIMERS
from statemodel._errors import InvalidChart, InvalidInput
from statemodel._rows import LENGTHS
from statemodel._table import Disposition, Row, Table
from statemodel._timings import Timings
from statemodel.proof._logic import (
    Formula,
    Number,
    Universe,
    choose,
    conjunction,
    greatest,
    implies,
    least,
    negation,
)

Clocks: TypeAlias = Mapping[str, Number]
"""Every variable of the model by name; Booleans among them say whether a timer is armed."""

STATES = frozenset(
    {
        *("manual", "background", "wanted", "socket", "connecting", "refreshing", "connected"),
        *("closing", "backing_off", "held_off", "waiting", "window", "renewed", "authenticating"),
        *("saving", "listening"),
    }
)
"""The states that the proof speaks of; a chart without one of them is not provable."""

LOSSES: Mapping[str, str] = {
    "dial_failed": "connecting",
    "dial_due": "connecting",
    "refresh_failed": "refreshing",
    "refresh_due": "refreshing",
    "socket_closed": "connected",
    "peer_silent": "connected",
}
"""B1: the ends that count as a failure, with what they end. Cancelled dials and N1 do not."""

EVENTS = {
    *LOSSES,
    *("connect", "credentials_denied", "disconnect", "enter_background", "enter_foreground"),
    *("logout", "network_lost", "ping", "server_refused", "shut_down"),
    *(f"{timer}_due" for timer in TIMERS),
}
"""The events that the proof speaks of."""

_WITNESSES = (
    "granted", "dial_begun", "refresh_begun", "attempt_begun", "close_begun", "opened", "failed_at",
    "told_at",
)  # fmt: skip
_MEANT = frozenset(
    {
        "dial", "refresh", "close", "abort", "count_failure", "forget_failures",
        *(f"{verb}_{timer}" for verb in ("start", "stop") for timer in TIMERS),
    }
)  # fmt: skip
"""The actions that move a clock, or that a rule about time forbids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the actions mean: by default what `Core` does; a control changes one thing."""

    lengths: Mapping[str, str] = field(default_factory=lambda: dict(LENGTHS))
    """The timers that run for a setting's time, with the setting."""
    late: Mapping[str, float] = field(default_factory=dict)
    """Seconds by which a timer runs longer than its setting says."""
    capped: bool = True
    """Whether `backoff_cap` limits the wait before a retry."""
    waits_for_server: bool = True
    """Whether the wait before a retry begins only where the server's Retry-After ends."""
    told_when_denied: bool = False
    """Whether a refusal of the credentials may bring a Retry-After; no status means both."""

    def __post_init__(self) -> None:
        settings = {field.name for field in fields(Timings)}
        for timer, setting in self.lengths.items():
            if timer not in TIMERS or setting not in settings:
                raise InvalidInput(f"no timer and setting: {timer!r}, {setting!r}")
        missing = sorted(set(LENGTHS) - set(self.lengths))
        if missing:
            raise InvalidInput(f"no setting for the timers {missing}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that are one and the same step as far as the proof can see."""

    event: str
    """The event; `time passes` and `frame` are the two steps without a row."""
    disposition: Disposition
    """`HANDLED`, or what a table says that leaves a timer's firing or a ping without effect."""
    embargo: bool | None
    """Whether the server's Retry-After still runs; `None` if the row does not ask."""
    actions: tuple[str, ...]
    """Those that move a clock, in order."""
    source: frozenset[str]
    """The states before, as far as the proof speaks of them."""
    target: frozenset[str]
    """The states after."""
    example: tuple[int, int]
    """Configurations before and after of the first of the rows."""
    rows: int
    """How many there are; 0 for a step without a row."""

    @property
    def timer(self) -> str | None:
        """The timer that fires, if the event is one's firing."""
        name = self.event.removesuffix("_due")
        return name if name != self.event and name in TIMERS else None


TIME_PASSES = "time passes"
FRAME = "frame"


def demand(table: Table) -> None:
    """Refuse a table that lacks what the proof speaks of.

    Raises:
        InvalidChart: the chart lacks what the proof speaks of; the message names it.
    """
    known = frozenset().union(*table.active)
    for kind, missing in (
        ("states", STATES - known),
        ("events", EVENTS - set(table.events)),
        ("timers", set(TIMERS) - set(table.timers)),
    ):
        if missing:
            raise InvalidChart(
                f"{table.chart} cannot be proved: it lacks the {kind} {', '.join(sorted(missing))}"
            )


def groups(table: Table) -> tuple[Group, ...]:
    """Return the rows of a table, grouped; then the passing of time and of frames, by place."""
    found: dict[tuple[object, ...], Group] = {}
    for configuration, event, embargoed, row in table.rows():
        group = group_of(table, configuration, event, embargoed=embargoed, row=row)
        if group is None:
            continue
        kind = group.event, group.disposition, group.embargo, group.actions
        first = found.setdefault((*kind, group.source, group.target), group)
        if first is not group:
            found[*kind, group.source, group.target] = replace(first, rows=first.rows + 1)
    return (*found.values(), *_without_rows(table))


def group_of(
    table: Table, configuration: int, event: str, *, embargoed: bool, row: Row
) -> Group | None:
    """Return a row of a table as a step, alone in its group; `None` if it changes nothing."""
    timer = event.endswith("_due") and event.removesuffix("_due") in table.timers
    match row.disposition:
        case Disposition.HANDLED:
            pass
        case Disposition.IGNORED if timer or event == "ping":
            pass  # a timer has fired all the same; a ping was accepted
        case Disposition.STALE if timer:
            pass
        case _:
            return None
    return Group(
        event=event,
        disposition=row.disposition,
        embargo=embargoed if event in table.embargoed[configuration] else None,
        actions=tuple(action for action in row.step.actions if action in _MEANT),
        source=table.active[configuration] & STATES,
        target=table.active[row.target] & STATES,
        example=(configuration, row.target),
        rows=1,
    )


def _without_rows(table: Table) -> Iterator[Group]:
    places: dict[frozenset[str], int] = {}
    for configuration, active in enumerate(table.active):
        places.setdefault(active & STATES, configuration)
    for place, configuration in places.items():
        for event in (TIME_PASSES, FRAME):
            yield Group(
                event=event,
                disposition=Disposition.HANDLED,
                embargo=None,
                actions=(),
                source=place,
                target=place,
                example=(configuration, configuration),
                rows=0,
            )


class World:
    """The variables, the settings, and what each step does to the clocks."""

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self._brought = 0
        self.universe = Universe()
        real, truth = self.universe.real, self.universe.truth
        self.settings: Clocks = {each.name: real(each.name) for each in fields(Timings)}
        names = ("now", "not_before", "ceiling", "owed_ceiling", "spread", *_WITNESSES)
        self.clocks: Clocks = {
            **{name: real(name) for name in names},
            **{f"{timer}_armed": truth(f"{timer}_armed") for timer in TIMERS},
            **{f"{timer}_due": real(f"{timer}_due") for timer in TIMERS},
        }
        self._tellers = {"dial_failed", "server_refused"}  # B4: the ends that bring a Retry-After
        if meaning.told_when_denied:
            self._tellers.add("credentials_denied")
        self.universe.assume(self._accepted())

    def _bring(self, name: str) -> Number:
        """Return a number from outside: a new variable each time, so that nothing ties it."""
        self._brought += 1
        return self.universe.real(f"{name} #{self._brought}")

    def _bring_answer(self, name: str) -> Formula:
        """Return a yes or no from outside."""
        self._brought += 1
        return self.universe.truth(f"{name} #{self._brought}")

    def _accepted(self) -> Formula:
        """Return what `Timings` accepts: everything finite and positive, and three orders."""
        settings = self.settings
        return conjunction(
            *(setting > 0 for setting in settings.values()),
            settings["backoff_base"] <= settings["backoff_cap"],
            settings["keep_alive_interval"] < settings["background_grace"],
            settings["pong_timeout"] <= settings["heartbeat_interval"],
        )

    def usual(self) -> Iterator[Formula]:
        """Yield what makes values easy to read: the default settings, and a start at zero."""
        default = Timings()
        yield conjunction(
            *(value == getattr(default, name) for name, value in self.settings.items())
        )
        for name in ("granted", "dial_begun", "close_begun", "failed_at"):
            yield self.clocks[name] == 0
        yield conjunction(*(self.clocks[name] >= 0 for name in ("now", *_WITNESSES)))

    def begins(self) -> tuple[Clocks, Formula]:
        """Return the clocks at a start, and what is known of them: no timer, nothing failed yet."""
        clocks = dict(self.clocks)
        for timer in TIMERS:
            clocks[f"{timer}_armed"] = False
        for witness in _WITNESSES:
            clocks[witness] = clocks["now"]
        clocks["ceiling"] = clocks["owed_ceiling"] = self.settings["backoff_base"] / 2
        return clocks, clocks["not_before"] <= clocks["now"]  # `Core` says -inf

    def after(self, group: Group, before: Clocks | None = None) -> tuple[Clocks, Formula]:
        """Return the clocks after a step, and the condition under which it is taken.

        Args:
            group: The step.
            before: The clocks before it; by default any at all.
        """
        clocks = dict(self.clocks if before is None else before)
        now = clocks["now"]
        if group.event == TIME_PASSES:
            later = self._bring("later")
            clocks["now"] = later
            deadlines = (
                implies(clocks[f"{timer}_armed"], later <= clocks[f"{timer}_due"])
                for timer in TIMERS
            )
            return clocks, conjunction(later >= now, *deadlines)
        if group.event == FRAME:  # H1: an incoming frame puts the heartbeat off
            clocks["heartbeat_due"] = self._bring("heartbeat from a frame")
            return clocks, clocks["heartbeat_due"] >= now
        happens: list[Formula] = []
        if group.timer is not None:
            armed, due = f"{group.timer}_armed", f"{group.timer}_due"
            happens += [clocks[armed], now == clocks[due]]
            clocks[armed] = False
        if "connecting" in group.source and group.event in self._tellers:
            wait, told = self._bring("retry_after"), self._bring_answer("told")
            happens.append(wait > 0)
            until = now + least(wait, self.settings["retry_after_cap"])
            clocks["not_before"] = choose(told, until, clocks["not_before"])
            clocks["told_at"] = choose(told, now, clocks["told_at"])
        if group.embargo is not None:
            running = clocks["not_before"] > now
            happens.append(running if group.embargo else negation(running))
        self._witness(group, clocks)
        for action in group.actions:
            happens.append(self._act(action, clocks))
        return clocks, conjunction(*happens)

    def _witness(self, group: Group, clocks: dict[str, Number]) -> None:
        """Move what the rules are stated by, before the machine's own variables move."""
        now, source, target = clocks["now"], group.source, group.target
        entered = "background" in target and "background" not in source
        pinged = group.event == "ping" and "background" in source
        dialled = group.event == "connect" and "dial" in group.actions
        if entered or pinged or (dialled and "background" in target):
            clocks["granted"] = now  # M11, M4, M10
        if target & {"connecting", "refreshing"} and not source & {"connecting", "refreshing"}:
            clocks["attempt_begun"] = now
        if "connected" in target - source:
            clocks["opened"] = now
        if LOSSES.get(group.event) in source:
            clocks["failed_at"] = now
            clocks["owed_ceiling"] = 2 * clocks["owed_ceiling"]
        if group.event == "stable_due" and "connected" in source:
            clocks["owed_ceiling"] = self.settings["backoff_base"] / 2

    def _act(self, action: str, clocks: dict[str, Number]) -> Formula:
        """Do an action to the clocks; return what is known of the values it brings in."""
        now, settings = clocks["now"], self.settings
        verb, _, timer = action.partition("_")
        match verb, timer:
            case "dial" | "refresh" | "close", "":
                clocks[f"{verb}_begun"] = now
            case "count", _:
                clocks["ceiling"] = 2 * clocks["ceiling"]
            case "forget", _:
                clocks["ceiling"] = settings["backoff_base"] / 2
            case "stop", _:
                clocks[f"{timer}_armed"] = False
            case "start", "retry":
                return self._start_retry(clocks)
            case "start", "embargo":
                clocks["embargo_armed"], clocks["embargo_due"] = True, clocks["not_before"]
            case "start", "heartbeat":
                # From the last frame or the foreground: any time ahead, or overdue, which is now.
                clocks["heartbeat_armed"] = True
                clocks["heartbeat_due"] = self._bring("heartbeat from a frame")
                return clocks["heartbeat_due"] >= now
            case "start", _:
                length = settings[self._meaning.lengths[timer]]
                clocks[f"{timer}_armed"] = True
                clocks[f"{timer}_due"] = now + length + self._meaning.late.get(timer, 0)
            case _:  # abort moves no clock
                pass
        return True

    def _start_retry(self, clocks: dict[str, Number]) -> Formula:
        """Arm the retry: a draw in [0, 1) times the spread is any number from 0 to below it."""
        spread = clocks["ceiling"]
        if self._meaning.capped:
            spread = least(self.settings["backoff_cap"], spread)
        begin = clocks["now"]
        if self._meaning.waits_for_server:
            begin = greatest(begin, clocks["not_before"])
        wait = self._bring("wait")
        clocks["spread"] = spread
        clocks["retry_armed"], clocks["retry_due"] = True, begin + wait
        return conjunction(wait >= 0, wait < spread)
