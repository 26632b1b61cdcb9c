"""Chart -> table: explore every reachable configuration under every event.

The python-statemachine engine takes every step; this module only sets a configuration, sends an
event, and writes down what happened. It rejects what a chart can say but cannot mean.
"""

from __future__ import annotations

import ast
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from statemachine.callbacks import CallbackGroup
from statemachine.exceptions import InvalidDefinition
from statemachine.orderedset import OrderedSet

from statemodel._actions import ACTIONS, TIMERS
from statemodel._errors import InvalidChart
from statemodel._source import Place, declared, places, walk
from statemodel._table import Disposition, Step, Table
from statemodel._vocabulary import Code, Reason, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statemachine import State
    from statemachine.transition import Transition

MICROSTEPS = 64
"""More transitions than this within one step are an endless loop; ours needs 9 at the most."""

_ACTING = (CallbackGroup.ENTER, CallbackGroup.EXIT, CallbackGroup.BEFORE, CallbackGroup.ON)


def compile_chart(chart: type, *, limit: int = 20_000) -> Table:
    """Compile a chart into its table.

    Args:
        chart: A `StateChart` class whose root is one parallel state; see `ConnectionChart` for
            what it may declare beside its regions.
        limit: The largest number of configurations to explore.

    Returns:
        The table: sorted, and equal for equal charts.

    Raises:
        InvalidChart: the chart is malformed, ambiguous, endless, too large, or has a state that
            cannot be reached, an event that nobody handles or an action that means nothing. The
            message names the state, the event and the line.
    """
    try:
        return _Compiler(chart, limit).table()
    except InvalidDefinition as error:
        raise InvalidChart(f"{chart.__name__}: {error}") from error


class _Cell(NamedTuple):
    disposition: Disposition
    target: tuple[str, ...]
    step: Step
    code: Code | None = None


class _Facts:
    """The model that the engine asks and tells: guards read from it, actions write to it."""

    state: Any = None


class _Compiler:
    def __init__(self, chart: Any, limit: int) -> None:
        self.chart = chart
        self.name = chart.__name__
        self.limit = limit
        if chart.catch_errors_as_events:
            raise InvalidChart(f"{self.name}: set catch_errors_as_events = False")
        if len(chart.states) != 1 or not chart.states[0].parallel:
            raise InvalidChart(f"{self.name}: the root must be one parallel state")
        self.root: State = chart.states[0]
        self.regions: dict[str, State] = {region.id: region for region in self.root.states}
        self.states: dict[str, State] = {state.id: state for state in walk(self.root)}
        structural = {self.root.id, *self.regions}
        self.order = [name for name in self.states if name not in structural]
        self.atomic = {name for name in self.order if self.states[name].is_atomic}
        self.region_of = {s.id: name for name, region in self.regions.items() for s in walk(region)}
        self.context: tuple[str, ...] = tuple(getattr(chart, "context", ()))
        self.places = places(chart)
        self.transitions = [t for state in self.states.values() for t in declared(state)]
        self.events = sorted({str(e) for t in self.transitions for e in t.events})
        self.timers = self._timers()
        self.actions = self._actions()
        self.hears = self._hears()
        self.engine = self._engine()

    # -- what the chart declares ------------------------------------------------------------

    def _names(self, state: State) -> Iterable[tuple[str, str]]:
        """Yield the actions of a state and of its transitions, with where they stand."""
        for spec in state._specs:
            if spec.group in _ACTING and not spec.is_convention:
                yield str(spec.func), f"state {state.id!r}"
        for transition in declared(state):
            for spec in transition._specs:
                if spec.group in _ACTING and not spec.is_convention:
                    yield str(spec.func), self._where(transition)

    def _actions(self) -> set[str]:
        known = ACTIONS | set(getattr(self.chart, "custom_effects", ()))
        known |= {f"{verb}_{timer}" for verb in ("start", "stop") for timer in self.timers}
        used = set()
        for state in self.states.values():
            for name, where in self._names(state):
                if name not in known:
                    raise InvalidChart(f"{self.name}: {where} names {name!r}, which is no effect")
                used.add(name)
        clash = used & (self.states.keys() | set(self.events))
        if clash := clash | (self.states.keys() & set(self.events)):
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

    def _where(self, transition: Transition) -> str:
        place: Place | None = self.places.get(transition)
        target = transition.target.id if transition.target else "no target"
        event = " ".join(map(str, transition.events)) or "without event"
        line = f" ({place})" if place else ""
        return f"{transition.source.id} -> {target} [{event}]{line}"

    # -- running the engine ------------------------------------------------------------------

    def _engine(self) -> Any:
        """Return one running instance of the chart on a model that records what it does."""
        compiler = self

        def flag(name: str) -> property:
            return property(lambda facts: self.states[name].value in facts.state)

        def question(name: str) -> property:
            def ask(facts: Any) -> bool:
                facts.asked = True
                return bool(facts.embargoed_now)

            del name  # all questions are answered alike: both answers are explored
            return property(ask)

        def record(name: str) -> Any:
            return lambda facts: facts.done.append(name)

        def on_transition(facts: Any, transition: Transition) -> None:
            facts.taken.append(transition)
            if len(facts.taken) > MICROSTEPS:
                loop = "; ".join(compiler._where(t) for t in facts.taken[-4:])
                raise InvalidChart(f"{compiler.name}: an endless loop: {loop}")

        body: dict[str, Any] = {"on_transition": on_transition}
        body |= {name: flag(name) for name in self.order}
        body |= {name: question(name) for name in self.context}
        body |= {name: record(name) for name in self.actions}

        facts: Any = type("Facts", (_Facts,), body)()
        facts.done, facts.taken, facts.asked, facts.embargoed_now = [], [], False, False
        facts.state = OrderedSet(state.value for state in self._default_start())
        return self.chart(model=facts)

    def _default_start(self) -> list[State]:
        def initial(state: State) -> Iterable[State]:
            yield state
            chosen = state.states if state.parallel else [s for s in state.states if s.initial][:1]
            for child in chosen:
                yield from initial(child)

        return list(initial(self.root))

    def _set(self, configuration: Iterable[str]) -> None:
        active = set(configuration) | {self.root.id, *self.regions}
        values = [state.value for name, state in self.states.items() if name in active]
        self.engine.current_state_value = OrderedSet(values)

    def _run(
        self, configuration: tuple[str, ...], event: str, *, embargoed: bool
    ) -> tuple[str, ...]:
        facts = self.engine.model
        facts.done, facts.taken, facts.asked, facts.embargoed_now = [], [], False, embargoed
        self._set(configuration)
        self._reject_ambiguity(configuration, event)
        facts.asked = False
        self.engine.send(event)
        active = {state.id for state in self.engine.configuration}
        for name, region in self.regions.items():
            here = [s.id for s in walk(region) if s.id in active and s.is_atomic]
            if len(here) != 1:
                line = "; ".join(self._where(t) for t in facts.taken)
                raise InvalidChart(
                    f"{self.name}: region {name!r} ends in {here} after event {event!r} in "
                    f"{self._words(configuration)}: {line}"
                )
        result = tuple(name for name in self.order if name in active)
        self._reject_ambiguity(result, "")
        return result

    def _reject_ambiguity(self, configuration: tuple[str, ...], event: str) -> None:
        """Two transitions of one region enabled together must stem from one `|` chain."""
        active = set(configuration)
        enabled: dict[str, Transition] = {}
        for name in configuration:
            for transition in declared(self.states[name]):
                heard = transition.match(event) if event else transition.is_eventless
                if not heard or not self._guard(transition, active):
                    continue
                region = self.region_of[name]
                first = enabled.setdefault(region, transition)
                one, other = self.places.get(first), self.places.get(transition)
                if first is not transition and (
                    one is None or other is None or one.chain != other.chain
                ):
                    raise InvalidChart(
                        f"{self.name}: both enabled in {self._words(configuration)}: "
                        f"{self._where(first)}; {self._where(transition)}"
                    )

    def _guard(self, transition: Transition, active: set[str]) -> bool:
        conditions = [
            (str(spec.func), spec.expected_value)
            for spec in transition._specs
            if spec.group is CallbackGroup.COND
        ]
        return all(self.holds(text, active) is bool(wish) for text, wish in conditions)

    def holds(self, guard: str, active: set[str] | frozenset[str]) -> bool:
        """Evaluate a guard of our own declarations on a configuration."""
        if not guard:
            return True
        facts = {name: name in active for name in self.order}
        facts |= dict.fromkeys(self.context, self.engine.model.embargoed_now)
        return _evaluate(guard, facts, self.name)

    def _words(self, configuration: Iterable[str]) -> str:
        return "{" + " ".join(configuration) + "}"

    # -- exploring ---------------------------------------------------------------------------

    def _starts(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        default = {s.id for s in self._default_start()}
        starts = {}
        for chosen in product(*getattr(self.chart, "starts", ())):
            active = set(default)
            for name in chosen:
                active -= {s.id for s in self.regions[self.region_of[name]].states}
                active.add(name)
            starts[chosen] = tuple(name for name in self.order if name in active)
        return starts or {(): tuple(name for name in self.order if name in default)}

    def _cell(self, source: tuple[str, ...], event: str, *, embargoed: bool) -> _Cell:
        active = frozenset(source)
        nothing = Step((), (), None)
        self.engine.model.embargoed_now = embargoed
        for refusal in getattr(self.chart, "refusals", ()):
            if event in refusal.events.split() and self.holds(refusal.guard, active):
                return _Cell(Disposition.REFUSED, source, nothing, refusal.code)
        if event in self.hears and not self.holds(self.hears[event], active):
            return _Cell(Disposition.STALE, source, nothing)
        target = self._run(source, event, embargoed=embargoed)
        taken = self.engine.model.taken
        settled = self._settled(source, event, target)
        if not taken and not settled:
            return _Cell(Disposition.IGNORED, source, nothing)
        step = Step(tuple(self.engine.model.done), settled, self._reason(source, event, target))
        return _Cell(Disposition.HANDLED, target, step)

    def _settled(
        self, source: tuple[str, ...], event: str, target: tuple[str, ...]
    ) -> tuple[tuple[str, Code | None], ...]:
        """Return the kinds of command that could wait in the source and whose wait ends here."""
        settled = []
        for kind in self._kinds():
            rules = [o for o in self.chart.outcomes if o.waiting == kind]
            could_wait = kind == event or not any(
                self.holds(o.guard, set(source)) for o in rules if not o.after
            )
            for rule in rules if could_wait else ():
                caused = not rule.after or event in rule.after.split()
                if caused and self.holds(rule.guard, set(target)):
                    settled.append((kind, rule.code))
                    break
        return tuple(settled)

    def _kinds(self) -> list[str]:
        return list(dict.fromkeys(o.waiting for o in getattr(self.chart, "outcomes", ())))

    def _status(self, configuration: tuple[str, ...]) -> Status:
        statuses: Iterable[tuple[str, Status]] = getattr(self.chart, "statuses", ())
        return next((s for name, s in statuses if name in configuration), Status.DISCONNECTED)

    def _reason(
        self, source: tuple[str, ...], event: str, target: tuple[str, ...]
    ) -> Reason | None:
        def visible(configuration: tuple[str, ...]) -> tuple[object, ...]:
            noticed = getattr(self.chart, "noticed", ())
            return self._status(configuration), *(name in configuration for name in noticed)

        if visible(source) == visible(target):
            return None
        for events, guard, reason in getattr(self.chart, "reasons", ()):
            if event in events.split() and self.holds(guard, set(target)):
                return Reason(reason)
        raise InvalidChart(
            f"{self.name}: event {event!r} in {self._words(source)} changes the status and no line "
            f"of `reasons` says why"
        )

    def _check_declarations(self) -> None:
        for refusal in getattr(self.chart, "refusals", ()):
            self._known(refusal.events, "refusals")
        for outcome in getattr(self.chart, "outcomes", ()):
            self._known(outcome.after, "outcomes")
        for events, _, _ in getattr(self.chart, "reasons", ()):
            self._known(events, "reasons")

    def table(self) -> Table:
        self._check_declarations()
        starts = self._starts()
        cells: dict[tuple[str, ...], dict[str, tuple[_Cell, _Cell]]] = {}
        pending = list(dict.fromkeys(starts.values()))
        while pending:
            source = pending.pop()
            if source in cells:
                continue
            if len(cells) >= self.limit:
                raise InvalidChart(
                    f"{self.name}: more than {self.limit} configurations: {self._growth(cells)}"
                )
            row = cells[source] = {}
            for event in self.events:
                usual = self._cell(source, event, embargoed=False)
                other = usual
                if self.engine.model.asked and usual.disposition is not Disposition.REFUSED:
                    other = self._cell(source, event, embargoed=True)
                row[event] = (usual, other)
                pending += [cell.target for cell in (usual, other) if cell.target not in cells]
        self._reject_unreachable(cells)
        return self._build(starts, cells)

    def _growth(self, cells: Mapping[tuple[str, ...], object]) -> str:
        """Say which regions multiply: how many of their states occur."""
        counts = {
            name: {s for c in cells for s in c if self.region_of[s] == name}
            for name in self.regions
        }
        return ", ".join(f"{name} x{len(found & self.atomic)}" for name, found in counts.items())

    def _reject_unreachable(
        self, cells: Mapping[tuple[str, ...], Mapping[str, tuple[_Cell, _Cell]]]
    ) -> None:
        reached = {name for configuration in cells for name in configuration}
        for name in self.order:
            if name not in reached:
                into = [
                    self._where(t) for t in self.transitions if t.target and t.target.id == name
                ]
                raise InvalidChart(
                    f"{self.name}: state {name!r} cannot be reached: {into or 'no way in'}"
                )
        acted = {
            e
            for row in cells.values()
            for e, pair in row.items()
            if pair[0].disposition is Disposition.HANDLED
        }
        for event in self.events:
            if event not in acted:
                raise InvalidChart(f"{self.name}: nobody handles the event {event!r} anywhere")

    def _build(
        self,
        starts: Mapping[tuple[str, ...], tuple[str, ...]],
        cells: Mapping[tuple[str, ...], Mapping[str, tuple[_Cell, _Cell]]],
    ) -> Table:
        rank = {name: index for index, name in enumerate(self.order)}
        ordered = sorted(cells, key=lambda configuration: [rank[name] for name in configuration])
        index = {configuration: number for number, configuration in enumerate(ordered)}
        distinct = {
            cell.step
            for row in cells.values()
            for pair in row.values()
            for cell in pair
            if cell.disposition is Disposition.HANDLED
        }
        steps = sorted(distinct, key=repr)
        number = {step: n for n, step in enumerate(steps)}

        def point(cell: _Cell) -> tuple[int, int]:
            return index[cell.target], number[cell.step]

        handled, embargoed, refused, stale = [], [], [], []
        for configuration in ordered:
            row = cells[configuration]
            usual = {event: pair[0] for event, pair in row.items()}
            handled.append(
                {e: point(c) for e, c in usual.items() if c.disposition is Disposition.HANDLED}
            )
            embargoed.append({e: point(pair[1]) for e, pair in row.items() if pair[1] != pair[0]})
            refused.append({e: c.code for e, c in usual.items() if c.code is not None})
            stale.append(
                frozenset(e for e, c in usual.items() if c.disposition is Disposition.STALE)
            )
        return Table(
            chart=self.name,
            regions=tuple(
                (name, tuple(s.id for s in walk(region) if s.is_atomic))
                for name, region in self.regions.items()
            ),
            events=tuple(self.events),
            timers=tuple(timer for timer in TIMERS if timer in self.timers),
            kinds=tuple(self._kinds()),
            configurations=tuple(ordered),
            statuses=tuple(self._status(configuration) for configuration in ordered),
            starts=tuple(
                (chosen, index[configuration]) for chosen, configuration in starts.items()
            ),
            steps=tuple(steps),
            handled=tuple(handled),
            embargoed=tuple(embargoed),
            refused=tuple(refused),
            stale=tuple(stale),
        )


def _evaluate(guard: str, facts: Mapping[str, bool], chart: str) -> bool:
    def value(node: ast.expr) -> bool:
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return all(value(v) for v in values)
            case ast.BoolOp(op=ast.Or(), values=values):
                return any(value(v) for v in values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not value(operand)
            case ast.Name(id=name) if name in facts:
                return facts[name]
            case _:
                raise InvalidChart(f"{chart}: {ast.unparse(node)!r} in guard {guard!r} is no state")

    return value(ast.parse(guard, mode="eval").body)
