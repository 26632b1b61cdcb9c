"""Giving messages to functions: one after the other, and no faster than they are done (K6)."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

import trio

from transport._inbox import Inbox
from transport._listeners import SafeHook, check_id
from transport._signal import Signal

MessageListener = Callable[[str | bytes], Awaitable[None] | None]
"""Called with every message; if it is an async function, the next message waits for its end."""


class MessageListeners:
    """Those to whom the messages of one connection are given.

    A task reads the inbox for them while there is one. It calls them in the order in which they
    were added, each message to all before the next, so that a slow one slows the sender down. It
    stands outside of every step: they may call and await everything.
    """

    def __init__(self, inbox: Inbox, *, nursery: trio.Nursery, on_error: SafeHook) -> None:
        self._inbox = inbox
        self._nursery = nursery
        self._on_error = on_error
        self._listeners: dict[str, MessageListener] = {}
        self._somebody = Signal()
        self._reading = False
        self._task: trio.lowlevel.Task | None = None
        self._calling: tuple[str, trio.CancelScope] | None = None

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def add(self, listener_id: str, listener: MessageListener) -> MessageListener | None:
        """Add a listener, or replace the one of the same id, which is returned.

        Raises:
            trio.BusyResourceError: a task is iterating over the messages.
        """
        check_id(listener_id)
        if not callable(listener):
            raise TypeError(f"a listener must be a function, not {listener!r}")
        if self._inbox.is_being_read:
            raise trio.BusyResourceError("a task is iterating over this connection's messages")
        previous = self._listeners.get(listener_id)
        self.remove(listener_id)
        if not self._reading:
            self._reading = True
            self._nursery.start_soon(self._read)
        self._listeners[listener_id] = listener
        self._somebody.give()
        return previous

    def remove(self, listener_id: str) -> bool:
        """Remove a listener; return whether there was one.

        A call of it that goes on is cancelled, unless it is the listener itself that removes.
        """
        check_id(listener_id)
        if self._listeners.pop(listener_id, None) is None:
            return False
        inside = trio.lowlevel.current_task() is self._task
        if self._calling is not None and self._calling[0] == listener_id and not inside:
            self._calling[1].cancel()
        return True

    def end(self) -> None:
        """Forget the listeners; a call that goes on is cancelled."""
        for listener_id in list(self._listeners):
            self.remove(listener_id)

    async def _read(self) -> None:
        self._task = trio.lowlevel.current_task()
        while True:
            while not self._listeners:
                await self._somebody.wait()
            await self._inbox.wait_message()
            if self._listeners:  # without them it stays for whoever reads next
                await self._give(self._inbox.take())

    async def _give(self, message: str | bytes) -> None:
        clearings = self._inbox.clearings
        for listener_id, listener in list(self._listeners.items()):
            if self._inbox.clearings > clearings:
                return  # K3: the first was still at it when it was dropped for the others
            if self._listeners.get(listener_id) is not listener:
                continue  # removed meanwhile
            try:
                with trio.CancelScope() as scope:
                    self._calling = listener_id, scope
                    given = listener(message)
                    if inspect.isawaitable(given):
                        await given
            except Exception as error:  # noqa: BLE001 - T4: a listener harms neither others nor state
                self._on_error(listener_id, error)
            finally:
                self._calling = None
