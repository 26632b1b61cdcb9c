"""A case: a script played on a subject, judged, and made smaller if it shows something wrong."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from statemodel.conformance._judging import judged
from statemodel.conformance._playing import Playing
from statemodel.conformance._showing import printable
from statemodel.conformance._subject import Subject, SubjectError, Trouble
from statemodel.conformance._waits import judge_waits
from statemodel.conformance._wording import lines_of
from statemodel.scripts import Script, Step
from statemodel.trace_rules import Finding
from statemodel.traces import Trace

_TRIES = 300
"""How often a case is played again, at most, to make it smaller."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A case in which a subject breaks a rule, or cannot be judged."""

    script: Script
    """What was played; `statemodel conform --replay` plays it again."""
    trace: Trace
    """What happened."""
    findings: tuple[Finding, ...] = ()
    """Where rules are broken; the first is the one to name."""
    error: SubjectError | None = None
    """The subject's trouble, if it cannot be judged."""
    part: str = ""
    """In which part of the test it was found."""
    end: int | None = None
    """The index of the trace's entry with which the kit ended the script: it reports once more what
    is known, so that what is overdue shows."""

    @property
    def rule(self) -> str | None:
        """The number of the rule that is broken; `None` if the subject cannot be judged."""
        return None if self.error is not None else self.findings[0].rule

    @property
    def verdict(self) -> str:
        """The rule's number, or the subject's trouble."""
        return self.error.trouble.value if self.error is not None else self.findings[0].rule

    @property
    def hung(self) -> bool:
        """Whether the subject did not answer in time."""
        return self.error is not None and self.error.trouble is Trouble.HUNG

    @property
    def message(self) -> str:
        """What is wrong, in one sentence."""
        if self.error is not None:
            return str(self.error)
        return f"at {self.findings[0].time:g} s: {self.findings[0].message}"

    def text(self) -> str:
        """Return the verdict, the script, and a timeline with what is wrong."""
        return printable("\n".join(lines_of(self)) + "\n")


@dataclass(frozen=True, slots=True)
class Case:
    """What came of a script."""

    script: Script
    """What was played of it."""
    connected: bool
    """Whether a socket was open at any time."""
    failure: Failure | None
    """What is wrong, if anything is."""

    @classmethod
    def of(cls, playing: Playing, rules: Container[str], error: SubjectError | None = None) -> Self:
        """Judge what was played.

        Args:
            playing: The case.
            rules: Those to judge by.
            error: The trouble that ended it, if one did.
        """
        script, connected = playing.script, playing.connected
        if error is not None:
            failure = Failure(script, playing.trace, error=error, end=playing.end)
            return cls(script, connected, failure)
        trace, findings = judged(playing, rules)
        if not findings:
            return cls(script, connected, None)
        return cls(script, connected, Failure(script, trace, tuple(findings), end=playing.end))

    @classmethod
    def play(cls, subject: Subject, script: Script, rules: Container[str]) -> Self:
        """Play a script and judge it.

        Raises:
            InvalidInput: no subject can take such a script.
        """
        try:
            playing = Playing(subject, script, draws_of(script.steps))
        except SubjectError as error:
            return cls(script, connected=False, failure=Failure(script, [], error=error))
        try:
            playing.play_script(script)
            playing.finish()
        except SubjectError as error:
            return cls.of(playing, rules, error)
        return cls.of(playing, rules)


def draws_of(steps: Sequence[Step]) -> tuple[float, ...]:
    """Return the random numbers that a script gives a subject: its steps', if it chose any."""
    draws = tuple(step.draw for step in steps)
    return draws if any(draw != 0.5 for draw in draws) else ()


def shrunk(
    subject: Subject, failures: Iterable[Failure], rules: Container[str]
) -> Iterator[Failure]:
    """Yield for each failure a smaller case with the same verdict: steps left out, turns taken apart.

    A subject that hangs is not asked again: each time, its whole time limit would have to be waited
    out. The failure is then yielded as small as it is, and those after it as they are.
    """
    hung = False
    for failure in failures:
        if hung or failure.hung:
            yield failure
            continue
        smaller, hung = _shrunk(subject, failure, rules)
        yield replace(smaller, part=failure.part)


def _shrunk(subject: Subject, failure: Failure, rules: Container[str]) -> tuple[Failure, bool]:
    """Return a smaller case with the same verdict, and whether the subject hung in another."""
    best, tries, hung = failure, 0, False

    def same(steps: Sequence[Step]) -> Failure | None:
        nonlocal tries, hung
        if tries >= _TRIES or hung:
            return None
        tries += 1
        found = Case.play(subject, replace(best.script, steps=tuple(steps)), rules).failure
        hung = found is not None and found.hung
        return found if found is not None and found.verdict == failure.verdict else None

    if failure.findings and failure.findings[0] in set(judge_waits(failure.trace)):
        return _beginning(failure, same), hung  # it needs many waits, whatever they are

    def smaller(change: Callable[[tuple[Step, ...], int, int], tuple[Step, ...]]) -> None:
        nonlocal best
        size = max(1, len(best.script.steps) // 2)
        while size:
            at = 0
            while at < len(best.script.steps):
                steps = best.script.steps
                candidate = change(steps, at, size)
                found = same(candidate) if candidate != steps else None
                if found is not None:
                    best = found
                if found is None or len(best.script.steps) >= len(steps):
                    at += size
            size //= 2

    smaller(lambda steps, at, size: steps[:at] + steps[at + size :])
    smaller(_calmer)
    smaller(_joined)
    smaller(lambda steps, at, size: steps[:at] + steps[at + size :])
    return best, hung


def _beginning(failure: Failure, same: Callable[[Sequence[Step]], Failure | None]) -> Failure:
    """Return the shortest beginning of a case that has the same verdict, roughly."""
    best = failure
    size = len(failure.script.steps) // 2
    while size > 8:
        found = same(best.script.steps[:-size])
        if found is not None:
            best = found
        else:
            size //= 2
    return best


def _joined(steps: tuple[Step, ...], at: int, size: int) -> tuple[Step, ...]:
    """Return steps with a run of waits as one."""
    some = steps[at : at + size + 1]
    if len(some) < 2 or any(step.do != "wait" or step.together for step in some):
        return steps
    one = replace(some[0], number=sum(step.number for step in some))
    return (*steps[:at], one, *steps[at + size + 1 :])


def _calmer(steps: tuple[Step, ...], at: int, size: int) -> tuple[Step, ...]:
    """Return steps without what is special: turns of several, ties, chosen draws."""
    plain = (
        replace(step, do="wait" if step.do == "reach" else step.do, draw=0.5, together=False)
        for step in steps[at : at + size]
    )
    return (*steps[:at], *plain, *steps[at + size :])
