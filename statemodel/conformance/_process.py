"""A subject in a process of its own, in any language: JSON lines over standard input and output.

Whatever the process does, each question has an end: a time limit, a longest line, and its death.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any, NoReturn

from statemodel._errors import InvalidInput
from statemodel._showing import abridged, printable, shown
from statemodel.conformance._codec import act_to_json, entry_from_json, opening_to_json
from statemodel.conformance._program import Program, how
from statemodel.conformance._subject import (
    CAPABILITIES,
    PROTOCOL,
    Act,
    SubjectError,
    Trouble,
)
from statemodel.scripts import Script
from statemodel.traces import Entry

_LEAVING = 1.0
"""Seconds that a process may take to end after `bye`."""

_LONGEST_NAME = 100
"""Characters of its name that are shown, roughly."""


class ProcessSubject:
    """An implementation behind the JSON lines protocol; it is started anew when it has ended.

    Args:
        command: The program and its arguments.
        time_limit: Seconds of real time that it may take for one answer, the question included.

    Raises:
        InvalidInput: this is no command, or no time limit above 0.
        SubjectError: it cannot be started, or does not speak the protocol.
    """

    def __init__(self, command: Sequence[str], *, time_limit: float = 10.0) -> None:
        if isinstance(command, str) or not command:
            raise InvalidInput(f"a command is a list, the program first, and not {command!r}")
        if not isfinite(time_limit) or time_limit <= 0:
            raise InvalidInput(f"a time limit is a number of seconds above 0, not {time_limit!r}")
        self._command = list(command)
        self._limit = time_limit
        self._program: Program | None = None
        self._asked = 0
        self._answered = True
        self.name = self._command[0]
        self.capabilities: frozenset[str] = frozenset()
        self.bad_end: SubjectError | None = None
        """After `close`: what was wrong with its end, an exit code other than 0 after `bye`."""
        self.name, self.capabilities = self._start()

    # -- as a subject ----------------------------------------------------------------------------

    def open(self, opening: Script, draws: Sequence[float]) -> Sequence[Entry]:
        """Ask it to open a fresh connection object."""
        if not self._answered:  # somebody interrupted the last question
            self._end()
        if self._program is None:
            self._start_again()
        answer = self._ask("open", **opening_to_json(opening, draws))
        return self._entries(answer.get("seen"))

    def perform(self, acts: Sequence[Act]) -> Sequence[Sequence[Entry]]:
        """Ask it to play some steps."""
        seen = self._ask("steps", steps=[act_to_json(act) for act in acts]).get("seen")
        if not isinstance(seen, list):
            self._give_up(Trouble.BABBLED, f"`seen` is a list of lists, not {shown(seen)}")
        return [self._entries(items) for items in seen]

    def close(self) -> None:
        """Say goodbye, and end the process if it does not end itself within a second.

        One that owes an answer is ended at once. `bad_end` says if something was wrong.
        """
        if self._program is not None and self._answered:
            code = self._program.leave(self._question("bye"), min(self._limit, _LEAVING))
            if code:
                message = f"after bye, it {how(code)}{self._last_words()}"
                self.bad_end = SubjectError(Trouble.CRASHED, message)
        self._end()

    # -- the process -----------------------------------------------------------------------------

    def _start(self) -> tuple[str, frozenset[str]]:
        try:
            self._program = Program(self._command)
        except (OSError, ValueError) as error:
            message = f"{self._command[0]!r} cannot be started: {error}"
            raise SubjectError(Trouble.CRASHED, message) from error
        self._answered = True
        try:
            return self._greeted()
        except BaseException:  # an interruption as well: nobody has it yet who could close it
            self._end()
            raise

    def _greeted(self) -> tuple[str, frozenset[str]]:
        """Say hello; return its name and what it can do."""
        answer = self._ask("hello", protocol=PROTOCOL)
        version, name, words = (answer.get(key) for key in ("protocol", "name", "capabilities"))
        if not _is_whole(version, PROTOCOL):
            self._give_up(
                Trouble.REFUSED, f"it speaks protocol {shown(version)}, and this is {PROTOCOL}"
            )
        if not isinstance(name, str) or not isinstance(words, list):
            self._give_up(Trouble.BABBLED, "it said hello without `name` and `capabilities`")
        unknown = [word for word in words if word not in tuple(CAPABILITIES)]
        if unknown:
            self._give_up(
                Trouble.LIED,
                f"there is no capability {shown(unknown[0])}; there are {', '.join(CAPABILITIES)}",
            )
        return abridged(printable(name), _LONGEST_NAME), frozenset(words)

    def _start_again(self) -> None:
        _, capabilities = self._start()
        if capabilities != self.capabilities:
            changed = ", ".join(sorted(capabilities ^ self.capabilities))
            self._give_up(Trouble.LIED, f"started again, it has other capabilities: {changed}")

    def _end(self) -> None:
        program, self._program, self._answered = self._program, None, True
        if program is not None:
            program.end()

    # -- questions -------------------------------------------------------------------------------

    def _question(self, do: str, **what: Any) -> bytes:
        self._asked += 1
        return (json.dumps({"id": self._asked, "do": do, **what}) + "\n").encode()

    def _ask(self, do: str, **what: Any) -> dict[str, Any]:
        if self._program is None:
            raise SubjectError(Trouble.CRASHED, "it has ended")
        question = self._question(do, **what)
        self._answered = False
        try:
            line = self._program.ask(do, question, self._limit)
        except SubjectError as error:
            self._give_up(error.trouble, error.message)
        self._answered = True
        answer = self._parsed(line)
        if not _is_whole(answer.get("id"), self._asked):
            self._give_up(
                Trouble.BABBLED,
                f"it answered question {shown(answer.get('id'))} when asked {self._asked}",
            )
        if "error" in answer:
            raise SubjectError(
                Trouble.REFUSED, f"asked for {do}, it said: {shown(answer['error'])}"
            )
        return answer

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(line.decode("utf-8-sig"))  # some runtimes begin with a mark
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            self._give_up(Trouble.BABBLED, f"it wrote what is no JSON object: {shown(line)}")
        return answer

    def _entries(self, items: object) -> list[Entry]:
        if not isinstance(items, list):
            self._give_up(Trouble.BABBLED, f"`seen` is a list, not {shown(items)}")
        try:
            return [entry_from_json(item) for item in items]
        except RecursionError:
            self._give_up(Trouble.BABBLED, "what it saw is nested too deep")

    def _last_words(self) -> str:
        words = "" if self._program is None else self._program.last_words()
        return f"; its last words: {words}" if words else ""

    def _give_up(self, trouble: Trouble, message: str) -> NoReturn:
        """End the process and say why, with the last that it wrote to its standard error."""
        message += self._last_words()
        self._end()
        raise SubjectError(trouble, message)


def _is_whole(value: object, number: int) -> bool:
    """Say whether a value is this whole number; `true` is not 1, and neither is 1.0."""
    return isinstance(value, int) and not isinstance(value, bool) and value == number
