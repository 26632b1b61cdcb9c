"""A case: a script played on a subject, judged, and made smaller if it shows something wrong."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from statemodel._showing import printable
from statemodel.conformance._judging import judged
from statemodel.conformance._playing import Playing
from statemodel.conformance._shrinking import Still, smallest
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
        except SubjectError as error:  # its steps do not matter
            opened = replace(script, steps=())
            return cls(opened, connected=False, failure=Failure(opened, [], error=error))
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
    """Yield for each failure a smaller case with the same verdict: fewer steps and settings, plainer numbers.

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
    best, hung = failure, False
    tried = {failure.script}

    def still(script: Script) -> Script | None:
        nonlocal best, hung
        if script in tried or len(tried) > _TRIES or hung:
            return None
        tried.add(script)
        found = Case.play(subject, script, rules).failure
        hung = found is not None and found.hung
        if found is None or found.verdict != failure.verdict:
            return None
        best = found
        return found.script

    if failure.findings and failure.findings[0] in set(judge_waits(failure.trace)):
        _beginning(failure.script, still)  # it needs many waits, whatever they are
    else:
        smallest(failure.script, still)
    return best, hung


def _beginning(script: Script, still: Still) -> None:
    """Try for the shortest beginning that shows the same, roughly."""
    size = len(script.steps) // 2
    while size > 8:
        found = still(replace(script, steps=script.steps[:-size]))
        if found is not None:
            script = found
        else:
            size //= 2
