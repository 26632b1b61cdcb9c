"""A folder that nobody else may change, and files in it: what is safe to follow, open and replace.

All is done relative to the open folder that was looked at, so that it stays this one whatever
becomes of its path. Where the platform has no owners, modes or descriptors of folders (Windows),
those checks are left out.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from transport._session import SessionStoreError

_IS_POSIX = os.name == "posix"
"""Whether files have owners and modes, and folders descriptors."""
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Through no link, without waiting for the other end of a FIFO, and byte by byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateFolder:
    """An open folder; get one from `opened`. Names are those of files in it."""

    path: Path
    """Where it was found."""
    descriptor: int | None
    """The folder itself; `None` where there is no such thing."""

    def look(self, name: str) -> os.stat_result | None:
        """Return what has this name, if it is a file of our own.

        Raises:
            SessionStoreError: it is something else, which must not be touched.
        """
        try:
            found = os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        _check_file(self.path / name, found)
        return found

    def read(self, name: str, limit: int) -> tuple[bytes, os.stat_result]:
        """Return up to so many bytes of a file, and which file it was.

        Raises:
            SessionStoreError: others may have written it.
            OSError: there is none, say.
        """
        self.look(name)  # opening a device may do something, so it is known before
        path = self.path / name
        descriptor = os.open(self._at(name), os.O_RDONLY | _SAFELY, dir_fd=self.descriptor)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            _check_file(path, found)
            _check_writers(path, found)
            return file.read(limit), found

    def write(self, name: str, content: bytes) -> None:
        """Write a new file for the current user alone, all of it, down to the disk."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY
        descriptor = os.open(self._at(name), flags, 0o600, dir_fd=self.descriptor)
        try:
            if _IS_POSIX:
                os.fchmod(descriptor, 0o600)  # whatever the umask has taken away
            left = memoryview(content)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, name: str, to: str) -> None:
        """Give a file another name, in one step and in place of the file that has it."""
        folder = self.descriptor
        os.replace(self._at(name), self._at(to), src_dir_fd=folder, dst_dir_fd=folder)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self.descriptor)

    def modified(self, name: str) -> float | None:
        """Return when a file was last written, in seconds since the epoch; `None` without one."""
        with suppress(FileNotFoundError):
            return os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False).st_mtime
        return None

    def names(self) -> list[str]:
        """Return what is in the folder."""
        return os.listdir(self.path if self.descriptor is None else self.descriptor)

    def sync(self) -> None:
        """Make what was renamed and removed outlast a power failure."""
        if self.descriptor is None:
            return
        try:
            os.fsync(self.descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # fsync(2): a file system that has no such thing
                raise

    def _at(self, name: str) -> str:
        return str(self.path / name) if self.descriptor is None else name


@contextmanager
def opened(path: Path) -> Iterator[PrivateFolder]:
    """Open a folder.

    Raises:
        SessionStoreError: it is none, or somebody else may change what is in it.
        OSError: it cannot be opened; `FileNotFoundError`: there is none.
    """
    _check_folder(path, path.lstat())
    if not _IS_POSIX:
        yield PrivateFolder(path=path, descriptor=None)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _check_folder(path, os.fstat(descriptor))
        yield PrivateFolder(path=path, descriptor=descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, for the current user alone; leave one that is there."""
    if os.path.lexists(path):
        return
    make_folder(path.parent)  # the topmost is always there
    with suppress(FileExistsError):  # another process was faster
        os.mkdir(path, 0o700)
        os.chmod(path, 0o700)  # whatever the umask has taken away


def is_same(one: os.stat_result, other: os.stat_result | None) -> bool:
    """Say whether two looks were at the same file; its number alone may have been given anew."""
    return (
        other is not None and os.path.samestat(one, other) and one.st_mtime_ns == other.st_mtime_ns
    )


def _check_folder(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISDIR(found.st_mode):
        raise SessionStoreError(f"{path} is no folder, or a link to one")
    _check_owner(path, found)
    _check_writers(path, found)


def _check_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SessionStoreError(f"{path} is no regular file, or a link to one")
    _check_owner(path, found)


def _check_owner(path: Path, found: os.stat_result) -> None:
    if _IS_POSIX and found.st_uid != os.geteuid():
        raise SessionStoreError(f"{path} belongs to somebody else")


def _check_writers(path: Path, found: os.stat_result) -> None:
    if _IS_POSIX and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SessionStoreError(f"others may write to {path}")
