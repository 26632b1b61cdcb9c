"""A subject in a process of its own, in any language: JSON lines over standard input and output.

Whatever the process does, each question has an end: a time limit, a longest line, and its death.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic  # noqa: TID251 - the time limit of a process is real time
from typing import IO, Any, NoReturn

from statemodel.conformance._codec import act_to_json, entry_from_json, opening_to_json
from statemodel.conformance._subject import (
    CAPABILITIES,
    PROTOCOL,
    Act,
    SubjectError,
    Trouble,
)
from statemodel.scripts import Script
from statemodel.traces import Entry

_LONGEST_LINE = 1 << 20
"""Bytes of an answer at most."""

_LAST_WORDS = 600
"""Characters of the process's standard error that a verdict shows."""


class ProcessSubject:
    """An implementation behind the JSON lines protocol; it is started anew when it has ended.

    Args:
        command: The program and its arguments.
        time_limit: Seconds of real time that it may take for one answer.

    Raises:
        SubjectError: it cannot be started, or does not speak the protocol.
    """

    def __init__(self, command: Sequence[str], *, time_limit: float = 10.0) -> None:
        self._command = list(command)
        self._limit = time_limit
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._rest = b""
        self._asked = 0
        self.name = self._command[0]
        self.capabilities: frozenset[str] = frozenset()
        self._start()

    # -- as a subject ----------------------------------------------------------------------------

    def open(self, opening: Script, draws: Sequence[float]) -> Sequence[Entry]:
        """Ask it to open a fresh connection object."""
        if self._process is None:
            self._start()
        answer = self._ask("open", **opening_to_json(opening, draws))
        return self._entries(answer.get("seen"))

    def perform(self, acts: Sequence[Act]) -> Sequence[Sequence[Entry]]:
        """Ask it to play some steps."""
        seen = self._ask("steps", steps=[act_to_json(act) for act in acts]).get("seen")
        if not isinstance(seen, list):
            self._give_up(Trouble.BABBLED, f"`seen` is a list of lists, not {_short(seen)}")
        return [self._entries(items) for items in seen]

    def close(self) -> None:
        """Say goodbye, and end the process if it does not end itself."""
        if self._process is not None:
            with suppress(SubjectError):
                self._ask("bye")
            if self._process is not None:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(min(self._limit, 1.0))
        self._end()

    # -- the process -----------------------------------------------------------------------------

    def _start(self) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_end`
        self._rest = b""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the tester's own
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._end()
            message = f"{self._command[0]!r} cannot be started: {error}"
            raise SubjectError(Trouble.CRASHED, message) from error
        answer = self._ask("hello", protocol=PROTOCOL)
        name, words = answer.get("name"), answer.get("capabilities")
        if answer.get("protocol") != PROTOCOL:
            self._give_up(
                Trouble.REFUSED,
                f"it speaks protocol {_short(answer.get('protocol'))}, and this is {PROTOCOL}",
            )
        if not isinstance(name, str) or not isinstance(words, list):
            self._give_up(Trouble.BABBLED, "it said hello without `name` and `capabilities`")
        unknown = [word for word in words if word not in tuple(CAPABILITIES)]
        if unknown:
            self._give_up(
                Trouble.LIED,
                f"there is no capability {_short(unknown[0])}; there are {', '.join(CAPABILITIES)}",
            )
        self.name, self.capabilities = name, frozenset(words)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # its own group: what it started as well
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    # -- questions -------------------------------------------------------------------------------

    def _ask(self, do: str, **what: Any) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None:
            raise SubjectError(Trouble.CRASHED, "it has ended")
        if self._rest:
            self._give_up(Trouble.BABBLED, f"it spoke without being asked: {_short(self._rest)}")
        self._asked += 1
        line = json.dumps({"id": self._asked, "do": do, **what}) + "\n"
        with suppress(BrokenPipeError):  # it is dead: reading says more
            process.stdin.write(line.encode())
        answer = self._parsed(self._line(do))
        if answer.get("id") != self._asked:
            self._give_up(
                Trouble.BABBLED,
                f"it answered question {_short(answer.get('id'))} when asked {self._asked}",
            )
        if "error" in answer:
            raise SubjectError(
                Trouble.REFUSED, f"asked for {do}, it said: {_short(answer['error'])}"
            )
        return answer

    def _line(self, do: str) -> bytes:
        """Read one line, within the time limit."""
        assert self._process is not None, "asked"
        assert self._process.stdout is not None, "a pipe"
        file = self._process.stdout.fileno()
        end = monotonic() + self._limit
        while b"\n" not in self._rest:
            if len(self._rest) > _LONGEST_LINE:
                self._give_up(
                    Trouble.BABBLED, f"it wrote a line of more than {_LONGEST_LINE} bytes"
                )
            if not select.select([file], [], [], max(0.0, end - monotonic()))[0]:
                self._give_up(
                    Trouble.HUNG, f"asked for {do}, it did not answer within {self._limit:g} s"
                )
            part = os.read(file, 1 << 16)
            if not part:
                self._give_up(Trouble.CRASHED, self._how_it_ended(do))
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            self._give_up(Trouble.BABBLED, f"it wrote what is no JSON object: {_short(line)}")
        return answer

    def _entries(self, items: object) -> list[Entry]:
        if not isinstance(items, list):
            self._give_up(Trouble.BABBLED, f"`seen` is a list, not {_short(items)}")
        return [entry_from_json(item) for item in items]

    def _how_it_ended(self, do: str) -> str:
        assert self._process is not None, "asked"
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return f"asked for {do}, it closed its output"
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"asked for {do}, it {how}"

    def _give_up(self, trouble: Trouble, message: str) -> NoReturn:
        """End the process and say why, with the last that it wrote to its standard error."""
        words = ""
        if self._errors is not None:
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, size - _LAST_WORDS))
            words = self._errors.read().decode("utf-8", "replace").strip()
        self._end()
        raise SubjectError(trouble, message + (f"; its last words: {words}" if words else ""))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
