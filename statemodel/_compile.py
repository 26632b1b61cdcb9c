"""Chart -> table: explore every reachable configuration under every event.

The python-statemachine engine takes every step; this module only sets a configuration, sends an
event, and writes down what happened. It rejects what a chart can say but cannot mean.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from statemachine.exceptions import InvalidDefinition
from statemachine.orderedset import OrderedSet

from statemodel._actions import TIMERS
from statemodel._declaration import Declaration
from statemodel._errors import InvalidChart
from statemodel._source import declared, walk
from statemodel._table import Disposition, Step, Table
from statemodel._vocabulary import Code

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from statemachine.transition import Transition

_FIELD = "_active_"
"""Where the engine keeps the configuration on the model."""

MICROSTEPS = 64
"""More transitions than this within one step are an endless loop; ours needs 9 at the most."""


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


class _Compiler(Declaration):
    def __init__(self, chart: Any, limit: int) -> None:
        super().__init__(chart)
        self.limit = limit
        self.done: list[str] = []  # the actions of the step in progress
        self.taken: list[Transition] = []  # its transitions
        self.asked = False  # whether a guard asked the machine something
        self.engine = self._engine()

    # -- running the engine ------------------------------------------------------------------

    def _engine(self) -> Any:
        """Return one running instance of the chart on a model that answers and records.

        The model has nothing but what a chart can name, so that no name of a chart is taken.
        """
        done, taken = self.done, self.taken

        def flag(name: str) -> property:
            return property(lambda facts: self.states[name].value in getattr(facts, _FIELD))

        def answer(_: object) -> bool:
            self.asked = True  # both answers are explored then
            return self.embargoed

        def record(name: str) -> Any:
            return lambda _: done.append(name)

        def before_transition(facts: Any, event: object, transition: Transition) -> None:
            if not event:
                active = {name for name in self.order if getattr(facts, name)}
                self._reject_ambiguity(active, None, transition)
            taken.append(transition)
            if len(taken) > MICROSTEPS:
                loop = "; ".join(self.where(t) for t in taken[-4:])
                raise InvalidChart(f"{self.name}: an endless loop: {loop}")

        body: dict[str, Any] = {"before_transition": before_transition}
        body |= {name: flag(name) for name in self.order}
        body |= {name: property(answer) for name in self.context}
        body |= {name: record(name) for name in self.actions}
        facts = type("Facts", (), body)()
        setattr(facts, _FIELD, OrderedSet(state.value for state in self.default_start()))
        return self.chart(model=facts, state_field=_FIELD)

    def _set(self, configuration: Iterable[str]) -> None:
        active = set(configuration) | {self.root.id, *self.regions}
        values = [state.value for name, state in self.states.items() if name in active]
        self.engine.current_state_value = OrderedSet(values)

    def _run(self, configuration: tuple[str, ...], event: str) -> tuple[str, ...]:
        self._set(configuration)
        self._reject_ambiguity(configuration, event, None)
        self.asked = False
        self.done.clear()
        self.taken.clear()
        self.engine.send(event)
        active = {state.id for state in self.engine.configuration}
        for name, region in self.regions.items():
            here = [s.id for s in walk(region) if s.id in active and s.is_atomic]
            if len(here) != 1:
                line = "; ".join(self.where(t) for t in self.taken)
                raise InvalidChart(
                    f"{self.name}: region {name!r} ends in {here} after event {event!r} in "
                    f"{self.words(configuration)}: {line}"
                )
        return tuple(name for name in self.order if name in active)

    def _reject_ambiguity(
        self, active: Collection[str], event: str | None, taken: Transition | None
    ) -> None:
        """Two transitions of one region enabled together must stem from one `|` chain, in its order.

        Args:
            active: The configuration.
            event: Which event; `None` for transitions without one.
            taken: Look at the region of this transition only.
        """
        asked = self.asked
        enabled: dict[str, list[Transition]] = {}
        # The engine looks at a state before it looks at its parents, and takes one for each region.
        for name in sorted(active, key=self.order.index, reverse=True):
            region = self.region_of[name]
            if taken is not None and region != self.region_of[taken.source.id]:
                continue
            for transition in declared(self.states[name]):
                heard = transition.match(event) if event else transition.is_eventless
                if heard and self.enabled(transition, active):
                    enabled.setdefault(region, []).append(transition)
        self.asked = asked
        for first, *others in enabled.values():
            one = self.places.get(first)
            for other in others:
                two = self.places.get(other)
                if one is None or two is None or one.chain != two.chain or one.order > two.order:
                    raise InvalidChart(
                        f"{self.name}: both enabled in {self.words(sorted(active, key=self.order.index))}: "
                        f"{self.where(first)}; {self.where(other)}"
                    )

    # -- exploring ---------------------------------------------------------------------------

    def _starts(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        default = {s.id for s in self.default_start()}
        starts = {}
        for chosen in product(*getattr(self.chart, "starts", ())):
            active = set(default)
            for name in chosen:
                active -= {s.id for s in self.regions[self.region_of[name]].states}
                active.add(name)
            starts[chosen] = tuple(name for name in self.order if name in active)
        return starts or {(): tuple(name for name in self.order if name in default)}

    def _reject_unrest(self, starts: Mapping[tuple[str, ...], tuple[str, ...]]) -> None:
        """Nothing runs when a machine starts, so a start must need nothing to run."""
        for configuration in starts.values():
            for name in configuration:
                state = self.states[name]
                entry = [str(s.func) for s in state.enter if not s.is_convention]
                if entry:
                    raise InvalidChart(f"{self.name}: {name!r} is a start and enters with {entry}")
                for transition in declared(state):
                    if transition.is_eventless and self.enabled(transition, configuration):
                        raise InvalidChart(
                            f"{self.name}: the start {self.words(configuration)} is not at rest: "
                            f"{self.where(transition)}"
                        )

    def _cell(self, source: tuple[str, ...], event: str, *, embargoed: bool) -> _Cell:
        active = frozenset(source)
        nothing = Step((), (), None)
        self.embargoed = embargoed
        for refusal in getattr(self.chart, "refusals", ()):
            if event in refusal.events.split() and self.holds(refusal.guard, active):
                return _Cell(Disposition.REFUSED, source, nothing, refusal.code)
        if event in self.hears and not self.holds(self.hears[event], active):
            return _Cell(Disposition.STALE, source, nothing)
        target = self._run(source, event)
        settled = self._settled(source, event, target)
        if not self.taken and not settled:
            return _Cell(Disposition.IGNORED, source, nothing)
        step = Step(tuple(self.done), settled, self.reason(source, event, target))
        return _Cell(Disposition.HANDLED, target, step)

    def _settled(
        self, source: tuple[str, ...], event: str, target: tuple[str, ...]
    ) -> tuple[tuple[str, Code | None], ...]:
        """Return the kinds of command that could wait in the source and whose wait ends here."""
        settled = []
        for kind in self.kinds():
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

    def table(self) -> Table:
        starts = self._starts()
        self._reject_unrest(starts)
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
                if self.asked and usual.disposition is not Disposition.REFUSED:
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
                into = [self.where(t) for t in self.transitions if t.target and t.target.id == name]
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
            kinds=tuple(self.kinds()),
            configurations=tuple(ordered),
            statuses=tuple(self.status(configuration) for configuration in ordered),
            dead_ends=tuple(self.dead_end(configuration) for configuration in ordered),
            starts=tuple(
                (chosen, index[configuration]) for chosen, configuration in starts.items()
            ),
            steps=tuple(steps),
            handled=tuple(handled),
            embargoed=tuple(embargoed),
            refused=tuple(refused),
            stale=tuple(stale),
        )
