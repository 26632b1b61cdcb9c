"""Formulas: the one module that imports the solver, and the few connectives the proof uses.

A formula is a Python `bool` or a formula of the solver. The connectives fold Python constants, so
that what holds of a configuration by itself never reaches the solver. z3's package has no type
stubs, so its objects are `Any` here and everywhere in this package.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from statemodel._errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterable

Formula: TypeAlias = Any
"""A `bool`, or a Boolean expression of the solver."""
Number: TypeAlias = Any
"""A number, or a real expression of the solver."""


@cache
def _z3() -> Any:
    """Import z3 when it is first needed.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import z3  # noqa: PLC0415 - an optional extra, imported only by who proves
    except ModuleNotFoundError as error:
        if error.name != "z3":
            raise
        raise MissingExtra("z3", "the proof", "proof") from error
    return z3


def conjunction(*parts: Formula) -> Formula:
    """Return what holds when all parts do."""
    kept = [part for part in parts if part is not True]
    if any(part is False for part in kept):
        return False
    if len(kept) < 2:
        return kept[0] if kept else True
    return _z3().And(*kept)


def disjunction(*parts: Formula) -> Formula:
    """Return what holds when some part does."""
    kept = [part for part in parts if part is not False]
    if any(part is True for part in kept):
        return True
    if len(kept) < 2:
        return kept[0] if kept else False
    return _z3().Or(*kept)


def negation(part: Formula) -> Formula:
    """Return what holds when the part does not."""
    return (not part) if isinstance(part, bool) else _z3().Not(part)


def implies(premise: Formula, conclusion: Formula) -> Formula:
    """Return what fails only where the premise holds and the conclusion does not."""
    return disjunction(negation(premise), conclusion)


def iff(one: Formula, other: Formula) -> Formula:
    """Return what holds when both hold or neither."""
    if isinstance(one, bool):
        one, other = other, one
    if isinstance(other, bool):
        return one if other else negation(one)
    return one == other


def choose(condition: Formula, yes: Number, no: Number) -> Number:
    """Return one number if the condition holds, else the other."""
    if isinstance(condition, bool):
        return yes if condition else no
    return _z3().If(condition, yes, no)


def least(one: Number, other: Number) -> Number:
    """Return the smaller number."""
    return choose(one <= other, one, other)


def greatest(one: Number, other: Number) -> Number:
    """Return the larger number."""
    return choose(one >= other, one, other)


class Universe:
    """A space of variables of its own, with its solver: two of them never influence each other."""

    def __init__(self) -> None:
        self._z3 = _z3()
        self._context = self._z3.Context()
        self._solver = self._z3.SolverFor("QF_LRA", ctx=self._context)
        self._solver.set("random_seed", 7)

    def real(self, name: str) -> Number:
        """Return the real variable of that name."""
        return self._z3.Real(name, self._context)

    def truth(self, name: str) -> Formula:
        """Return the Boolean variable of that name."""
        return self._z3.Bool(name, self._context)

    def assume(self, formula: Formula) -> None:
        """Assume a formula in everything that is asked from now on."""
        self._solver.add(formula)

    def solve(self, *parts: Formula, preferring: Iterable[Formula] = ()) -> Model | None:
        """Return values under which all parts hold; `None` if there are none.

        Args:
            parts: What must hold.
            preferring: What may hold as well, so that the values read easily; asked for only when
                there are values at all.

        Raises:
            Undecided: the solver gave up.
        """
        formula = conjunction(*parts)
        if formula is False:
            return None
        found = self._ask(formula)
        if found is None:
            return None
        chosen: list[Formula] = []
        for wish in preferring:
            better = self._ask(conjunction(formula, *chosen, wish))
            if better is not None:
                chosen.append(wish)
                found = better
        return found

    def variables(self, formula: Formula) -> frozenset[str]:
        """Return the names of the variables that a formula speaks of."""
        found: set[str] = set()
        seen: set[int] = set()
        todo = [] if isinstance(formula, bool) else [formula]
        while todo:
            part = todo.pop()
            if part.get_id() in seen:
                continue
            seen.add(part.get_id())
            if self._z3.is_const(part) and part.decl().kind() == self._z3.Z3_OP_UNINTERPRETED:
                found.add(part.decl().name())
            todo += part.children()
        return frozenset(found)

    def _ask(self, formula: Formula) -> Model | None:
        self._solver.push()
        try:
            self._solver.add(formula)
            answer = self._solver.check()
            if answer == self._z3.unknown:
                raise Undecided(self._solver.reason_unknown())
            return Model(self._z3, self._solver.model()) if answer == self._z3.sat else None
        finally:
            self._solver.pop()


class Undecided(Exception):
    """The solver could not say whether a formula can hold; never leaves this package."""


class Model:
    """Values for the variables under which a formula holds."""

    def __init__(self, z3: Any, values: Any) -> None:
        self._z3 = z3
        self._values = values

    def text(self, expression: Any) -> str:
        """Return the value of an expression, as a number of seconds or as `yes` and `no`."""
        if isinstance(expression, bool):
            return "yes" if expression else "no"
        if isinstance(expression, (int, float)):
            return f"{expression:g}"
        value = self._values.eval(expression, model_completion=True)
        if self._z3.is_bool(value):
            return "yes" if self._z3.is_true(value) else "no"
        exact = Fraction(value.numerator_as_long(), value.denominator_as_long())
        return str(exact.numerator) if exact.denominator == 1 else f"{float(exact):.10g}"
