"""The proof by induction: asks the solver, step by step, and keeps what it answers.

What is asked stands in `_invariant` and `_theorems`; of what, in `_steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from statemodel._actions import TIMERS
from statemodel._table import Disposition, Table
from statemodel.proof._invariant import BY_NAME, CONJUNCTS, Conjunct, Place, closure
from statemodel.proof._logic import Formula, Undecided, conjunction, negation
from statemodel.proof._results import Counterexample, Impossible, Proof, Theorem, Vacuity
from statemodel.proof._steps import (
    STATES,
    TIME_PASSES,
    Clocks,
    Group,
    Meaning,
    World,
    demand,
    groups,
)
from statemodel.proof._theorems import STATEMENTS, Claim, Statement


@dataclass(frozen=True, slots=True)
class _Finding:
    """What was asked of one conjunct or claim."""

    groups: frozenset[int]
    """Numbers of the groups in which anything was to be shown."""
    counterexample: Counterexample | None


_Prepared = tuple[Group, Clocks, Formula]


class Prover:
    """One proof of one table under one meaning of the actions."""

    def __init__(self, table: Table, meaning: Meaning) -> None:
        self._table = table
        demand(table)
        self._world = World(meaning)
        self._groups: tuple[_Prepared, ...] = tuple(
            (group, *self._world.after(group)) for group in groups(table)
        )
        self._found: dict[str, _Finding] = {}
        self._invariants: dict[tuple[tuple[str, ...], Place], Formula] = {}
        self._variables: dict[tuple[str, Place], frozenset[str]] = {}

    def run(self) -> Proof:
        """Prove everything, whatever fails."""
        theorems = tuple(self.theorem(statement) for statement in STATEMENTS)
        starts = sum(self._start_fits(configuration) for _, configuration in self._table.starts)
        vacuity = Vacuity(
            rows=sum(group.rows for group, *_ in self._groups),
            impossible=tuple(self._impossible()),
            premises=tuple(theorem.name for theorem in theorems if theorem.vacuous),
            starts=starts,
        )
        return Proof(
            chart=self._table.chart,
            ok=all(theorem.holds for theorem in theorems) and starts == len(self._table.starts),
            theorems=theorems,
            vacuity=vacuity,
        )

    def theorem(self, statement: Statement) -> Theorem:
        """Prove one theorem, with the conjuncts that it needs."""
        findings = [self._induction(BY_NAME[name]) for name in closure(statement.relies)]
        findings.append(self._claims(statement))
        failed = next((each.counterexample for each in findings if each.counterexample), None)
        met = self._can_be_met(statement)
        over = frozenset[int]().union(*(finding.groups for finding in findings))
        return Theorem(
            name=statement.name,
            rules=statement.rules,
            statement=statement.words,
            holds=met and failed is None,
            rows=sum(self._groups[number][0].rows for number in over),
            vacuous=not met,
            counterexample=failed,
        )

    # -- induction -----------------------------------------------------------------------------

    def _induction(self, conjunct: Conjunct) -> _Finding:
        """Show that a conjunct holds at every start and survives every step, or remember it."""
        if conjunct.name not in self._found:
            self._found[conjunct.name] = self._inductive(conjunct)
        return self._found[conjunct.name]

    def _inductive(self, conjunct: Conjunct) -> _Finding:
        begin, known = self._world.begins()
        for _, configuration in self._table.starts:
            goal = conjunct.holds(self._place(configuration), begin, self._world.settings)
            failed = self._refute(
                conjunct.name, conjunction(known, negation(goal)), None, begin, configuration
            )
            if failed is not None:
                return _Finding(frozenset(), failed)
        names = (conjunct.name, *conjunct.relies)
        cases: list[tuple[int, Clocks, Formula]] = []
        for number, (group, after, happens) in enumerate(self._groups):
            if not self._untouched(conjunct, number):
                goal = conjunct.holds(group.target, after, self._world.settings)
                if goal is not True:
                    inside = self._invariant(names, group.source)
                    broken = conjunction(inside, happens, negation(goal))
                    cases.append((number, after, broken))
        return self._decide(conjunct.name, cases)

    def _untouched(self, conjunct: Conjunct, number: int) -> bool:
        """Say whether a step changes nothing that a conjunct speaks of: then it survives."""
        group = self._groups[number][0]
        return group.source == group.target and not (
            self._changed[number] & self._spoken_of(conjunct.name, group.source)
        )

    @cached_property
    def _changed(self) -> tuple[frozenset[str], ...]:
        """For each step, the clocks that it changes."""
        before = self._world.clocks
        return tuple(
            frozenset(name for name in before if after[name] is not before[name])
            for _, after, _ in self._groups
        )

    def _spoken_of(self, name: str, place: Place) -> frozenset[str]:
        """Return the clocks that a conjunct speaks of in a place."""
        key = name, place
        if key not in self._variables:
            formula = self._invariant((name,), place)
            self._variables[key] = self._world.universe.variables(formula)
        return self._variables[key]

    def _claims(self, statement: Statement) -> _Finding:
        """Show that a theorem follows where it speaks."""
        needed = closure(statement.relies)
        return self._decide(
            statement.name,
            (
                (number, after, conjunction(
                    self._invariant(needed, group.source), known, premise, negation(conclusion)
                ))
                for number, group, after, known, (premise, conclusion) in self._cases(statement)
            ),
        )  # fmt: skip

    def _decide(self, name: str, cases: Iterable[tuple[int, Clocks, Formula]]) -> _Finding:
        """Look for a step that breaks something, best from where the whole invariant holds."""
        asked: set[int] = set()
        failed: Counterexample | None = None
        for number, after, broken in cases:
            asked.add(number)
            group = self._groups[number][0]
            found = self._refute(name, broken, group, after)
            if found is None:
                continue
            if self._possible(self._invariant(self._everything, group.source), broken):
                return _Finding(frozenset(asked), found)
            failed = failed or found
        return _Finding(frozenset(asked), failed)

    def _cases(
        self, statement: Statement
    ) -> Iterator[tuple[int, Group, Clocks, Formula, tuple[Formula, Formula]]]:
        """Yield where a theorem speaks: group, clocks after, what is known, premise, conclusion.

        What is always so is asked before each step that time or a row can take from there.
        """
        settings, before = self._world.settings, self._world.clocks
        for number, (group, after, happens) in enumerate(self._groups):
            if statement.step is not None:
                claim: Claim = statement.step(group, before, after, settings)
                if claim is not None:
                    yield number, group, after, happens, claim
            if statement.always is not None and group.event == TIME_PASSES:
                claim = statement.always(group.source, before, settings)
                if claim is not None:
                    yield number, group, before, True, claim

    def _refute(
        self,
        name: str,
        broken: Formula,
        group: Group | None,
        after: Clocks,
        configuration: int | None = None,
    ) -> Counterexample | None:
        """Return values that make a formula true, as a counterexample; `None` if there are none."""
        event = "the start" if group is None else group.event
        row = self._start_text(configuration) if group is None else self._text(group)
        source = None if group is None else group.example[0]
        wishes = self._world.usual()
        if group is not None:  # best from where a run may really be
            wishes = chain((self._invariant(self._everything, group.source),), wishes)
        try:
            model = self._world.universe.solve(broken, preferring=wishes)
        except Undecided as undecided:
            return Counterexample(
                broken=name, row=row, source=source, event=event, values=(),
                undecided=str(undecided) or "no reason given",
            )  # fmt: skip
        if model is None:
            return None
        values = self._shown(model.text, broken, after)
        return Counterexample(broken=name, row=row, source=source, event=event, values=values)

    def _shown(
        self, text: Callable[[object], str], broken: Formula, after: Clocks
    ) -> tuple[tuple[str, str], ...]:
        """Return the values of the variables that a formula speaks of, then what a step changed."""
        named = self._world.universe.variables(broken)
        before = self._world.clocks
        known = {**self._world.settings, **before}
        shown = [
            (name, text(known[name]))
            for name in known
            if name in named and not name.endswith(("_armed", "_due"))
        ]
        shown += _timers(text, before, named)
        shown += [
            (name.partition(" #")[0], text(self._world.universe.real(name)))
            for name in sorted(named)
            if " #" in name and not name.startswith("told")
        ]
        changed = frozenset(name for name in before if after[name] is not before[name])
        shown += [
            (f"{name}'", text(after[name]))
            for name in before
            if name in changed & (named | {"now"}) and not name.endswith(("_armed", "_due"))
        ]
        touched = frozenset(name for name in changed if name.endswith(("_armed", "_due")))
        shown += [(f"{name}'", value) for name, value in _timers(text, after, touched)]
        return tuple(shown)

    # -- vacuity -------------------------------------------------------------------------------

    @cached_property
    def _everything(self) -> tuple[str, ...]:
        return tuple(conjunct.name for conjunct in CONJUNCTS)

    def _start_fits(self, configuration: int) -> bool:
        begin, known = self._world.begins()
        place, settings = self._place(configuration), self._world.settings
        parts = (conjunct.holds(place, begin, settings) for conjunct in CONJUNCTS)
        return self._possible(known, *parts)

    def _can_be_met(self, statement: Statement) -> bool:
        """Say whether a theorem's premise can be met where the whole invariant holds."""
        kinds = {"always": statement.always, "step": statement.step}
        wanted = {kind for kind, claim in kinds.items() if claim is not None}
        for _, group, _, known, (premise, _) in self._cases(statement):
            kind = "always" if known is True and group.event == TIME_PASSES else "step"
            if kind in wanted and self._possible(
                self._invariant(self._everything, group.source), known, premise
            ):
                wanted.discard(kind)
            if not wanted:
                return True
        return False

    def _possible(self, *parts: Formula) -> bool:
        try:
            return self._world.universe.solve(*parts) is not None
        except Undecided:
            return False

    def _impossible(self) -> Iterator[Impossible]:
        for group, _, happens in self._groups:
            if (
                not group.rows
                or group.disposition is not Disposition.HANDLED
                or self._possible(self._invariant(self._everything, group.source), happens)
            ):
                continue
            because = list(self._everything)
            for name in self._everything:  # what is left when nothing more can be left out
                fewer = tuple(other for other in because if other != name)
                if not self._possible(self._invariant(fewer, group.source), happens):
                    because = list(fewer)
            yield Impossible(row=self._text(group), rows=group.rows, because=tuple(because))

    # -- places and texts ----------------------------------------------------------------------

    def _invariant(self, names: tuple[str, ...], place: Place) -> Formula:
        """Return what some conjuncts say of the clocks in a place."""
        key = names, place
        if key not in self._invariants:
            clocks, settings = self._world.clocks, self._world.settings
            parts = (BY_NAME[name].holds(place, clocks, settings) for name in names)
            self._invariants[key] = conjunction(*parts)
        return self._invariants[key]

    def _place(self, configuration: int) -> Place:
        return self._table.active[configuration] & STATES

    def _start_text(self, configuration: int | None) -> str:
        return f"the start in {self._names(configuration or 0)}"

    def _names(self, configuration: int) -> str:
        return " ".join(self._table.configurations[configuration])

    def _text(self, group: Group) -> str:
        source, target = group.example
        asked = {None: "", True: " (Retry-After runs)", False: " (no Retry-After)"}[group.embargo]
        text = f"{self._names(source)} -- {group.event}{asked} --> "
        if source == target:
            text += "the same"
        else:
            were = set(self._table.configurations[source])
            text += " ".join(
                state for state in self._table.configurations[target] if state not in were
            )
        return f"{text}: {', '.join(group.actions)}" if group.actions else text


def _timers(
    text: Callable[[object], str], clocks: Clocks, named: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield the timers that some names are about: when each is due, or that it is off."""
    for timer in TIMERS:
        if {f"{timer}_armed", f"{timer}_due"} & named:
            running = text(clocks[f"{timer}_armed"]) == "yes"
            yield f"{timer} timer", f"due at {text(clocks[f'{timer}_due'])}" if running else "off"
