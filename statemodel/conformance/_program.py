"""A program that is spoken to in lines: whatever it does, everything that is waited for has an end.

Owns its pipes, its process group and the real time; knows nothing of what is said.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic  # noqa: TID251 - the time limit of a process is real time

from statemodel._showing import shown
from statemodel.conformance._subject import SubjectError, Trouble

_LONGEST_LINE = 1 << 20
"""Bytes of an answer at most."""

_CHUNK = 1 << 16
"""Bytes that are read or written at once, at most."""

_KEPT = 4096
"""Bytes of its standard error that are kept: the last ones."""

_LAST_WORDS = 600
"""Characters of its standard error that are shown."""

_TICK = 0.05
"""Seconds between two looks at whether it still lives. Its death alone does not end a wait, since a
child of its own may hold its output open."""

_DYING = 1.0
"""Seconds for which it may take to end, once it has closed a pipe."""


class Program:
    """A process in a group of its own, with its three pipes.

    No pipe blocks: what it writes is read while it is written to, so that neither side waits for
    the other for ever.

    Args:
        command: The program and its arguments.

    Raises:
        OSError: it cannot be started.
        ValueError: no program can have such a name or argument.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the command is the tester's own
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._pipes = [pipe for pipe in pipes if pipe is not None]
        self._input, self._output, self._errors = (pipe.fileno() for pipe in self._pipes)
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._selector.register(self._errors, selectors.EVENT_READ)
        self._unsaid = b""
        self._heard = bytearray()
        self._words = b""
        self._deaf = self._mute = False

    # -- talking ---------------------------------------------------------------------------------

    def ask(self, do: str, line: bytes, seconds: float) -> bytes:
        """Write one line and return the line that answers it, without its end.

        Args:
            do: What it is asked for, for messages.
            line: The question, with its end.
            seconds: How long writing and answering may take together.

        Raises:
            SubjectError: it did not answer in time, or not with one line, or ended.
        """
        end = monotonic() + seconds
        if self._heard:
            raise SubjectError(
                Trouble.BABBLED, f"it spoke without being asked: {shown(bytes(self._heard))}"
            )
        self._say(line)
        while True:
            ended = self._process.poll() is not None  # what it wrote is all there, then
            more = self._exchange(0.0 if ended else min(_TICK, max(0.0, end - monotonic())))
            length = self._heard.find(b"\n")
            if max(length, len(self._heard) if length < 0 else 0) > _LONGEST_LINE:
                raise SubjectError(
                    Trouble.BABBLED, f"it wrote a line of more than {_LONGEST_LINE} bytes"
                )
            if length >= 0 and self._unsaid:
                line = bytes(self._heard[:length])
                raise SubjectError(
                    Trouble.BABBLED,
                    f"asked for {do}, it answered before it had read all of that: {shown(line)}",
                )
            if length >= 0 and not self._deaf:
                answer = bytes(self._heard[:length])
                del self._heard[: length + 1]
                return answer
            if self._deaf or self._mute or (ended and not more):
                raise SubjectError(Trouble.CRASHED, f"asked for {do}, it {self._how_it_ended()}")
            if monotonic() >= end:
                raise SubjectError(
                    Trouble.HUNG, f"asked for {do}, it did not answer within {seconds:g} s"
                )

    def leave(self, line: bytes, seconds: float) -> int | None:
        """Write the last line, close its input, and wait for its end.

        Returns:
            Its exit code, or minus the signal that killed it; `None` if it has not ended in time.
        """
        end = monotonic() + seconds
        self._say(line)
        while self._process.poll() is None and monotonic() < end:
            self._exchange(min(_TICK, max(0.0, end - monotonic())))
            self._heard.clear()  # whatever it answers
            if not self._unsaid:
                self._hang_up()
        return self._process.poll()

    def last_words(self) -> str:
        """Return the last that it wrote to its standard error."""
        for _ in range(16):  # what is in the pipe still
            if not self._overhear():
                break
        text = "\n".join(self._words.decode("utf-8", "replace").strip().splitlines())
        return text[-_LAST_WORDS:]

    def end(self) -> None:
        """End it at once, with all that it has started in its process group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(OSError):
            self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # it may be somebody else's, as with sudo
            self._process.wait(_DYING)
        self._selector.close()
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.close()

    # -- the pipes -------------------------------------------------------------------------------

    def _say(self, line: bytes) -> None:
        self._unsaid = b"" if self._deaf else line
        if self._unsaid:
            self._selector.register(self._input, selectors.EVENT_WRITE)

    def _exchange(self, seconds: float) -> bool:
        """Read and write what can be, after waiting so long at most; say whether it spoke."""
        spoke = False
        for key, _ in self._selector.select(seconds):
            if key.fd == self._input:
                self._speak()
            elif key.fd == self._output:
                spoke = self._hear()
            else:
                self._overhear()
        return spoke

    def _speak(self) -> None:
        try:
            sent = os.write(self._input, self._unsaid[:_CHUNK])
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._deaf, self._unsaid = True, b""
        else:
            self._unsaid = self._unsaid[sent:]
        if not self._unsaid:
            self._selector.unregister(self._input)

    def _hear(self) -> bool:
        try:
            part = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return False
        if not part:
            self._selector.unregister(self._output)
            self._mute = True
        self._heard += part
        return bool(part)

    def _overhear(self) -> bool:
        if self._errors not in self._selector.get_map():
            return False
        try:
            part = os.read(self._errors, _CHUNK)
        except BlockingIOError:
            return False
        if not part:
            self._selector.unregister(self._errors)
        self._words = (self._words + part)[-_KEPT:]
        return bool(part)

    def _hang_up(self) -> None:
        with suppress(OSError):
            self._pipes[0].close()
        self._deaf = True

    def _how_it_ended(self) -> str:
        """Say how it ended; it is given a moment for that, and its last words are heard."""
        end = monotonic() + _DYING
        while self._process.poll() is None and monotonic() < end:
            self._exchange(_TICK)
            self._heard.clear()
        code = self._process.poll()
        if code is None:
            return f"closed its {'output' if self._mute else 'input'}"
        return how(code)


def how(code: int) -> str:
    """Say how a process ended that has this exit code, or was killed by minus this signal."""
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
