"""Ending in order when a signal says so: what a command has started is ended as well."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndedBySignal(KeyboardInterrupt):
    """A signal asks for the end.

    It is raised where the program stands, as Python does for Ctrl-C, so that every `finally` on the
    way out is heard; like that, it is no `Exception`, which somebody might catch.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number
        """As a shell counts."""


@contextmanager
def ended_in_order() -> Iterator[None]:
    """While inside, raise `EndedBySignal` at the first signal that asks for the end.

    Those that come after it are not heard, since everything on the way out has an end. A signal
    that was ignored before, as under `nohup`, stays so. Outside the main thread, nothing changes.
    """
    before = {number: signal.getsignal(number) for number in _ENDING}
    heard = [number for number in _ENDING if before[number] is not signal.SIG_IGN]

    def end(number: int, _: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise EndedBySignal(number)

    try:
        for number in heard:
            signal.signal(number, end)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
