"""Where the facade lives: each trio run is an application that was freshly opened."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace

import pytest
import trio
import trio.testing

from statemodel import Code, Status
from tests.transport.sdk_application import APP_ID, Told, error_of, opened, settings_for
from transport import MemorySessionStore, User
from transport.sdk import (
    AppSettingsBuilder,
    CometChat,
    CometChatException,
    ConnectionListener,
    MessageListener,
    Success,
)
from transport.testing import Hang, MemoryServer


def run(main, *args):
    """Run an application from its opening to its end, in virtual time."""
    return trio.run(main, *args, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_init_twice_is_refused_and_the_first_counts(autojump_clock):
    """A second init fails with ERR_CHAT_API_FAILURE, also while the first is under way."""
    server, first = MemoryServer(), Told()
    CometChat.init(APP_ID, settings_for(server), **first.callbacks)
    during = await error_of(CometChat.init(APP_ID, settings_for(server)))
    early = await error_of(CometChat.connect())
    await trio.testing.wait_all_tasks_blocked()
    after = await error_of(CometChat.init(APP_ID, settings_for(server)))

    assert [e.code for e in (during, early, after)] == [Code.CHAT_API_FAILURE] * 3
    assert "under way" in during.details
    assert "under way" in early.details
    assert "succeeded" in after.details
    assert first.successes == [Success.INIT]
    assert (await CometChat.login("alice")).uid == "alice"


async def test_a_cancelled_init_leaves_nothing_and_may_be_repeated(autojump_clock):
    """Cancelled while the store is asked, init has ended the task that held the connection."""

    class HangingStore(MemorySessionStore):
        async def load(self):
            await trio.sleep_forever()

    server = MemoryServer()
    tasks = trio.lowlevel.current_statistics().tasks_living
    with trio.move_on_after(1) as scope:
        await CometChat.init(APP_ID, settings_for(server, session_store=HangingStore()))

    assert scope.cancelled_caught
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert await CometChat.init(APP_ID, settings_for(server)) == Success.INIT


async def test_an_init_that_has_succeeded_when_it_is_cancelled_counts(autojump_clock):
    """C4: the application is open then, and the next checkpoint is cancelled instead."""

    class CancellingStore(MemorySessionStore):
        async def load(self):
            await trio.lowlevel.checkpoint()
            scope.cancel()

    server = MemoryServer()
    with trio.CancelScope() as scope:
        message = await CometChat.init(
            APP_ID, settings_for(server, session_store=CancellingStore())
        )

    assert (message, scope.cancelled_caught) == (Success.INIT, False)
    assert (await CometChat.login("alice")).uid == "alice"


@pytest.mark.parametrize("automatic", [True, False])
def test_an_application_that_is_reopened_has_its_user(automatic):
    """S4: a saved user connects on `init` in auto mode, and not in manual mode, until `connect`."""
    server, store = MemoryServer(), MemorySessionStore()
    settings = settings_for(server, automatic=automatic, session_store=store)

    async def first():
        await CometChat.init(APP_ID, settings)
        await CometChat.login("alice", "token")

    async def second():
        error = await error_of(CometChat.connect())
        await CometChat.init(APP_ID, settings)
        user = await CometChat.get_logged_in_user()
        await trio.sleep(1)
        status = CometChat.get_connection_status()
        await CometChat.connect()
        return error.code, user, status

    run(first)
    before = len(server.sockets)
    code, user, status = run(second)

    assert code is Code.CHAT_API_FAILURE  # it knows nothing of the first run
    assert user == User(uid="alice", auth_token="token")
    assert status is (Status.CONNECTED if automatic else Status.DISCONNECTED)
    assert len(server.sockets) == before + 1
    assert server.sockets[-1].token == "token"
    assert server.open_sockets == 0


@pytest.mark.parametrize("automatic", [True, False])
def test_the_user_is_saved_in_a_file_by_app_id_region_and_server(automatic, tmp_path, monkeypatch):
    """S4, S5: without a store of one's own; another application does not see it, `logout` clears it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    server = MemoryServer()
    settings = (
        AppSettingsBuilder()
        .auto_establish_socket_connection(automatic)
        .set_region("eu")
        .set_server(server.url)
        .set_connection_options(dialer=server.dialer)
        .build()
    )

    async def log_in():
        await CometChat.init(APP_ID, settings)
        await CometChat.login("alice")
        if automatic:
            await server.accepted(1)

    async def saved(app_id, settings):
        with trio.fail_after(10):
            await CometChat.init(app_id, settings)
            return await CometChat.get_logged_in_user()

    async def reopen():
        user = await saved(APP_ID, settings)
        with trio.fail_after(10):
            if automatic:
                await server.accepted(2)
            await trio.testing.wait_all_tasks_blocked(0.01)
            status = CometChat.get_connection_status()
            await CometChat.logout()
        return user, status

    trio.run(log_in)
    others = [
        trio.run(saved, "other-app", settings),
        trio.run(saved, APP_ID, replace(settings, region="us")),
        trio.run(saved, APP_ID, replace(settings, server="ws://localhost/other")),
    ]
    user, status = trio.run(reopen)

    assert others == [None, None, None]
    assert user == User(uid="alice")
    assert status is (Status.CONNECTED if automatic else Status.DISCONNECTED)
    assert trio.run(saved, APP_ID, settings) is None


def test_a_call_that_waits_when_the_run_ends_is_told_once():
    """O4: ERR_CLOSED for what waits, its own error for what was refused; no socket stays."""
    server, waiting, refused = MemoryServer(), Told(), Told()

    async def main():
        await CometChat.init(APP_ID, settings_for(server, automatic=False))
        CometChat.ping(**refused.callbacks)
        await CometChat.login("alice")
        await CometChat.connect()
        server.sockets[0].withhold_pongs()
        CometChat.ping(**waiting.callbacks)
        await server.sockets[0].pinged()
        CometChat.login("bob", **refused.callbacks)  # ends with the run, before anybody has run
        CometChat.get_logged_in_user(**waiting.callbacks)

    run(main)

    assert (waiting.codes, waiting.successes) == ([Code.CLOSED] * 2, [])
    assert refused.codes == [Code.NOT_LOGGED_IN, Code.ALREADY_LOGGED_IN]
    assert refused.successes == []
    assert server.open_sockets == 0


def test_an_init_that_is_under_way_when_the_run_ends_is_told_once():
    """O4: the run ends although the store never answers."""

    class HangingStore(MemorySessionStore):
        async def load(self):
            await trio.sleep_forever()

    told = Told()

    async def main():
        settings = settings_for(MemoryServer(), session_store=HangingStore())
        CometChat.init(APP_ID, settings, **told.callbacks)
        await trio.testing.wait_all_tasks_blocked()

    run(main)

    assert (told.codes, told.successes) == ([Code.CLOSED], [])


@pytest.mark.parametrize("initialised", [True, False])
def test_a_callback_that_tries_again_for_ever_does_not_keep_the_run(initialised, caplog):
    """After the end of the main task a call raises ERR_CLOSED there and then; here it is logged."""
    errors = []

    def again(error):
        errors.append(error.code)
        if len(errors) < 100:  # were it for ever, there would be no end
            CometChat.connect(on_error=again)

    async def main():
        if initialised:
            await opened()
        CometChat.connect(on_error=again)

    run(main)

    assert errors[0] is (Code.NOT_LOGGED_IN if initialised else Code.CHAT_API_FAILURE)
    assert len(errors) < 10
    (record,) = caplog.records
    assert record.exc_info[1].code is Code.CLOSED


def test_after_the_end_every_call_raises_that_it_is_closed():
    """O4: what still runs then, the end of an async generator say, can call nobody and wait for nobody."""
    codes = []

    async def generator():
        try:
            yield
        finally:
            codes.append((await error_of(CometChat.ping())).code)
            for call in (
                CometChat.get_connection_status,
                CometChat.enter_background,
                lambda: CometChat.ping(on_error=codes.append),
            ):
                with pytest.raises(CometChatException) as caught:
                    call()
                codes.append(caught.value.code)

    async def main():
        await opened(uid="alice")
        await anext(generators[0])

    generators = [generator()]
    run(main)

    assert codes == [Code.CLOSED] * 4


def test_an_error_at_the_end_that_nobody_hears_of_is_logged(caplog):
    """A call with on_success alone, and nobody who awaits."""

    async def main():
        server = await opened(automatic=False, uid="alice")
        server.plan(Hang())
        CometChat.connect(on_success=print)

    run(main)

    (record,) = caplog.records
    assert record.exc_info[1].code is Code.CLOSED


class _BuggyDialer:
    async def run(self, request, sink):
        await trio.sleep(1)
        raise ZeroDivisionError("a bug in a dialer")


async def test_a_bug_in_a_dialer_fails_calls_and_nothing_else(autojump_clock, caplog):
    """It is logged with its traceback; waiting and later calls fail; `init` opens anew."""
    waiting, later = Told(), Told()
    await opened(automatic=False, uid="alice", dialer=_BuggyDialer())
    CometChat.add_connection_listener("one", ConnectionListener())
    CometChat.connect(**waiting.callbacks)
    awaited = await error_of(CometChat.connect())
    await trio.testing.wait_all_tasks_blocked()
    CometChat.ping(**later.callbacks)
    errors = [await error_of(CometChat.disconnect()), await error_of(CometChat.send_message("x"))]
    await trio.testing.wait_all_tasks_blocked()
    for plain in (CometChat.get_connection_status, CometChat.enter_background):
        with pytest.raises(type(awaited)) as caught:
            plain()
        errors.append(caught.value)

    assert awaited.code is Code.CLOSED
    assert waiting.codes == [Code.CLOSED]
    for error in [*errors, *later.errors]:
        assert error.code is Code.CHAT_API_FAILURE
        assert "a bug in a dialer" in error.details
        assert isinstance(error.__cause__, ZeroDivisionError)
    (record,) = caplog.records
    assert isinstance(record.exc_info[1], ZeroDivisionError)
    server = await opened(uid="alice")  # init and login again
    assert await CometChat.connect() == Success.CONNECT
    assert server.open_sockets == 1


def test_a_bug_that_shows_at_the_very_end_is_told_once(caplog):
    """A clock that breaks while everything is being cancelled: the run ends all the same."""
    told, broken = [], []

    def clock():
        if broken:
            raise ZeroDivisionError("a bug in a clock")
        return trio.current_time()

    async def main():
        server = await opened(automatic=False, uid="alice", clock=clock)
        server.plan(Hang())
        CometChat.connect(**told[-1].callbacks)
        await server.dialled(1)
        broken.append(True)

    for _ in range(20):  # what comes first, the end of the call or of the connection, is chance
        told.append(Told())
        broken.clear()
        run(main)

    assert [(t.count, len(t.errors)) for t in told] == [(1, 1)] * 20
    assert {t.codes[0] for t in told} <= {Code.CHAT_API_FAILURE, Code.CLOSED}
    assert len(caplog.records) == 20  # of the connection


def test_an_interrupt_in_a_listener_reaches_the_main_task(caplog):
    """Control-C while the facade's tasks run ends the application, as it would anywhere else."""

    class Interrupted(MessageListener):
        def on_message_received(self, message):
            signal.raise_signal(signal.SIGINT)

    async def main():
        server = await opened(uid="alice")
        CometChat.add_message_listener("one", Interrupted())
        await CometChat.connect()
        await server.sockets[0].send("hello")
        await trio.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        run(main)
    assert caplog.records == []


def test_two_runs_in_two_threads_do_not_meet():
    """Each has its own user and connection, at the same time."""
    barrier = threading.Barrier(2, timeout=10)
    users = {}

    async def main(uid):
        server = await opened(uid=uid)
        await CometChat.connect()
        barrier.wait()  # both are connected; blocks the run, on purpose
        users[uid] = (await CometChat.get_logged_in_user()).uid, server.dials
        barrier.wait()
        if uid == "alice":
            await CometChat.logout()
        barrier.wait()
        users[uid] += ((await CometChat.get_logged_in_user()) is not None,)

    threads = [threading.Thread(target=trio.run, args=(main, uid)) for uid in ("alice", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert users == {"alice": ("alice", 1, False), "bob": ("bob", 1, True)}
