"""A session store that keeps the user in a file: what is in it, and how it comes to be there.

`SessionFile` does the work, and blocks; it needs no event loop. `FileSessionStore` calls it in
threads.

A save never writes to the session's file. It writes a temporary file beside it, which then takes
its place in one step, so whoever reads finds the old session or the new one, also after a crash.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock
from typing import TypeVar

import platformdirs
import trio

from statemodel import User
from transport._private_folder import PrivateFolder, is_same, make_folder, opened
from transport._session import SessionStoreError
from transport._url import parse_url

_T = TypeVar("_T")

_FORMAT = 1
"""The number of what `SessionFile` writes; another content has another number."""
_MAX_BYTES = 64 * 2**10
"""A file of more is none of ours."""
_MAX_APPLICATION_LENGTH = 255
"""Characters; about what a name may have in other places."""
_STALE_AFTER = 600.0
"""Seconds after which a temporary file is taken for that of a killed process."""
_ATTEMPTS = 3
"""So often a call begins anew when another process came between."""


class FileSessionStore:
    """Keeps the user in a file, for one application and server.

    The file is JSON, with the user's token as it is. File and folder are made for the current user
    alone, and what others could have put there is neither read nor replaced. Several processes may
    use the file at the same time: they may overtake one another, but never damage it.

    Disk access runs in threads, one at a time and in order. A call that is cancelled returns at
    once, also while the disk hangs; what it has begun comes to nothing, unless it was already done.
    The object may be used in one `trio.run` after another; under a virtual clock use
    `MemorySessionStore`, since disk access takes real time.

    Args:
        application: The name of the application, 1 to 255 characters.
        server: The URL given to `open_connection`; spellings of the same address are the same.
        directory: The folder, which is made when it is missing; by default one of those that the
            platform has for each user (`~/.local/state/statemodel/sessions`, say).

    Raises:
        TypeError, ValueError: an argument is none that could work.
    """

    def __init__(
        self, *, application: str, server: str, directory: str | os.PathLike[str] | None = None
    ) -> None:
        self._file = SessionFile(application=application, server=server, directory=directory)
        self._lock = Lock()  # a thread that an earlier trio.run abandoned may still be at it
        self._limiter = trio.lowlevel.RunVar[trio.CapacityLimiter]("limiter of a file store")

    def __repr__(self) -> str:
        return f"<FileSessionStore {str(self.path)!r}>"

    @property
    def path(self) -> Path:
        """Where the session is, if there is one."""
        return self._file.path

    async def load(self) -> User | None:
        """Return the saved user, if there is one.

        Raises:
            SessionStoreError: it cannot be read, others may have written it, or it is damaged;
                what is damaged is kept aside, and the text says where.
        """
        return await self._in_thread(self._file.load)

    async def save(self, user: User) -> None:
        """Save the user in place of any other; cancelled, leave the old or the new one.

        Raises:
            SessionStoreError: nothing was saved, and the old session is still there; unless the
                disk failed at the very last, when the new one may outlast a power failure or not.
        """
        await self._in_thread(lambda abandoned: self._file.save(user, abandoned))

    async def clear(self) -> None:
        """Forget the saved user, and remove what killed saves and damage have left.

        Cancelled, somebody may still be saved.

        Raises:
            SessionStoreError: somebody may still be saved.
        """
        await self._in_thread(self._file.clear)

    async def _in_thread(self, call: Callable[[Event], _T]) -> _T:
        """Call with an event that is set when nobody waits any more."""
        try:
            limiter = self._limiter.get()
        except LookupError:  # one for each run: threads of a run that has ended release nothing
            limiter = trio.CapacityLimiter(1)
            self._limiter.set(limiter)
        abandoned = Event()

        def one_at_a_time() -> _T:
            with self._lock:
                return call(abandoned)

        try:
            return await trio.to_thread.run_sync(
                one_at_a_time, abandon_on_cancel=True, limiter=limiter
            )
        finally:
            abandoned.set()


class SessionFile:
    """The file of one session; its methods block, and are those of `FileSessionStore`.

    They take an event that is set when nobody waits for the call any more: it then gives up, unless
    it has already done what it was to do.
    """

    def __init__(
        self, *, application: str, server: str, directory: str | os.PathLike[str] | None = None
    ) -> None:
        if not isinstance(application, str):
            raise TypeError(f"application must be a str, not {type(application).__name__}")
        if not 1 <= len(application) <= _MAX_APPLICATION_LENGTH:
            raise ValueError(
                f"application must have 1 to {_MAX_APPLICATION_LENGTH} characters,"
                f" not {len(application)}"
            )
        address = parse_url(server)
        scheme = "wss" if address.secure else "ws"
        self._application = application
        self._server = f"{scheme}://{address.host_header}{address.resource}"
        key = json.dumps([self._application, self._server])
        self._name = hashlib.sha256(key.encode()).hexdigest() + ".json"
        self.path = _folder_path(directory) / self._name
        self.damaged_path = self.path.with_name(f"{self._name}.damaged")

    def load(self, abandoned: Event | None = None) -> User | None:
        """Return the saved user, if there is one; put a damaged file aside."""
        with self._telling("loaded"):
            try:
                with opened(self.path.parent) as folder:
                    return self._load(folder, abandoned)
            except FileNotFoundError:  # the folder, or the file
                return None

    def save(self, user: User, abandoned: Event | None = None) -> None:
        """Save the user in place of any other."""
        content = self._encoded(user)
        with self._telling("saved"):
            for attempts_left in reversed(range(_ATTEMPTS)):
                try:
                    make_folder(self.path.parent)
                    with opened(self.path.parent) as folder:
                        self._sweep(folder)
                        self._replace(folder, content, abandoned)
                except FileNotFoundError:  # another process cleared, and the temporary file with it
                    if not attempts_left:
                        raise
                else:
                    return

    def clear(self, abandoned: Event | None = None) -> None:
        """Forget the saved user, and remove what killed saves and damage have left."""
        with (
            self._telling("cleared"),
            suppress(FileNotFoundError),  # the folder
            opened(self.path.parent) as folder,
        ):
            folder.look(self._name)
            _check_wanted(abandoned)
            for name in (self._name, self.damaged_path.name, *self._temporary(folder)):
                folder.remove(name)
            folder.sync()

    def _load(self, folder: PrivateFolder, abandoned: Event | None) -> User:
        for _ in range(_ATTEMPTS):
            content, found = folder.read(self._name, _MAX_BYTES + 1)
            try:
                return self._decoded(content)
            except _DamagedError as damage:
                problem = str(damage)
            _check_wanted(abandoned)
            if is_same(found, folder.look(self._name)):
                folder.rename(self._name, self.damaged_path.name)
                raise SessionStoreError(
                    f"the saved session is damaged: {problem}; kept as {self.damaged_path}"
                )
            # Another process has just put a new session in its place.
        raise SessionStoreError(f"{self.path} is replaced as soon as it is read")

    def _replace(self, folder: PrivateFolder, content: bytes, abandoned: Event | None) -> None:
        """Put a new file in the session's place."""
        folder.look(self._name)
        temporary = f"{self._name}.{secrets.token_hex(16)}.tmp"
        try:
            folder.write(temporary, content)
            folder.look(self._name)
            _check_wanted(abandoned)
            folder.rename(temporary, self._name)
        except BaseException:
            with suppress(OSError):  # what went wrong first says more
                folder.remove(temporary)
            raise
        folder.sync()

    def _sweep(self, folder: PrivateFolder) -> None:
        """Remove temporary files of processes that were killed, as far as that can be done."""
        for name in self._temporary(folder):
            modified = folder.modified(name)
            if modified is not None and time.time() - modified > _STALE_AFTER:
                with suppress(OSError):  # not what this call is for; the next one tries again
                    folder.remove(name)

    def _temporary(self, folder: PrivateFolder) -> list[str]:
        """Return the names of this session's temporary files."""
        names = folder.names()
        return [n for n in names if n.startswith(f"{self._name}.") and n.endswith(".tmp")]

    @contextmanager
    def _telling(self, done: str) -> Iterator[None]:
        """Say what could not be done, where, and why."""
        try:
            yield
        except OSError as error:
            cause = error.strerror or type(error).__name__
            raise SessionStoreError(f"{self.path} could not be {done}: {cause}") from error

    def _encoded(self, user: User) -> bytes:
        document = {
            "format": _FORMAT,
            "application": self._application,
            "server": self._server,
            "user": {"uid": user.uid, "auth_token": user.auth_token},
        }
        content = json.dumps(document, indent=2).encode()
        try:
            kept = self._decoded(content)
        except _DamagedError as damage:
            raise SessionStoreError(f"this user cannot be saved: {damage}") from None
        if kept != user:  # two halves of a character would come back as the character
            raise SessionStoreError("this user cannot be saved: surrogates are no text")
        return content

    def _decoded(self, content: bytes) -> User:
        """Return the user.

        Raises:
            _DamagedError: there is none in it, or one of something else.
        """
        if len(content) > _MAX_BYTES:
            raise _DamagedError(f"it has more than {_MAX_BYTES} bytes")
        try:
            document = json.loads(content.decode())
        except (ValueError, RecursionError):  # its cause would drag the content along
            raise _DamagedError("it is no JSON") from None
        match document:
            case {"format": int(number)} if number != _FORMAT or isinstance(number, bool):
                raise _DamagedError("it has another format")
            case {
                "format": int(),
                "application": self._application,
                "server": self._server,
                "user": {"uid": str(uid), "auth_token": str(auth_token)},
            } if uid:
                return User(uid=uid, auth_token=auth_token)
            case _:
                raise _DamagedError("it is no session of this application and server")


class _DamagedError(Exception):
    """Why a content is no session; never with a part of it."""


def _folder_path(directory: object) -> Path:
    """Return where sessions are, wherever the process may go; without looking at the disk."""
    if directory is None:
        return platformdirs.user_state_path("statemodel", appauthor=False) / "sessions"
    path = os.fspath(directory) if isinstance(directory, os.PathLike) else directory
    if not isinstance(path, str):
        raise TypeError(f"directory must be a str or a path, not {type(path).__name__}")
    if not path or b"\0" in os.fsencode(path):
        raise ValueError("directory must have at least one character, and no NUL")
    return Path(path).absolute()


def _check_wanted(abandoned: Event | None) -> None:
    if abandoned is not None and abandoned.is_set():
        raise SessionStoreError("the call was cancelled")
