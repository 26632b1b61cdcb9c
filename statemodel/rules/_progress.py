"""Progress (C4, G1, G2, G3): what is bound to happen, on the graph that the rows make.

The argument is always the same one. Leave out the rows that the assumptions exclude. A connection
that never leaves a set of configurations ends up in one strongly connected part of it; it cannot
stay there if a timer runs in all of that part and nothing inside starts it again, because time
passes; nor if the outside owes it an answer there, and every answer leads out. A part with neither is
a trap. Under each assumption stands the event that it excludes, so that dropping it is an experiment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from statemodel._errors import MissingExtra
from statemodel._table import Disposition
from statemodel.rules._model import Model, Move, Situation
from statemodel.rules._rule import Obstacle, on_progress


def networkx() -> Any:
    """Return the graph library.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import networkx as library  # noqa: PLC0415 - only checks of progress need it
    except ModuleNotFoundError as error:
        if error.name != "networkx":
            raise
        raise MissingExtra("networkx", "checking progress", "check") from error
    return library


@dataclass(frozen=True, slots=True)
class Assumption:
    """What the outside is taken to do, or not to do."""

    name: str
    """In words."""
    never: frozenset[str] = frozenset()
    """The events that it excludes."""
    owed: str = ""
    """The answer that comes in the end to whoever waits for it."""
    timers: bool = False
    """Whether it is that time passes, so that timers fire."""
    late: frozenset[str] = frozenset()
    """The timers' events that come only when a Retry-After is over."""


_CALLS = (
    "abandon_login abort_close connect disconnect enter_background enter_foreground login login_again "
    "logout ping send_message shut_down"
)

TIME_PASSES = Assumption("time passes, so that timers fire", timers=True)
KEPT_WAITS = Assumption(
    "who waits for a Retry-After is not woken before it is over (a theorem: server_wait_is_kept)",
    late=frozenset({"embargo_due", "retry_due"}),
)
ASSUMPTIONS = (
    TIME_PASSES,
    KEPT_WAITS,
    Assumption("the network stays up", frozenset({"network_lost"})),
    Assumption("the application is silent", frozenset(_CALLS.split())),
    Assumption("the server answers a dial in the end", owed="dial_succeeded"),
    Assumption("it does so within dial_timeout", frozenset({"dial_due"})),
    Assumption("it refuses no dial", frozenset({"dial_failed"})),
    Assumption("it accepts the credentials", frozenset({"credentials_denied"})),
    Assumption("it refuses nothing for good", frozenset({"server_refused"})),
    Assumption("who refuses credentials gives new ones", owed="refresh_succeeded"),
    Assumption("and within auth_timeout", frozenset({"refresh_failed", "refresh_due"})),
    Assumption("in background, the window is longer than the attempt", frozenset({"grace_due"})),
)
"""Under which wanted leads to connected (G1)."""

_NETWORK_RETURNS = Assumption("the network comes back", owed="network_restored")

_PUT_OFF_WITHOUT_A_ROW = frozenset({"heartbeat"})
"""Each frame that comes in moves this timer's deadline (H1), so that it need never fire."""

_ANSWER_TO = {"dial": "dial_succeeded", "refresh": "refresh_succeeded"}
"""The answer that is owed for a question; asked again and again, it need never come."""


def _possible(move: Move, *, early: bool = False) -> bool:
    if move.disposition is not Disposition.HANDLED:
        return False
    timer = move.event.removesuffix("_due")
    if timer != move.event and timer not in move.before.timers:
        return False
    return early or not (move.embargoed and move.event in KEPT_WAITS.late)


def traps(
    moves: Iterable[Move],
    places: set[Situation],
    *,
    timers: bool = True,
    owed: Iterable[str] = (),
    ending: str = "",
) -> Iterator[Situation]:
    """Yield a configuration of each part of `places` that a connection need never leave.

    Args:
        moves: The rows that are possible.
        places: Where it should not stay for ever.
        timers: Whether time passes.
        owed: The answers that come in the end to whoever waits for them.
        ending: Leaving is also to end the commands of this kind.
    """
    graphs = networkx()
    graph: Any = graphs.MultiDiGraph()
    graph.add_nodes_from(sorted(places, key=lambda here: here.index))
    possible: dict[Situation, dict[str, list[Move]]] = {here: {} for here in places}
    for move in moves:
        if move.before in places:
            possible[move.before].setdefault(move.event, []).append(move)
            if move.after in places and ending not in move.settled:
                graph.add_edge(move.before, move.after, move=move)
    for part in graphs.strongly_connected_components(graph):
        within = [move for _, _, move in graph.subgraph(part).edges(data="move")]
        started = {a.removeprefix("start_") for move in within for a in move.actions}
        asked_anew = {_ANSWER_TO[a] for move in within for a in move.actions if a in _ANSWER_TO}
        running = frozenset.intersection(*(p.timers for here in part for p in here.pending))
        running -= _PUT_OFF_WITHOUT_A_ROW
        fires = {t for t in running - started if all(f"{t}_due" in possible[h] for h in part)}
        comes = {
            event
            for event in set(owed) - asked_anew
            if all(event in possible[here] for here in part)
            and not any(move.event == event for move in within)
        }
        if not ((timers and fires) or comes):
            yield min(part, key=lambda here: here.index)


def _obstacles_to_connecting(model: Model, assumptions: Sequence[Assumption]) -> Iterator[Obstacle]:
    never = frozenset().union(*(a.never for a in assumptions))
    owed = [a.owed for a in assumptions if a.owed]
    timers = any(a.timers for a in assumptions)
    early = KEPT_WAITS not in assumptions
    moves = [m for m in model.moves if _possible(m, early=early) and m.event not in never]
    places = {
        here
        for here in model.situations
        if here.has("wanted", "online") and not here.has("connected")
    }
    for move in moves:
        if move.before in places and move.after not in places and not move.after.has("connected"):
            yield Obstacle(move.before, f"{move.event} leads away from connected, to {move.after}")
    for here in traps(moves, places, timers=timers, owed=owed):
        yield Obstacle(here, "nothing has to happen that leads on to connected")


@on_progress(
    "O2", "A connection can start in either mode, in foreground and background, on- and offline."
)
def every_start(model: Model) -> Iterator[Obstacle]:
    starts = {frozenset(chosen) for chosen, _ in model.table.starts}
    for start in product(("auto", "manual"), ("foreground", "background"), ("online", "offline")):
        if frozenset(start) not in starts:
            yield Obstacle(model.situations[0], f"no start in {' '.join(start)}")


_G1 = "Under these assumptions wanted leads to connected: " + "; ".join(a.name for a in ASSUMPTIONS)


@on_progress("G1", f"{_G1}.")
def wanted_leads_to_connected(model: Model) -> Iterator[Obstacle]:
    return _obstacles_to_connecting(model, ASSUMPTIONS)


@on_progress(
    "G1", "Each of these assumptions is needed: without it, wanted need not lead to connected."
)
def assumptions_are_needed(model: Model) -> Iterator[Obstacle]:
    for dropped in ASSUMPTIONS:
        rest = [a for a in ASSUMPTIONS if a is not dropped]
        if next(iter(_obstacles_to_connecting(model, rest)), None) is None:
            here = model.situations[0]
            yield Obstacle(here, f"not needed: {dropped.name}")


@on_progress(
    "G2", "From every configuration of a connection that has not ended, connected can be reached."
)
def connected_can_be_reached(model: Model) -> Iterator[Obstacle]:
    graphs = networkx()
    back: Any = graphs.DiGraph((m.after, m.before) for m in model.moves if _possible(m))
    back.add_nodes_from(model.situations)
    goals = [here for here in model.situations if here.has("connected")]
    reaching = set(goals).union(*(graphs.descendants(back, goal) for goal in goals))
    for here in model.situations:
        if here not in reaching and not here.has("ended"):
            yield Obstacle(here, "from here connected cannot be reached")


@on_progress(
    "G3", "Time is never held up: no chain of timers that may be due at once comes back to itself."
)
def no_timelock(model: Model) -> Iterator[Obstacle]:
    graphs = networkx()
    # A wait for a retry may be drawn as 0; all other timers take time from when they are started.
    at_once: Any = graphs.DiGraph()
    for move in model.moves:
        timer = move.event.removesuffix("_due")
        if _possible(move) and timer != move.event and timer in ("retry", "embargo"):
            at_once.add_edge(move.before, move.after)
    for part in graphs.strongly_connected_components(at_once):
        first = min(part, key=lambda here: here.index)
        if len(part) > 1 or at_once.has_edge(first, first):
            yield Obstacle(first, "timers can fire here for ever without any time passing")


def _ends(kind: str, *, given: Iterable[Assumption]) -> Callable[[Model], Iterator[Obstacle]]:
    """Return the check that a kind of waiting command ends."""
    never = frozenset().union(*(a.never for a in given))
    owed = [a.owed for a in given if a.owed]

    def obstacles(model: Model) -> Iterator[Obstacle]:
        places = {here for here in model.situations if kind in here.waits}
        moves = [move for move in model.moves if _possible(move) and move.event not in never]
        for here in traps(moves, places, owed=owed, ending=kind):
            yield Obstacle(here, f"a {kind} that waits here need never end")

    return obstacles


_BY_TIME = [
    on_progress(
        "C4", f"A waiting `{kind}` {ends} by time alone, whatever else happens or does not."
    )(_ends(kind, given=()))
    for kind, ends in (
        ("login", "ends"),
        ("disconnect", "ends"),
        ("logout", "waits no longer for the socket (the store's answer is the adapter's to bound)"),
        ("shut_down", "ends"),
    )
]

_BY_SERVER = on_progress(
    "C4",
    "A waiting `connect` ends under the assumptions of G1, if a network that is down comes back.",
)(_ends("connect", given=(*ASSUMPTIONS, _NETWORK_RETURNS)))

CHECKS = (
    every_start, wanted_leads_to_connected, assumptions_are_needed, connected_can_be_reached, no_timelock,
    *_BY_TIME, _BY_SERVER,
)  # fmt: skip
