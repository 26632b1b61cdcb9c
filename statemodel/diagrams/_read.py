"""Chart -> model: what the declaration says, with the comments beside it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from statemachine.callbacks import CallbackGroup
from statemachine.exceptions import InvalidDefinition

from statemodel._actions import TIMERS
from statemodel._declaration import Declaration
from statemodel._errors import InvalidChart
from statemodel._rows import LENGTHS
from statemodel._source import Place, StatePlace, class_sources, declared, state_places, walk
from statemodel.diagrams._comments import Span, note
from statemodel.diagrams._guard import spell
from statemodel.diagrams._model import (
    ChartModel,
    DeadEndModel,
    EventModel,
    HeardModel,
    Note,
    OutcomeModel,
    ReasonModel,
    RefusalModel,
    RegionModel,
    StateModel,
    StatusModel,
    TimerModel,
    TransitionModel,
)

if TYPE_CHECKING:
    from statemachine import State
    from statemachine.transition import Transition

SETTINGS: dict[str, tuple[str, ...]] = {
    **{timer: (setting,) for timer, setting in LENGTHS.items()},
    "embargo": ("retry_after_cap",),
    "retry": ("backoff_base", "backoff_cap"),
    "heartbeat": ("heartbeat_interval",),
}
"""The settings that each timer's length depends on (B1, B4, H1 have more to say of the last three)."""

_ACTING = (CallbackGroup.BEFORE, CallbackGroup.ON, CallbackGroup.AFTER)


def read_chart(chart: type) -> ChartModel:
    """Read a chart's class into its model.

    Works for any chart that `compile_chart` takes, an extended one as well; comments and docstrings
    are read as far as there is source. Compiling a chart says whether it means something; this
    only needs it to be well formed.

    Raises:
        InvalidChart: it is not.
    """
    if not isinstance(chart, type):
        raise InvalidChart(f"{chart!r} is no chart's class")
    try:
        return _Reader(chart).model()
    except InvalidDefinition as error:
        raise InvalidChart(f"{chart.__name__}: {error}") from error


def transition_keys(chart: type) -> dict[tuple[str, int], str]:
    """Return the key of each transition, by its source and its number there, from 0."""
    reader = _Reader(chart)
    return {
        (move.source.id, declared(move.source).index(move)): _key(name, number)
        for name, region in reader.regions.items()
        for number, move in enumerate(reader.moves(region), 1)
    }


def _key(region: str, number: int) -> str:
    return f"{region}.{number}"


class _Reader(Declaration):
    def __init__(self, chart: Any) -> None:
        super().__init__(chart)
        self.sites = state_places(chart)
        self.origins = list(_origins(chart))
        self.meanings = self._meanings()
        self.peers: dict[tuple[str, tuple[int, int]], list[Place]] = {}
        for place in sorted(set(self.places.values()), key=lambda place: place.order):
            self.peers.setdefault((place.path, place.statement), []).append(place)

    def model(self) -> ChartModel:
        outside = [*declared(self.root), *(t for t in self.transitions if self._to_history(t))]
        if outside:
            raise InvalidChart(f"{self.name}: {self.where(outside[0])} stays in no region")
        return ChartModel(
            name=self.name,
            summary=_first_line(self.chart.__doc__),
            root=self.root.id,
            regions=tuple(self._region(name, region) for name, region in self.regions.items()),
            events=tuple(self._event(name) for name in self.events),
            timers=tuple(self._timer(name) for name in TIMERS if name in self.timers),
            questions=self.context,
            starts=tuple(tuple(group) for group in getattr(self.chart, "starts", ())),
            refusals=tuple(
                RefusalModel(
                    guard=spell(line.guard),
                    code=str(line.code.value),
                    events=tuple(line.events.split()),
                    note=said,
                )
                for line, said in self._lines("refusals")
            ),
            heard=tuple(
                HeardModel(guard=spell(line.guard), events=tuple(line.events.split()), note=said)
                for line, said in self._lines("heard")
            ),
            outcomes=tuple(
                OutcomeModel(
                    waiting=line.waiting,
                    guard=spell(line.guard),
                    code=None if line.code is None else str(line.code.value),
                    after=tuple(line.after.split()),
                    note=said,
                )
                for line, said in self._lines("outcomes")
            ),
            statuses=tuple(
                StatusModel(state=state, status=str(status.value), note=said)
                for (state, status), said in self._lines("statuses")
            ),
            reasons=tuple(
                ReasonModel(
                    events=tuple(events.split()),
                    guard=spell(guard),
                    reason=str(reason.value),
                    note=said,
                )
                for (events, guard, reason), said in self._lines("reasons")
            ),
            dead_ends=tuple(
                DeadEndModel(state=state, code=str(code.value), note=said)
                for (state, code), said in self._lines("dead_ends")
            ),
            noticed=tuple(getattr(self.chart, "noticed", ())),
        )

    # -- regions -----------------------------------------------------------------------------

    def moves(self, region: State) -> list[Transition]:
        """Return a region's transitions as one reads them, if there is source."""
        moves = [t for state in walk(region) for t in declared(state)]
        orders = {t: self.places[t].order for t in moves if t in self.places}
        return sorted(moves, key=orders.__getitem__) if len(orders) == len(moves) else moves

    def _region(self, name: str, region: State) -> RegionModel:
        states = [state for state in walk(region) if state is not region]
        chains: dict[object, int] = {}
        transitions = []
        for number, move in enumerate(self.moves(region), 1):
            statement = self.places[move].chain if move in self.places else move
            chain = chains.setdefault(statement, len(chains) + 1)
            transitions.append(self._transition(move, name, number, chain))
        return RegionModel(
            name=name,
            meaning=_first_line(self._site(name).docstring) or self.meanings.get(name, ""),
            states=tuple(self._state(state, name, region) for state in states),
            transitions=tuple(transitions),
            note=self._state_note(name),
        )

    def _state(self, state: State, region_name: str, region: State) -> StateModel:
        usual = state.id.replace("_", " ").strip().capitalize()
        parent = state.parent
        return StateModel(
            name=state.id,
            title=state.id if state.name == usual else str(state.name),
            region=region_name,
            parent=None if parent is None or parent is region else parent.id,
            children=tuple(child.id for child in state.states),
            initial=bool(state.initial),
            enter=_actions(state, CallbackGroup.ENTER),
            exit=_actions(state, CallbackGroup.EXIT),
            timers=tuple(timer for timer in TIMERS if state.id in self.timers.get(timer, ())),
            note=self._state_note(state.id),
        )

    def _transition(
        self, transition: Transition, region: str, number: int, chain: int
    ) -> TransitionModel:
        return TransitionModel(
            key=_key(region, number),
            region=region,
            source=transition.source.id,
            target=None if transition.target is None else transition.target.id,
            events=tuple(dict.fromkeys(str(event) for event in transition.events)),
            guard=self._joined(transition),
            actions=_actions(transition, *_ACTING),
            internal=bool(transition.internal),
            chain=chain,
            note=self._transition_note(transition),
        )

    def _to_history(self, transition: Transition) -> bool:
        return transition.target is not None and transition.target.id not in self.states

    def _joined(self, transition: Transition) -> str:
        guards = [
            spell(str(text)) if wish else f"not ({spell(str(text))})"
            for text, wish in self._conditions(transition)
        ]
        if len(guards) > 1:
            guards = [f"({guard})" for guard in guards]
        return spell(" and ".join(filter(None, guards)))

    # -- events ------------------------------------------------------------------------------

    def _event(self, name: str) -> EventModel:
        timer = name.removesuffix("_due")
        known = timer if name.endswith("_due") and timer in self.timers else None
        return EventModel(name=name, timer=known, heard=spell(self.hears.get(name, "")))

    def _timer(self, name: str) -> TimerModel:
        owners = tuple(state for state in self.states if state in self.timers[name])
        return TimerModel(name=name, event=f"{name}_due", settings=SETTINGS[name], states=owners)

    # -- the source --------------------------------------------------------------------------

    def _site(self, name: str) -> StatePlace:
        return self.sites.get(name, StatePlace("", 0, 0, ""))

    def _state_note(self, name: str) -> Note:
        site = self._site(name)
        span = Span(site.line, site.last)
        return note(site.path, span, span, [span], position=0)

    def _transition_note(self, transition: Transition) -> Note:
        place = self.places.get(transition)
        if place is None:
            return Note()
        peers = self.peers[place.path, place.statement]
        return note(
            place.path,
            Span(place.line, place.last),
            Span(*place.statement),
            [Span(peer.line, peer.last) for peer in peers],
            position=peers.index(place),
        )

    def _lines(self, attribute: str) -> Iterator[tuple[Any, Note]]:
        """Yield the lines of a declaration beside the regions, with what is said of each."""
        lines = tuple(getattr(self.chart, attribute, ()))
        notes: list[Note] = []
        for origin in self.origins:
            if attribute in vars(origin):
                notes = _line_notes(origin, attribute, len(vars(origin)[attribute])) or notes
        notes += [Note()] * (len(lines) - len(notes))
        yield from zip(lines, notes, strict=False)

    def _meanings(self) -> dict[str, str]:
        """Read the tables of regions in the docstrings of the chart and of its module."""
        found: dict[str, str] = {}
        for origin in self.origins:
            module = sys.modules.get(origin.__module__)
            for text in (getattr(module, "__doc__", None), origin.__doc__):
                for name, meaning in _ROW.findall(text or ""):
                    found.setdefault(name, " ".join(meaning.split()))
        return found


_ROW = re.compile(r"^[ \t]*``(\w+)``[ \t]+(\S.*)$", re.MULTILINE)
"""A row of a simple table in reStructuredText: ``name`` and what it means; the first one counts."""


def _origins(chart: type) -> Iterator[type]:
    """Yield the classes that a chart's lines come from, the first first: what it extends, its bases."""
    extended = vars(chart).get("extends")
    if isinstance(extended, type):
        yield from _origins(extended)
    yield from reversed(chart.__mro__)


def _line_notes(origin: type, attribute: str, count: int) -> list[Note]:
    """Return a note for each element of a tuple that a class body assigns, if it is written out."""
    for tree, path, first in class_sources(origin):
        for body in (node.body for node in tree.body if isinstance(node, ast.ClassDef)):
            for index, node in enumerate(body):
                if not (
                    isinstance(node, ast.Assign)
                    and isinstance(node.value, (ast.Tuple, ast.List))
                    and [ast.unparse(target) for target in node.targets] == [attribute]
                    and len(node.value.elts) == count
                ):
                    continue
                spans = [_span(element, first) for element in node.value.elts]
                after = body[index + 1] if index + 1 < len(body) else None
                said = ""
                if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                    said = _first_line(str(after.value.value))
                whole = _span(node, first)
                return [
                    note(path, span, whole, spans, position=n, docstring=said)
                    for n, span in enumerate(spans)
                ]
    return []


def _span(node: ast.stmt | ast.expr, first: int) -> Span:
    return Span(first + node.lineno - 1, first + (node.end_lineno or node.lineno) - 1)


def _actions(owner: State | Transition, *groups: CallbackGroup) -> tuple[str, ...]:
    """Return the names of actions in the order of the groups, without those the library adds."""
    return tuple(
        str(spec.func)
        for group in groups
        for spec in owner._specs  # noqa: SLF001 - the library hides what it knows
        if spec.group is group and not spec.is_convention
    )


def _first_line(text: str | None) -> str:
    lines: Iterable[str] = (text or "").strip().splitlines()
    return next(iter(lines), "").strip()
