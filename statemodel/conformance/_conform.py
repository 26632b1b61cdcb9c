"""The whole test of a subject: the deterministic parts, then walks; with a report of what it means."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from statemodel._errors import StateModelError
from statemodel._vocabulary import Mode
from statemodel.conformance import _suite
from statemodel.conformance._cases import Case, Failure, shrunk
from statemodel.conformance._judging import TOLD, exercised, rank
from statemodel.conformance._report import Part, Report
from statemodel.conformance._subject import Subject, SubjectError, Trouble
from statemodel.conformance._wording import REPLAYED
from statemodel.rules import RULES
from statemodel.scripts import Script
from statemodel.trace_rules import TRACE_RULES

_NEEDED = (
    (frozenset({"auto", "manual"}), "it is capable of neither mode, `auto` nor `manual`"),
    (
        frozenset({"login", "restored"}),
        "it is capable of neither `login` nor `restored`, and without a user nothing ever connects",
    ),
)
"""Of each of these, a subject has at least one."""

Progress = Callable[[str], None]
"""Is told what is being done."""


def conformance_suite(
    subject: Subject, *, only: Collection[str] | None = None, progress: Progress | None = None
) -> Report:
    """Hold a subject against the rules in the runs that need no luck.

    Time boundaries, ends of all kinds, pairs of commands in one turn, waits by the hundred, and runs that together take
    every row of the connection's table. It stops after the first part that shows a failure.

    Args:
        subject: Who is tested; it is not closed.
        only: The rules to judge by; by default all that can be judged.
        progress: Is told what is being done.

    Raises:
        StateModelError: there is no such rule.
    """
    test = _Test(subject, only, progress)
    test.suite()
    return test.report()


def conform(
    subject: Subject,
    *,
    seed: int = 0,
    examples: int = 100,
    only: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Hold a subject against the rules: the suite, then steered walks.

    Needs Hypothesis, which draws the walks (`pip install statemodel[conformance]`).

    Args:
        subject: Who is tested; it is not closed.
        seed: Which walks are drawn.
        examples: How many, at most; 0: none.
        only: The rules to judge by; by default all that can be judged.
        progress: Is told what is being done.

    Raises:
        StateModelError: there is no such rule, or Hypothesis is missing.
    """
    test = _Test(subject, only, progress)
    test.suite()
    if not test.failures and examples:
        test.walk(seed, examples)
    return test.report()


def replay(subject: Subject, script: Script, *, only: Collection[str] | None = None) -> Report:
    """Play one script on a subject and judge it, without making it smaller.

    Raises:
        InvalidInput: no subject can take such a script.
        StateModelError: there is no such rule.
    """
    test = _Test(subject, only, None)
    if test.able():
        test.part(REPLAYED, [script], shrink=False)
    return test.report()


class _Test:
    def __init__(
        self, subject: Subject, only: Collection[str] | None, progress: Progress | None
    ) -> None:
        self._subject = subject
        self._tell = progress or (lambda _: None)
        unknown = sorted(set(only or ()) - set(RULES))
        if unknown:
            raise StateModelError(f"there is no rule {unknown[0]!r}; there are {', '.join(RULES)}")
        chosen = [number for number in TRACE_RULES if only is None or number in only]
        if only is None or "B3" in only:
            chosen.append("B3")  # seen only in many waits
        self._rules = frozenset(exercised(subject.capabilities, chosen))
        self._asked = [number for number in RULES if only is None or number in only]
        self._parts: list[Part] = []
        self.failures: list[Failure] = []

    def able(self) -> bool:
        """Say whether the subject can ever connect; if not, that is the failure."""
        for needed, sentence in _NEEDED:
            if not needed & self._subject.capabilities:
                error = SubjectError(Trouble.REFUSED, sentence)
                nothing = Script(mode=Mode.AUTO)
                self.failures.append(Failure(nothing, [], error=error, part="its capabilities"))
                return False
        return True

    def suite(self) -> None:
        """Play all parts that need no luck, up to a failure."""
        if not self.able():
            return
        can = self._subject.capabilities
        for name, scripts in (
            ("time boundaries", _suite.boundaries(can)),
            ("ends of all kinds", _suite.policies(can)),
            ("two things in one turn", _suite.turns(can)),
            ("many waits", _suite.many_waits(can)),
            ("runs through the table", _suite.possible(_suite.covering(), can)),
        ):
            self.part(name, scripts)
            if self.failures:
                return

    def part(self, name: str, scripts: Iterable[Script], *, shrink: bool = True) -> None:
        """Play some scripts; of those that fail, keep one for each verdict, made smaller."""
        self._tell(name)
        cases = (Case.play(self._subject, script, self._rules) for script in scripts)
        self._count(name, cases, shrink=shrink)

    def walk(self, seed: int, examples: int) -> None:
        """Draw walks up to a failure."""
        try:
            from statemodel.conformance._drawing import drawn  # noqa: PLC0415 - needs hypothesis
        except ModuleNotFoundError as error:
            raise StateModelError(
                "walks need Hypothesis: install statemodel[conformance], or ask for 0 examples"
            ) from error
        name = f"walks (seed {seed})"
        self._tell(name)
        self._count(name, drawn(self._subject, self._rules, seed, examples), shrink=True)

    def _count(self, name: str, cases: Iterable[Case], *, shrink: bool) -> None:
        played = connected = steps = 0
        found: dict[str, Failure] = {}
        for case in cases:
            played += 1
            connected += case.connected
            steps += len(case.script.steps)
            failure = case.failure
            if failure is None:
                continue
            known = found.get(failure.verdict)
            if known is None or len(failure.script.steps) < len(known.script.steps):
                found[failure.verdict] = failure
            if failure.error is not None:  # it may have to be waited for each time
                break
        self._parts.append(Part(name=name, cases=played, connected=connected, steps=steps))
        failures = [replace(failure, part=name) for failure in found.values()]
        if shrink:
            failures = [*shrunk(self._subject, failures, self._rules)]
        self.failures += sorted(failures, key=_simplest)

    def report(self) -> Report:
        """Return what came of it."""
        return Report(
            subject=self._subject.name,
            capabilities=tuple(sorted(self._subject.capabilities)),
            asked=tuple(self._asked),
            judged=tuple(number for number in self._asked if number in self._rules),
            parts=tuple(self._parts),
            failures=tuple(self.failures),
        )


def _simplest(failure: Failure) -> tuple[bool, int, int]:
    """Sort what is only told last; what needs the fewest steps first; then as in `ORDER`."""
    return failure.verdict in TOLD, len(failure.script.steps), rank(failure.verdict)
