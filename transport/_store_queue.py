"""The calls of a session store: one at a time, in order (rules S1, S5)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf

import trio

from statemodel import User, events
from transport._credentials import checked_user, redacted
from transport._session import SessionStore, SessionStoreError

_log = logging.getLogger("transport")


@dataclass(slots=True, eq=False)
class _Job:
    run: Callable[[], Awaitable[None]]
    report: Callable[[str | None], events.Event | None]
    """What to tell the machine when it has ended, given what went wrong."""
    token: str = ""
    """What the store knows and must not tell."""
    is_login: bool = False
    """Whether it is called off with the login; the machine limits its time then."""
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)


class StoreQueue:
    """Calls a store on behalf of a driver, and reports what came of it.

    Args:
        store: The store.
        nursery: Where a task runs while there is something to do.
        dispatch: Takes the report.
        patience: Seconds that the store has for a call that the machine does not limit.
    """

    def __init__(
        self,
        store: SessionStore,
        *,
        nursery: trio.Nursery,
        dispatch: Callable[[events.Event], None],
        patience: float,
    ) -> None:
        self._store = store
        self._nursery = nursery
        self._dispatch = dispatch
        self._patience = patience
        self._jobs: list[_Job] = []  # short; a deque takes 760 bytes
        self._token = ""  # the last that the store was given, or has given
        self._working = False
        self._deadline = inf
        self._scope: trio.CancelScope | None = None

    async def load(self) -> User | None:
        """Return the saved user; a session that cannot be had counts as none, and says so (S4)."""
        problem = f"the store did not answer within {self._patience:g} s"
        with trio.move_on_after(self._patience):
            try:
                user = await self._store.load()
            except (SessionStoreError, OSError) as failure:
                problem = str(failure) or type(failure).__name__
            else:
                if user is not None:
                    self._token = checked_user(user, "load()").auth_token
                return user
        _log.warning("the saved session counts as none: %s", problem)
        return None

    def save(self, user: User, generation: int) -> None:
        """Save a user who is logging in."""
        self._token = user.auth_token
        run = partial(self._store.save, user)
        report = partial(_saved, generation)
        self._add(_Job(run, report, token=user.auth_token, is_login=True))

    def keep(self, user: User) -> None:
        """Save a user whose credentials were refreshed; nobody waits for it."""
        self._token = user.auth_token
        self._add(_Job(partial(self._store.save, user), _nothing))

    def clear(self, generation: int) -> None:
        """Forget the saved user, after all that was asked before."""
        self._add(_Job(self._store.clear, partial(_cleared, generation), token=self._token))

    def cancel_login(self) -> None:
        """Call off the save of a user who is logging in."""
        for job in self._jobs:
            if job.is_login:
                job.scope.cancel()

    def hurry(self, seconds: float) -> None:
        """Give what is left no more than so much time altogether."""
        self._deadline = trio.current_time() + seconds
        if self._scope is not None:
            self._scope.deadline = self._deadline

    def _add(self, job: _Job) -> None:
        self._jobs.append(job)
        if not self._working:
            self._working = True
            self._nursery.start_soon(self._work)

    async def _work(self) -> None:
        """Do what is queued; shielded, since a cancelled application may have logged out just now."""
        with trio.CancelScope(shield=True, deadline=self._deadline) as self._scope:
            while self._jobs:
                job = self._jobs[0]
                if job.scope.cancel_called:  # called off before it began
                    self._jobs.pop(0)
                    continue
                error: str | None = f"the store did not answer within {self._patience:g} s"
                with job.scope, trio.move_on_after(inf if job.is_login else self._patience):
                    try:
                        await job.run()
                        error = None
                    except (SessionStoreError, OSError) as failure:
                        error = redacted(str(failure), job.token) or type(failure).__name__
                self._jobs.pop(0)
                event = job.report(error)
                if event is not None:
                    self._dispatch(event)
        self._working = False


def _saved(generation: int, error: str | None) -> events.Event:
    if error is None:
        return events.SaveSucceeded(generation=generation)
    return events.SaveFailed(generation=generation, details=error)


def _cleared(generation: int, error: str | None) -> events.Event:
    if error is not None:
        _log.warning("the saved session could not be cleared: %s", error)
    return events.SessionCleared(generation=generation, error=error)


def _nothing(error: str | None) -> None:
    del error
