"""What a chart declares, read once and checked for what needs no exploring.

Beside the regions, which python-statemachine reads, a chart declares refusals, answers that are
heard, outcomes, statuses and reasons; this module knows what those mean on one configuration.
"""

from __future__ import annotations

import ast
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

from statemachine import StateChart
from statemachine.callbacks import CallbackGroup
from statemachine.spec_parser import replace_operators

from statemodel._actions import ACTIONS, TIMERS
from statemodel._errors import InvalidChart
from statemodel._source import Place, declared, places, walk
from statemodel._vocabulary import Code, Reason, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from statemachine import State
    from statemachine.transition import Transition

_ACTING = (CallbackGroup.ENTER, CallbackGroup.EXIT, CallbackGroup.BEFORE, CallbackGroup.ON)


class Declaration:
    """A chart, with answers to what one must know to explore it."""

    def __init__(self, chart: Any) -> None:
        self.chart = chart
        self.name = chart.__name__
        if not issubclass(chart, StateChart):
            raise InvalidChart(f"{self.name} is no StateChart")
        if chart.catch_errors_as_events:
            raise InvalidChart(f"{self.name}: set catch_errors_as_events = False")
        if len(chart.states) != 1 or not chart.states[0].parallel:
            raise InvalidChart(f"{self.name}: the root must be one parallel state")
        self.root: State = chart.states[0]
        self.regions: dict[str, State] = {region.id: region for region in self.root.states}
        self.states: dict[str, State] = {state.id: state for state in walk(self.root)}
        for state in self.states.values():
            if state.final:  # the library would stop the whole machine there
                raise InvalidChart(f"{self.name}: {state.name!r} is final; a region never ends")
        structural = {self.root.id, *self.regions}
        self.order = [name for name in self.states if name not in structural]
        self.atomic = {name for name in self.order if self.states[name].is_atomic}
        self.region_of = {s.id: name for name, region in self.regions.items() for s in walk(region)}
        self.context: tuple[str, ...] = tuple(getattr(chart, "context", ()))
        self.places = places(chart)
        self.transitions = [t for state in self.states.values() for t in declared(state)]
        self.events = sorted({str(e) for t in self.transitions for e in t.events})
        for event in self.events:
            # As a script or a declaration names it: in a line of words, which `#` ends.
            if event.split() != [event] or "#" in event or not event.isprintable():
                raise InvalidChart(f"{self.name}: the event {event!r} is no word without #")
        self.embargoed = False
        """The answer to the chart's questions (`context`) for now."""
        self.timers = self._timers()
        self.actions = self._actions()
        self.hears = self._hears()
        self._check_names()
        self._check_guards()

    # -- what the chart declares ------------------------------------------------------------

    def _names(self, state: State) -> Iterable[tuple[str, str]]:
        """Yield the actions of a state and of its transitions, with where they stand."""
        for spec in state._specs:
            if spec.group in _ACTING and not spec.is_convention:
                yield str(spec.func), f"state {state.id!r}"
        for transition in declared(state):
            for spec in transition._specs:
                if spec.group in _ACTING and not spec.is_convention:
                    yield str(spec.func), self.where(transition)

    def _actions(self) -> set[str]:
        known = ACTIONS | set(getattr(self.chart, "custom_effects", ()))
        known |= {f"{verb}_{timer}" for verb in ("start", "stop") for timer in self.timers}
        used = set()
        for state in self.states.values():
            for name, where in self._names(state):
                if name not in known:
                    raise InvalidChart(f"{self.name}: {where} names {name!r}, which is no effect")
                used.add(name)
        kinds = (self.states.keys(), set(self.events), set(self.context), used)
        clash = {name for one, other in combinations(kinds, 2) for name in one & other}
        if clash:
            raise InvalidChart(f"{self.name}: {sorted(clash)} name more than one thing")
        return used

    def _timers(self) -> dict[str, set[str]]:
        """Return each timer with the states that own it; G3: armed by entry, disarmed by exit."""
        owners: dict[str, set[str]] = {}
        for state in self.states.values():
            named: dict[str, set[CallbackGroup]] = {}
            for spec in state._specs:
                verb, _, timer = str(spec.func).partition("_")
                if verb in ("start", "stop") and not spec.is_convention:
                    named.setdefault(timer, set()).add(spec.group)
            for timer, groups in named.items():
                if groups != {CallbackGroup.ENTER, CallbackGroup.EXIT}:
                    raise InvalidChart(
                        f"{self.name}: state {state.id!r} must start timer {timer!r} when it is "
                        f"entered and stop it when it is left"
                    )
                if timer not in TIMERS:
                    raise InvalidChart(f"{self.name}: there is no timer {timer!r}")
                if f"{timer}_due" not in self.events:
                    raise InvalidChart(f"{self.name}: nobody handles the event '{timer}_due'")
                owners.setdefault(timer, set()).add(state.id)
        for event in self.events:
            if event.endswith("_due") and event[:-4] not in owners:
                raise InvalidChart(f"{self.name}: no state starts the timer of event {event!r}")
        return owners

    def _hears(self) -> dict[str, str]:
        """Return the guard under which each answer or timer is heard at all."""
        hears = {f"{timer}_due": " or ".join(sorted(own)) for timer, own in self.timers.items()}
        for heard in getattr(self.chart, "heard", ()):
            for event in self._known(heard.events, "heard"):
                hears[event] = heard.guard
        return hears

    def _known(self, events: str, where: str) -> list[str]:
        for event in events.split():
            if event not in self.events:
                raise InvalidChart(f"{self.name}.{where}: nobody handles the event {event!r}")
        return events.split()

    def where(self, transition: Transition) -> str:
        place: Place | None = self.places.get(transition)
        target = transition.target.id if transition.target else "no target"
        event = " ".join(map(str, transition.events)) or "without event"
        line = f" ({place})" if place else ""
        return f"{transition.source.id} -> {target} [{event}]{line}"

    def default_start(self) -> list[State]:
        def initial(state: State) -> Iterable[State]:
            yield state
            chosen = state.states if state.parallel else [s for s in state.states if s.initial][:1]
            for child in chosen:
                yield from initial(child)

        return list(initial(self.root))

    def kinds(self) -> list[str]:
        return list(dict.fromkeys(o.waiting for o in getattr(self.chart, "outcomes", ())))

    def status(self, configuration: tuple[str, ...]) -> Status:
        statuses: Iterable[tuple[str, Status]] = getattr(self.chart, "statuses", ())
        return next((s for name, s in statuses if name in configuration), Status.DISCONNECTED)

    def dead_end(self, configuration: tuple[str, ...]) -> Code | None:
        ends: Iterable[tuple[str, Code]] = getattr(self.chart, "dead_ends", ())
        return next((code for name, code in ends if name in configuration), None)

    def reason(self, source: tuple[str, ...], event: str, target: tuple[str, ...]) -> Reason | None:
        def visible(configuration: tuple[str, ...]) -> tuple[object, ...]:
            noticed = getattr(self.chart, "noticed", ())
            return self.status(configuration), *(name in configuration for name in noticed)

        if visible(source) == visible(target):
            return None
        for events, guard, reason in getattr(self.chart, "reasons", ()):
            if event in events.split() and self.holds(guard, set(target)):
                return Reason(reason)
        raise InvalidChart(
            f"{self.name}: event {event!r} in {self.words(source)} changes the status and no line "
            f"of `reasons` says why"
        )

    def _check_names(self) -> None:
        """Every event and state that a declaration names must be one."""
        for refusal in getattr(self.chart, "refusals", ()):
            self._known(refusal.events, "refusals")
        for outcome in getattr(self.chart, "outcomes", ()):
            self._known(f"{outcome.waiting} {outcome.after}", "outcomes")
        for events, _, _ in getattr(self.chart, "reasons", ()):
            self._known(events, "reasons")
        states = [(name, "statuses") for name, _ in getattr(self.chart, "statuses", ())]
        states += [(name, "dead_ends") for name, _ in getattr(self.chart, "dead_ends", ())]
        states += [(name, "noticed") for name in getattr(self.chart, "noticed", ())]
        states += [(name, "starts") for one in getattr(self.chart, "starts", ()) for name in one]
        for name, where in states:
            if name not in self.order:
                raise InvalidChart(f"{self.name}.{where}: {name!r} is no state")

    def _check_guards(self) -> None:
        """Every name in every guard must be a state or a question, also where it is never asked."""
        for transition in self.transitions:
            for text, _ in self._conditions(transition):
                self._check_guard(text, self.where(transition))
        for where in ("refusals", "heard", "outcomes"):
            for line in getattr(self.chart, where, ()):
                self._check_guard(line.guard, f"{self.name}.{where}")
        for _, guard, _ in getattr(self.chart, "reasons", ()):
            self._check_guard(guard, f"{self.name}.reasons")

    def _check_guard(self, guard: object, where: str) -> None:
        if not isinstance(guard, str):
            raise InvalidChart(f"{self.name}: {where}: a guard is an expression, not {guard!r}")
        for node in ast.walk(_parse(guard, where)):
            known = {*self.order, *self.context}
            if isinstance(node, ast.Name) and node.id not in known:
                raise InvalidChart(f"{where}: {node.id!r} in guard {guard!r} is no state")
            if not isinstance(node, _GUARD_NODES):
                raise InvalidChart(f"{where}: guard {guard!r} is no expression of states")

    def _conditions(self, transition: Transition) -> list[tuple[Any, bool]]:
        return [
            (spec.func, bool(spec.expected_value))
            for spec in transition._specs
            if spec.group is CallbackGroup.COND
        ]

    def enabled(self, transition: Transition, active: Collection[str]) -> bool:
        """Say whether a transition's guards hold on a configuration."""
        return all(self.holds(text, active) is wish for text, wish in self._conditions(transition))

    def holds(self, guard: str, active: Collection[str]) -> bool:
        """Evaluate a guard on a configuration."""
        facts = {name: name in active for name in self.order}
        facts |= dict.fromkeys(self.context, self.embargoed)
        return _evaluate(_parse(guard, self.name), facts)

    def words(self, configuration: Iterable[str]) -> str:
        return "{" + " ".join(configuration) + "}"


_GUARD_NODES = (ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Name, ast.Load, ast.Constant)


@cache
def _parse(guard: str, where: str) -> ast.expr:
    """Parse a guard, with the operators that the library has beside Python's; none is true."""
    try:
        return ast.parse(replace_operators(guard).strip() or "True", mode="eval").body
    except (SyntaxError, ValueError) as error:  # or no text that UTF-8 can hold
        raise InvalidChart(f"{where}: guard {guard!r} cannot be parsed") from error


def _evaluate(node: ast.expr, facts: Mapping[str, bool]) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_evaluate(value, facts) for value in values)
        case ast.BoolOp(values=values):
            return any(_evaluate(value, facts) for value in values)
        case ast.UnaryOp(operand=operand):
            return not _evaluate(operand, facts)
        case ast.Name(id=name):
            return facts[name]
        case _:
            return True
