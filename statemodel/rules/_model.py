"""A compiled chart as the rules look at it: situations, moves, and what is under way in each.

What is under way is followed along the rows from every start: which timers run, which questions
to the outside are unanswered, which commands can be waiting. It is read off the actions alone, so
that a rule can say "nothing of the old socket is left" without believing a state's name.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from statemodel._actions import ACTIONS, TIMERS
from statemodel._errors import InvalidChart
from statemodel._table import Disposition, Row, Table
from statemodel._vocabulary import Code, Reason, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACTIONS = ACTIONS | {f"{verb}_{timer}" for verb in ("start", "stop") for timer in TIMERS}
_LINK = frozenset({"dial", "refresh", "open", "close"})
_LOGIN = frozenset({"authenticate", "save"})
_SOCKET = frozenset({"open", "own ping"})

_ANSWERED = {
    "authentication_succeeded": {"authenticate"},
    "authentication_failed": {"authenticate"},
    "save_succeeded": {"save"},
    "save_failed": {"save"},
    "own_pings_over": {"own ping"},
    "dial_succeeded": {"dial"},
    "refresh_succeeded": {"refresh"},
    "socket_closed": {"close"},
    "credentials_denied": {"close"},
    "server_refused": {"close"},
}
"""What each answer puts an end to. Of a dial or refresh that failed, and of a socket that the peer
has ended, something is left on our side, which only `abort` takes away; not of a closing socket."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What is under way at one moment."""

    timers: frozenset[str] = frozenset()
    """The timers that run."""
    asked: frozenset[str] = frozenset()
    """`authenticate`, `save`, `dial`, `refresh`; of a socket `open`, `close`, `own ping`."""

    def after(self, event: str, actions: tuple[str, ...]) -> tuple[Pending, tuple[str, ...]]:
        """Return what is under way after a step, and what was wrong with its actions."""
        timers, asked, wrong = set(self.timers), set(self.asked), []
        timers.discard(event.removesuffix("_due"))
        if event == "dial_succeeded" and "dial" in asked:
            asked.add("open")
        asked -= _ANSWERED.get(event, set())
        for action in actions:
            verb, _, timer = action.partition("_")
            if verb == "start" and timer:
                if timer in timers:
                    wrong.append(f"starts the timer {timer!r} while it runs")
                timers.add(timer)
            elif verb == "stop" and timer:
                timers.discard(timer)
            elif action in ("dial", "refresh"):
                if asked & _LINK:
                    left = " and ".join(sorted(asked & _LINK))
                    wrong.append(f"{action} while the socket before is still there: {left}")
                asked.add(action)
            elif action == "close":
                if "open" not in asked:
                    wrong.append("closes a socket that is not open")
                asked -= _SOCKET
                asked.add("close")
            elif action == "abort":
                if not asked & _LINK:
                    wrong.append("aborts a socket that is not there")
                asked -= _LINK | _SOCKET
            elif action in ("send_heartbeat", "send_probe"):
                asked.add("own ping")
            elif action in _LOGIN:
                asked.add(action)
            elif action == "cancel_login":
                asked -= _LOGIN
        return Pending(frozenset(timers), frozenset(asked)), tuple(wrong)


class Situation:
    """One reachable configuration, and what can be under way in it."""

    __slots__ = (
        "_actions", "_known", "dead_end", "index", "moves", "pending", "starts", "states", "status", "waits",
    )  # fmt: skip

    def __init__(self, table: Table, index: int) -> None:
        self._known = table.states
        self._actions = table.actions | _ACTIONS
        self.index = index
        """Which configuration of the table."""
        self.states = table.active[index]
        """The active states."""
        self.status: Status = table.statuses[index]
        """The status that it is shown as."""
        self.dead_end: Code | None = table.dead_ends[index]
        """What waiting for a status or message here fails with, if it is in vain."""
        self.starts = False
        """Whether a connection can start here."""
        self.pending: set[Pending] = set()
        """What can be under way; more than one if it depends on how one came here."""
        self.waits: set[str] = set()
        """The kinds of command that can be waiting."""
        self.moves: dict[str, Move] = {}
        """What each event does here, while no Retry-After runs."""

    def has(self, *states: str) -> bool:
        """Say whether all of these states are active.

        Raises:
            InvalidChart: the chart has no such state; so a misspelt rule is no rule that holds.
        """
        self._check(states)
        return self.states.issuperset(states)

    def has_any(self, *states: str) -> bool:
        """Say whether one of these states is active; see `has`."""
        self._check(states)
        return not self.states.isdisjoint(states)

    def _check(self, states: tuple[str, ...]) -> None:
        for state in states:
            if state not in self._known:
                raise InvalidChart(f"a rule asks for the state {state!r}, which the chart lacks")

    def check_actions(self, actions: tuple[str, ...]) -> None:
        """Raise InvalidChart if one of these is no action."""
        for action in actions:
            if action not in self._actions:
                raise InvalidChart(f"a rule asks for the action {action!r}, which there is not")

    @property
    def timers(self) -> frozenset[str]:
        """The timers that can be running."""
        return frozenset().union(*(pending.timers for pending in self.pending))

    @property
    def asked(self) -> frozenset[str]:
        """The questions to the outside that can be unanswered."""
        return frozenset().union(*(pending.asked for pending in self.pending))

    def move(self, event: str) -> Move:
        """Return what an event does here, while no Retry-After runs.

        Raises:
            InvalidChart: the chart has no such event.
        """
        try:
            return self.moves[event]
        except KeyError:
            raise InvalidChart(
                f"a rule asks for the event {event!r}, which the chart lacks"
            ) from None

    def refusal(self, event: str) -> Code | None:
        """Return the code with which a call is refused here."""
        return self.move(event).refusal

    def __str__(self) -> str:
        return " ".join(sorted(self.states))


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """One row: an event in a situation, what it does and where it leads."""

    before: Situation
    """Where it begins."""
    event: str
    """What happens, by the chart's name for it."""
    embargoed: bool
    """Whether this is the row for the time in which a server's Retry-After runs (B4)."""
    after: Situation
    """Where it leads; the same situation if nothing changes."""
    disposition: Disposition
    """Whether it acts, is refused, is stale or ignored."""
    actions: tuple[str, ...]
    """The names of its effects, in order."""
    settled: dict[str, Code | None]
    """The kinds of waiting command that end here, with their failure or `None` for success."""
    reason: Reason | None
    """The reason that listeners are told, if they are told anything (T2)."""
    refusal: Code | None
    """The code with which the call is refused, if it is."""
    wrong: tuple[str, ...]
    """What is wrong with the order of its actions, whatever the rules say."""

    @property
    def accepted(self) -> bool:
        """Whether the event is neither refused nor stale."""
        return self.disposition in (Disposition.HANDLED, Disposition.IGNORED)

    @property
    def idle(self) -> bool:
        """Whether nothing at all happens, a refusal apart."""
        return self.before is self.after and not (self.actions or self.settled or self.reason)

    def does(self, *actions: str) -> bool:
        """Say whether all of these actions are among its own.

        Raises:
            InvalidChart: there is no such action, neither of ours nor of the chart's own.
        """
        self.before.check_actions(actions)
        return set(actions) <= set(self.actions)

    def does_any(self, *actions: str) -> bool:
        """Say whether one of these actions is among its own; see `does`."""
        self.before.check_actions(actions)
        return not set(actions).isdisjoint(self.actions)

    def enters(self, *states: str) -> bool:
        """Say whether all of these states are active after and were not all active before."""
        return self.after.has(*states) and not self.before.has(*states)

    def keeps(self, *states: str) -> bool:
        """Say whether each of these states is active after exactly if it was before."""
        return all(self.before.has(state) is self.after.has(state) for state in states)

    def fails(self, kind: str, code: Code) -> bool:
        """Say whether every command of a kind that can be waiting ends with this code."""
        return kind not in self.before.waits or self.settled.get(kind, "waits") is code

    def __str__(self) -> str:
        server = " while Retry-After runs" if self.embargoed else ""
        return f"{self.event}{server} in {{{self.before}}} -> {{{self.after}}}"


class Model:
    """A table, with what is under way in each of its configurations."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.situations = tuple(Situation(table, i) for i in range(len(table.configurations)))
        """The reachable configurations, in the table's order."""
        for _, index in table.starts:
            self.situations[index].starts = True
        self.moves = tuple(self._moves())
        """Every row."""
        for move in self.moves:
            if not move.embargoed:
                move.before.moves[move.event] = move
        self._follow_commands()

    def _moves(self) -> Iterator[Move]:
        wrong = self._follow_actions()
        for index, event, embargoed, row in self.table.rows():
            yield Move(
                before=self.situations[index],
                event=event,
                embargoed=embargoed,
                after=self.situations[row.target],
                disposition=row.disposition,
                actions=row.step.actions,
                settled=dict(row.step.settled),
                reason=row.step.reason,
                refusal=row.code,
                wrong=wrong.get((index, event, embargoed), ()),
            )

    def _follow_actions(self) -> dict[tuple[int, str, bool], tuple[str, ...]]:
        """Find what can be under way where; return the rows whose actions contradict it."""
        wrong: dict[tuple[int, str, bool], tuple[str, ...]] = {}
        todo = deque((index, Pending()) for _, index in self.table.starts)
        while todo:
            index, pending = todo.popleft()
            if pending in self.situations[index].pending:
                continue
            self.situations[index].pending.add(pending)
            for event, embargoed, row in self._handled[index]:
                timer = event.removesuffix("_due")
                if timer != event and timer not in pending.timers:
                    continue  # it does not run, so it cannot be due
                after, complaints = pending.after(event, row.step.actions)
                if complaints:
                    wrong[index, event, embargoed] = complaints
                todo.append((row.target, after))
        return wrong

    @cached_property
    def _handled(self) -> tuple[list[tuple[str, bool, Row]], ...]:
        handled: tuple[list[tuple[str, bool, Row]], ...] = tuple([] for _ in self.situations)
        for index, event, embargoed, row in self.table.rows():
            if row.disposition is Disposition.HANDLED:
                handled[index].append((event, embargoed, row))
        return handled

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """How many rows each configuration is from the nearest start."""
        depths = {index: 0 for _, index in self.table.starts}
        todo = deque(depths)
        while todo:
            index = todo.popleft()
            for _, _, row in self._handled[index]:
                if row.target not in depths:
                    depths[row.target] = depths[index] + 1
                    todo.append(row.target)
        return tuple(depths[index] for index in range(len(self.situations)))

    def _follow_commands(self) -> None:
        """Find which kinds of command can be waiting where."""
        todo: deque[tuple[Situation, str]] = deque()
        for move in self.moves:
            if move.event in self.table.kinds and move.accepted and move.event not in move.settled:
                todo.append((move.after, move.event))
        leaving: dict[int, list[Move]] = {}
        for move in self.moves:
            if move.accepted:
                leaving.setdefault(move.before.index, []).append(move)
        while todo:
            situation, kind = todo.popleft()
            if kind not in situation.waits:
                situation.waits.add(kind)
                todo += [
                    (move.after, kind)
                    for move in leaving.get(situation.index, ())
                    if kind not in move.settled
                ]
