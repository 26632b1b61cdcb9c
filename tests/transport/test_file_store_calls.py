"""The session store in a file as a connection calls it: in threads, and with what can go wrong."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
import trio
import trio.testing

from statemodel import Code, Status, Timings, User
from tests.transport.disks import ALICE, BOB, StuckDisk, file_in, on_fsync, store_in
from transport import AuthenticationError, SessionStoreError, TransportError, open_connection
from transport.testing import MemoryServer


@pytest.fixture
def folder(tmp_path):
    """Where sessions are; it is not there yet."""
    return tmp_path / "sessions"


@pytest.fixture
def bound_folder():
    """A folder of somebody whom its mode binds, also when root runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        root = os.geteuid() == 0
        if root:
            os.chown(name, 65534, -1)
            os.seteuid(65534)
        try:
            yield Path(name) / "sessions"
        finally:
            if root:
                os.seteuid(0)


def connection_with(store, **options):
    """Open a connection on a server in memory; time is real, since threads are."""
    server = MemoryServer()
    return open_connection(server.url, dialer=server.dialer, session_store=store, **options)


# -- threads -----------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, ALICE])
async def test_cancelled_save_returns_at_once_and_comes_to_nothing(before, folder, monkeypatch):
    """S1: while the disk hangs, the caller goes; what was there before stays."""
    store = store_in(folder)
    if before is not None:
        await store.save(before)
    disk = StuckDisk(monkeypatch)
    with trio.fail_after(20):
        await disk.leave_behind(store, BOB)
        assert not disk.go_on.is_set()
        disk.go_on.set()

        assert await store.load() == before  # in its turn, after the save
    assert len(os.listdir(folder)) == (before is not None)


async def test_clear_after_a_stuck_save_waits_its_turn_and_is_the_last_word(folder, monkeypatch):
    """S5: calls stay in order, also when an earlier one was abandoned."""
    store = store_in(folder)
    await store.save(ALICE)
    disk = StuckDisk(monkeypatch)
    with trio.fail_after(20):
        await disk.leave_behind(store, BOB)
        with trio.move_on_after(0.2) as impatience:
            await store.clear()
        assert impatience.cancelled_caught
        assert file_in(folder).load() == ALICE
        disk.go_on.set()
        await store.clear()

        assert await store.load() is None
    assert os.listdir(folder) == []


def test_store_outlives_a_run_that_left_it_stuck(folder, monkeypatch):
    """One `trio.run` after another; a thread of the first is waited for in the second."""
    store = store_in(folder)
    trio.run(store.save, ALICE)
    disk = StuckDisk(monkeypatch)
    trio.run(disk.leave_behind, store, BOB)

    async def go_on():
        with trio.fail_after(20):
            with trio.move_on_after(0.2) as impatience:
                await store.clear()
            assert impatience.cancelled_caught
            disk.go_on.set()
            assert await store.load() == ALICE
            await store.clear()
            return await store.load()

    assert trio.run(go_on) is None
    assert os.listdir(folder) == []


def test_call_that_nobody_waits_for_gives_up(folder):
    """S1, S5: a clear or save that was only late would undo what came after it."""
    file = file_in(folder)
    file.save(ALICE)
    abandoned = threading.Event()
    abandoned.set()
    for call in (file.clear, lambda event: file.save(BOB, event)):
        with pytest.raises(SessionStoreError, match="cancelled"):
            call(abandoned)

    assert file.load() == ALICE
    assert os.listdir(folder) == [file.path.name]


async def test_calls_are_carried_out_in_the_order_they_were_made(folder):
    """S1, S5: twenty saves at once end in the last."""
    store = store_in(folder)
    users = [User(uid=f"user {number}") for number in range(20)]
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for user in users:
                nursery.start_soon(store.save, user)
                await trio.lowlevel.checkpoint()

        assert await store.load() == users[-1]


async def test_stuck_disk_holds_one_thread_and_no_more(folder, monkeypatch):
    """Calls that wait for their turn wait in no thread, however many they are."""
    store = store_in(folder)
    disk = StuckDisk(monkeypatch)
    with trio.fail_after(20):
        await disk.leave_behind(store, BOB)
        threads = threading.active_count()
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(store.clear)
            await trio.testing.wait_all_tasks_blocked(0.01)

            assert threading.active_count() <= threads
            disk.go_on.set()


# -- connections -------------------------------------------------------------------------------


class Unasked:
    """An authenticator that must not be asked."""

    async def authenticate(self, credentials):
        raise AuthenticationError("nobody is to log in here")

    refresh = authenticate


async def test_user_is_restored_without_authenticating_until_logout(folder):
    """S4, S5: log in, leave, and open again; after a logout there is nothing to restore."""
    with trio.fail_after(20):
        async with connection_with(store_in(folder)) as connection:
            await connection.login("alice", auth_token=ALICE.auth_token)
        async with connection_with(store_in(folder), authenticator=Unasked()) as connection:
            restored = connection.user
            await connection.wait_connected()
            await connection.logout()
        async with connection_with(store_in(folder)) as connection:
            left = connection.user

    assert restored == ALICE
    assert left is None
    assert os.listdir(folder) == []


def _replaced_by_a_file(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_bytes(b"")


def _below_a_file(folder):
    shutil.rmtree(folder.parent)
    folder.parent.write_bytes(b"")


def _read_only(folder):
    folder.mkdir(0o700, exist_ok=True)
    folder.chmod(0o500)


async def fail_login(store, **options):
    """Log in, which must fail for the store; return the error."""
    with trio.fail_after(20):
        async with connection_with(store, **options) as connection:
            with pytest.raises(TransportError) as caught:
                await connection.login("bob", auth_token=BOB.auth_token)
            assert connection.user is None
            assert connection.status is Status.DISCONNECTED
    assert caught.value.code is Code.SESSION_NOT_SAVED
    assert BOB.auth_token not in f"{caught.value!r}{caught.value.details}"
    return caught.value


async def fail_logout(store, spoil):
    """Log in, and out when the store is spoilt, which must fail for it; return the error."""
    with trio.fail_after(20):
        async with connection_with(store) as connection:
            await connection.login("alice", auth_token=ALICE.auth_token)
            spoil()
            with pytest.raises(TransportError) as caught:
                await connection.logout()
            assert connection.user is None
            assert connection.status is Status.DISCONNECTED
    assert caught.value.code is Code.SESSION_NOT_CLEARED
    return caught.value


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [(_replaced_by_a_file, "no folder"), (_below_a_file, os.strerror(errno.ENOTDIR))],
)
async def test_login_without_a_folder_fails(spoil, cause, tmp_path):
    """S1: nobody is logged in, and what stands in the folder's place is not touched."""
    folder = tmp_path / "above" / "sessions"
    folder.parent.mkdir()
    spoil(folder)
    before = sorted(tmp_path.rglob("*"))
    error = await fail_login(store_in(folder))

    assert cause in error.details
    assert sorted(tmp_path.rglob("*")) == before


async def test_login_fails_when_the_folder_vanishes_again_and_again(folder, monkeypatch):
    """S1: a save does not begin anew for ever."""
    losses = []

    def lose_folder():
        shutil.rmtree(folder)
        losses.append(folder)

    on_fsync(monkeypatch, lose_folder)
    error = await fail_login(store_in(folder))

    assert len(losses) == 3
    assert os.strerror(errno.ENOENT) in error.details
    assert not folder.exists() or os.listdir(folder) == []


async def test_read_only_folder_fails_login_and_logout(bound_folder):
    """S1, S5: nobody is logged in any more, or at all; what was in the folder stays as it was."""
    store = store_in(bound_folder)
    out = await fail_logout(store, lambda: _read_only(bound_folder))
    old = await store.load()
    bound_folder.chmod(0o700)
    store.path.write_bytes(b"damaged")
    bound_folder.chmod(0o500)
    into = await fail_login(store)

    assert old == ALICE
    assert os.strerror(errno.EACCES) in out.details
    assert os.strerror(errno.EACCES) in into.details
    assert store.path.read_bytes() == b"damaged"
    assert os.listdir(bound_folder) == [store.path.name]


async def test_logout_without_a_folder_is_a_logout(folder):
    """S5: there is nothing left to clear."""
    with trio.fail_after(20):
        async with connection_with(store_in(folder)) as connection:
            await connection.login("alice")
            shutil.rmtree(folder)
            await connection.logout()

    assert not folder.exists()


async def test_logout_from_a_spoilt_folder_fails_and_logs_out_all_the_same(folder):
    """S5: ERR_SESSION_NOT_CLEARED; the text says why."""
    error = await fail_logout(store_in(folder), lambda: _replaced_by_a_file(folder))

    assert "no folder" in error.details


async def test_login_on_a_disk_that_hangs_ends_in_time_and_saves_nobody(folder, monkeypatch):
    """S1: ERR_SESSION_NOT_SAVED by `auth_timeout`; nothing is saved when the disk goes on."""
    disk = StuckDisk(monkeypatch)
    store = store_in(folder)
    try:
        await fail_login(store, timings=Timings(auth_timeout=0.2, close_timeout=0.2))
        assert not disk.go_on.is_set()
    finally:
        disk.go_on.set()
    with trio.fail_after(20):
        await store.clear()

    assert os.listdir(folder) == []
