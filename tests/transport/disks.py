"""What the tests of the file store have in common: two users, a key, and disks with faults."""

from __future__ import annotations

import os
import stat
import threading
from math import inf

import trio

from statemodel import User
from transport._file_store import FileSessionStore, SessionFile
from transport.testing import MemoryServer

KEY = {"application": "chat", "server": MemoryServer().url}
ALICE = User(uid="alice", auth_token="alice-in-wonderland")
BOB = User(uid="bob", auth_token="bob-the-builder-fixes-it")


def file_in(folder):
    return SessionFile(**KEY, directory=folder)


def store_in(folder):
    return FileSessionStore(**KEY, directory=folder)


def on_fsync(monkeypatch, happen, times=inf):
    """Let something happen before a file, and no folder, goes to the disk; the first few times."""
    fsync, calls = os.fsync, 0

    def replaced(descriptor):
        nonlocal calls
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            calls += 1
            if calls <= times:
                happen()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", replaced)


class StuckDisk:
    """Hangs in each save until `go_on` is set."""

    def __init__(self, monkeypatch):
        self.reached = threading.Event()
        self.go_on = threading.Event()
        on_fsync(monkeypatch, self._hang)

    def _hang(self):
        self.reached.set()
        assert self.go_on.wait(20)

    async def leave_behind(self, store, user):
        """Cancel a save of the store while it is stuck."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.save, user)
            await trio.to_thread.run_sync(self.reached.wait, 20)
            nursery.cancel_scope.cancel()
