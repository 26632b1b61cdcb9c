"""Walks as a state machine of Hypothesis, for testers who run pytest or unittest."""

from __future__ import annotations

import atexit
from dataclasses import replace
from typing import Any, ClassVar

from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from statemodel.conformance._cases import Case, Failure, draws_of, shrunk
from statemodel.conformance._judging import exercised
from statemodel.conformance._playing import Playing
from statemodel.conformance._subject import Subject, SubjectError
from statemodel.conformance._walks import CHANCES, first_steps, next_turn, opening
from statemodel.scripts import Step


class ConnectionConformance(RuleBasedStateMachine):
    """Steered walks on a subject, each judged by the rules when it is over.

    Subclass it with a factory, and let pytest or unittest find its test case:

        class MyConformance(ConnectionConformance):
            def subject(self):
                return MySubject()

        TestMyConformance = MyConformance.TestCase

    One subject serves all cases of a class; it is opened anew for each, and closed when Python
    ends. A failure is made smaller by leaving out steps of its script, not by Hypothesis, whose
    own shrinking is switched off. The number of examples is `TestMyConformance.settings`'.
    """

    only: ClassVar[tuple[str, ...] | None] = None
    """The numbers of the rules to judge by; by default all that can be judged."""

    _made: ClassVar[Subject | None] = None
    _found: ClassVar[dict[str, Failure]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._made, cls._found = None, {}
        generate = (Phase.explicit, Phase.reuse, Phase.generate)
        case: Any = cls.TestCase
        case.settings = settings(case.settings, phases=generate, stateful_step_count=40)

    def __init__(self) -> None:
        super().__init__()
        cls = type(self)
        if cls._made is None:
            cls._made = self.subject()
            atexit.register(cls._made.close)
        self._subject = cls._made
        self._rules = frozenset(
            number
            for number in exercised(self._subject.capabilities)
            if self.only is None or number in self.only
        )
        self._playing: Playing | None = None
        self._error: SubjectError | None = None
        self._luck = 0.5
        self._chance: Any = None

    def subject(self) -> Subject:
        """Make the subject."""
        raise NotImplementedError("a subclass makes the subject")

    @initialize(chance=CHANCES)
    def open_connection(self, chance: Any) -> None:
        """Open a fresh connection object."""
        self._chance = chance
        opened, self._luck = opening(chance, self._subject.capabilities)
        try:
            self._playing = Playing(
                self._subject, opened, draws_of([Step(do="connect", draw=self._luck)])
            )
        except SubjectError as error:
            raise AssertionError(str(error)) from error
        steps = first_steps(chance, self._subject.capabilities)
        self._play(*(replace(step, draw=self._luck) for step in steps))

    @rule()
    def next_turn(self) -> None:
        """Let something happen, mostly something for which the moment is right."""
        if self._playing is not None:
            self._play(*next_turn(self._chance, self._playing, self._luck))

    def teardown(self) -> None:
        """Judge the case.

        Raises:
            AssertionError: a rule is broken, or the subject is in trouble; with the script.
        """
        if self._playing is None:
            return
        self._play(Step(do="wait", number=31.0, draw=self._luck))
        if self._error is None:
            self._try(self._playing.finish)
        failure = Case.of(self._playing, self._rules, self._error).failure
        if failure is None:
            return
        known = self._found.get(failure.verdict)
        if known is None:
            named = replace(failure, part="walks")
            [known] = shrunk(self._subject, [named], self._rules)
            self._found[failure.verdict] = known
        raise AssertionError(known.text())

    def _play(self, *steps: Step) -> None:
        if self._error is None and self._playing is not None:
            playing = self._playing
            self._try(lambda: playing.play(*steps))

    def _try(self, play: Any) -> None:
        try:
            play()
        except SubjectError as error:
            self._error = error
