"""What the facade keeps in one `trio.run`, and the system task that holds the connection."""

from __future__ import annotations

import logging
import signal
from contextlib import AbstractAsyncContextManager

import trio

from statemodel import Mode
from transport._connection import Connection
from transport._file_store import FileSessionStore
from transport._open import open_connection
from transport.sdk._errors import api_failure, closed
from transport.sdk._settings import AppSettings, check_registration

_log = logging.getLogger("transport")


class Run:
    """The state of the facade in one run."""

    def __init__(self) -> None:
        self.ending = False
        """Whether the main task has ended, as far as is known here."""
        self._host: Host | None = None

    @property
    def connection(self) -> Connection:
        """The open connection.

        Raises:
            CometChatException: `ERR_CHAT_API_FAILURE`: there is none; `ERR_CLOSED`: not any more.
        """
        host = self._host
        if host is None and self.ending:
            raise closed()
        if host is None:
            raise api_failure("Call init() first, and wait for its success.")
        if host.failure is not None:
            raise api_failure(
                f"The connection has broken down: {host.failure!r}. Call init() again.",
                host.failure,
            )
        if host.connection is None:
            raise api_failure("init() is still under way; wait for its success.")
        return host.connection

    def begin_init(self, app_id: str, settings: AppSettings) -> Host:
        """Begin to open the connection.

        Raises:
            CometChatException: `ERR_CHAT_API_FAILURE`.
        """
        host = self._host
        if host is not None and host.failure is None:
            begun = "is under way" if host.connection is None else "has succeeded"
            raise api_failure(f"init() {begun} already; one is all that an application needs.")
        check_registration(app_id, settings)
        self._host = host = Host(self, app_id, settings)
        trio.lowlevel.spawn_system_task(host.run, name="CometChat")
        return host

    def forget(self, host: Host) -> None:
        """Let `init` be called again."""
        if self._host is host:
            self._host = None


class Host:
    """Holds one connection, in a system task, which must not raise."""

    def __init__(self, run: Run, app_id: str, settings: AppSettings) -> None:
        self.connection: Connection | None = None
        """The connection, once it is open."""
        self.failure: BaseException | None = None
        """What broke it."""
        self._run = run
        self._app_id = app_id
        self._settings = settings
        self._scope = trio.CancelScope()
        self._settled = trio.Event()
        self._ended = trio.Event()

    async def run(self) -> None:
        """Hold the connection until the run ends; what breaks it is kept and logged."""
        try:
            with self._scope:
                async with self._open() as connection:
                    self.connection = connection
                    self._settled.set()
                    await trio.sleep_forever()
        except trio.Cancelled:
            self._run.ending = True
            raise
        except BaseException as error:  # noqa: BLE001 - it would become a TrioInternalError
            self.failure = error
            if _was_interrupted(error):
                signal.raise_signal(signal.SIGINT)  # trio takes it to the main task
            elif self.connection is not None:
                _log.error("the connection of CometChat has broken down", exc_info=error)
        finally:
            if self.connection is None or self.failure is None:  # never open, or taken back
                self._run.forget(self)
            self._settled.set()
            self._ended.set()

    async def wait_open(self) -> None:
        """Wait until the connection is open; cancelled before, take everything back.

        Raises:
            CometChatException: `ERR_CHAT_API_FAILURE`.
        """
        try:
            await self._settled.wait()
        except trio.Cancelled:
            if self.connection is None:
                self._scope.cancel()
                with trio.CancelScope(shield=True):
                    await self._ended.wait()
                raise
            # It had succeeded: that counts, and the next checkpoint is cancelled instead.
        if self.failure is not None:
            text = str(self.failure) or type(self.failure).__name__
            raise api_failure(f"The connection cannot be opened: {text}", self.failure)
        if self.connection is None:
            raise closed()

    def _open(self) -> AbstractAsyncContextManager[Connection]:
        settings = self._settings
        automatic = settings.auto_establish_socket_connection
        options = dict(settings.connection_options)
        if options.get("session_store") is None:
            application = f"{self._app_id}.{settings.region}"
            options["session_store"] = FileSessionStore(
                application=application, server=settings.server
            )
        mode = Mode.AUTO if automatic else Mode.MANUAL
        return open_connection(settings.server, mode=mode, **options)


def current_run() -> Run:
    """Return the state of the facade in the current run.

    Raises:
        RuntimeError: there is none.
    """
    try:
        return _current.get()
    except LookupError:  # the first call in this run
        run = Run()
        _current.set(run)
        return run
    except RuntimeError:
        raise RuntimeError(
            "CometChat lives in a trio run: call it from a trio task, or from a thread with "
            "trio.from_thread.run or trio.from_thread.run_sync"
        ) from None


def _was_interrupted(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(KeyboardInterrupt) is not None
    return isinstance(error, KeyboardInterrupt)


_current: trio.lowlevel.RunVar[Run] = trio.lowlevel.RunVar("CometChat")
