"""The two ways to call the facade: awaited, and with callbacks."""

from __future__ import annotations

import contextvars
import functools
import logging
import sys

import pytest
import trio
import trio.testing

from statemodel import Code, Status, Timings
from tests.transport.sdk_application import APP_ID, Told, error_of, opened, settings_for
from transport import MemorySessionStore, SessionStoreError, TrustingAuthenticator, User
from transport.sdk import CometChat, Success
from transport.testing import Accept, Hang, MemoryServer


async def test_without_callbacks_a_call_begins_when_it_is_awaited(autojump_clock):
    """A coroutine that is not awaited does nothing; Python warns of it under the call's name."""
    server = await opened(automatic=False, uid="alice")
    call = CometChat.connect()
    assert CometChat.get_connection_status() is Status.DISCONNECTED
    with pytest.warns(RuntimeWarning, match=r"CometChat\.connect.*never awaited"):
        del call
    async with trio.open_nursery() as nursery:
        nursery.start_soon(CometChat.connect)  # a coroutine function to trio

    assert (server.dials, CometChat.get_connection_status()) == (1, Status.CONNECTED)


async def test_with_callbacks_a_call_begins_at_once_and_is_answered_later(autojump_clock):
    """M1: the dial has begun when `connect` returns; no callback is called from within the call."""
    await opened(automatic=False, uid="alice")
    told = Told()
    CometChat.connect(**told.callbacks)
    status, early = CometChat.get_connection_status(), told.count
    await trio.testing.wait_all_tasks_blocked()

    assert (status, early) == (Status.CONNECTING, 0)
    assert told.successes == [Success.CONNECT]


SUCCEED = {
    "login": (lambda **c: CometChat.login("alice", **c), User(uid="alice")),
    "get_logged_in_user": (CometChat.get_logged_in_user, User(uid="alice")),
    "connect": (CometChat.connect, Success.CONNECT),
    "ping": (CometChat.ping, Success.PING),
    "disconnect": (CometChat.disconnect, Success.DISCONNECT),
    "logout": (CometChat.logout, Success.LOGOUT),
}


async def test_each_success_is_told_exactly_once(autojump_clock):
    """C4: on_success is given what the awaited call returns; on_error nothing."""
    server, told = MemoryServer(), {"init": Told()}
    await CometChat.init(APP_ID, settings_for(server, automatic=False), **told["init"].callbacks)
    for name, (call, _) in SUCCEED.items():
        told[name] = Told()
        call(**told[name].callbacks)
        await trio.sleep(1)

    expected = {"init": Success.INIT} | {name: answer for name, (_, answer) in SUCCEED.items()}
    assert {name: t.successes for name, t in told.items()} == {n: [a] for n, a in expected.items()}
    assert all(t.count == 1 for t in told.values())


class _BrokenStore(MemorySessionStore):
    async def save(self, user):
        raise SessionStoreError("disk full")

    async def clear(self):
        raise SessionStoreError("read-only")


async def test_each_failure_is_told_exactly_once(autojump_clock):
    """S6, S1, S5: on_error is given what the awaited call raises, later; on_success nothing."""
    await opened(session_store=_BrokenStore())
    calls = {
        "connect": (CometChat.connect, Code.NOT_LOGGED_IN),
        "disconnect": (CometChat.disconnect, Code.NOT_LOGGED_IN),
        "ping": (CometChat.ping, Code.NOT_LOGGED_IN),
        "login": (functools.partial(CometChat.login, "alice"), Code.SESSION_NOT_SAVED),
        "logout": (CometChat.logout, Code.SESSION_NOT_CLEARED),
    }
    told, early = {name: Told() for name in calls}, 0
    for name, (call, _) in calls.items():
        call(**told[name].callbacks)
        early += sum(t.count for t in told.values())
        await trio.testing.wait_all_tasks_blocked()
        early -= sum(t.count for t in told.values())
        awaited = await error_of(call())
        given = told[name].errors[0]
        assert (given.message, given.details) == (awaited.message, awaited.details)

    assert early == -len(calls)
    assert {name: t.codes for name, t in told.items()} == {n: [c] for n, (_, c) in calls.items()}
    assert all(t.count == 1 for t in told.values())


async def test_of_a_burst_of_calls_the_last_one_decides(autojump_clock):
    """C5, C7: the calls count in their order, whichever of their tasks runs first."""
    server = await opened(automatic=False, uid="alice")
    for turn in range(20):
        told = [Told() for _ in range(4)]
        calls = [CometChat.connect, CometChat.disconnect] * 2
        for call, t in zip(calls[turn % 2 :] + calls[: turn % 2], told, strict=True):
            call(**t.callbacks)
        await trio.sleep(10)
        last = Status.CONNECTED if turn % 2 else Status.DISCONNECTED

        assert [t.count for t in told] == [1] * 4
        assert CometChat.get_connection_status() is last
    assert server.open_sockets == 1


async def test_a_ping_with_callbacks_at_the_very_deadline_wins(autojump_clock):
    """M4, H4: it counts from its call, without a pass of the scheduler in between."""
    await opened(automatic=False, uid="alice")
    await CometChat.connect()
    CometChat.enter_background()
    told = Told()
    for _ in range(50):
        await trio.sleep(Timings().background_grace)
        CometChat.ping(**told.callbacks)
    await trio.sleep(1)

    assert told.successes == [Success.PING] * 50
    assert CometChat.get_connection_status() is Status.CONNECTED


async def test_what_a_call_with_callbacks_returns_can_be_awaited(autojump_clock):
    """It waits for the end, by then the callback was called, and gives the result or None."""
    server = await opened(automatic=False)
    told = Told()
    refused = await CometChat.connect(**told.callbacks)
    assert (refused, told.codes) == (None, [Code.NOT_LOGGED_IN])
    user = await CometChat.login("alice", **told.callbacks)
    assert told.successes == [user] == [User(uid="alice")]
    server.plan(Accept(delay=2))
    since = trio.current_time()
    only_errors = CometChat.connect(on_error=told.errors.append)

    assert await only_errors == await only_errors == Success.CONNECT
    assert trio.current_time() - since == 2
    assert told.count == 2


async def test_an_error_without_on_error_is_raised_to_who_awaits(autojump_clock, caplog):
    """With on_success alone, the error goes to whoever awaits; nothing is logged then."""
    await opened()
    told = Told()
    error = await error_of(CometChat.ping(on_success=told.successes.append))

    assert error.code is Code.NOT_LOGGED_IN
    assert (told.count, caplog.records) == (0, [])


async def test_an_error_that_nobody_hears_of_is_logged(autojump_clock, caplog):
    """With on_success alone, and nobody who awaits, the error is logged, once."""
    await opened()
    CometChat.ping(on_success=print)
    await trio.testing.wait_all_tasks_blocked()

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("transport", logging.ERROR)
    assert "ping" in record.getMessage()
    assert record.exc_info[1].code is Code.NOT_LOGGED_IN


async def test_cancelling_an_awaited_call_withdraws_the_wait_not_the_wish(autojump_clock):
    """C4: as for the method of Connection."""
    server = await opened(automatic=False, uid="alice")
    server.plan(Accept(delay=5))
    with trio.move_on_after(1) as scope:
        await CometChat.connect()
    await trio.sleep(5)

    assert scope.cancelled_caught
    assert CometChat.get_connection_status() is Status.CONNECTED


async def test_cancelling_who_waits_for_a_login_with_callbacks_cancels_nothing(autojump_clock):
    """The call is nobody's task: its callback is called all the same, the login is not called off."""

    class Slow(TrustingAuthenticator):
        async def authenticate(self, credentials):
            await trio.sleep(5)
            return User(uid=credentials.uid)

    await opened(authenticator=Slow())
    told = Told()
    with trio.move_on_after(1) as scope:
        await CometChat.login("alice", **told.callbacks)
    early = told.count
    await trio.sleep(5)

    assert (scope.cancelled_caught, early) == (True, 0)
    assert told.successes == [User(uid="alice")]


def _raise(_):
    raise ValueError("a bug in a callback")


@pytest.mark.parametrize(
    ("callback", "raised"), [(_raise, ValueError), (lambda _: sys.exit(1), SystemExit)]
)
async def test_a_callback_that_raises_is_logged_and_harms_nobody(
    callback, raised, autojump_clock, caplog
):
    """The run, the connection and the other calls go on, even if it wanted to exit."""
    await opened()
    told = Told()
    failing = CometChat.connect(on_error=callback)
    await CometChat.login("alice", on_success=callback)
    await CometChat.connect(**told.callbacks)

    assert await failing is None
    assert told.successes == [Success.CONNECT]
    assert [record.exc_info[0] for record in caplog.records] == [raised] * 2


async def _coroutine(_):
    pass


class _AsyncCall:
    async def __call__(self, _):
        pass


@pytest.mark.parametrize(
    "wrong",
    [_coroutine, functools.partial(_coroutine), _AsyncCall(), "x", 3],
    ids=["coroutine", "partial", "async call", "text", "number"],
)
@pytest.mark.parametrize("which", ["on_success", "on_error"])
async def test_what_is_no_plain_function_is_refused_at_the_call(which, wrong, autojump_clock):
    """TypeError there and then, and nothing has begun."""
    server = await opened(automatic=False, uid="alice")
    with pytest.raises(TypeError, match=which):
        CometChat.connect(**{which: wrong})

    assert (server.dials, CometChat.get_connection_status()) == (0, Status.DISCONNECTED)


@pytest.mark.parametrize(("uid", "error"), [("", ValueError), (3, TypeError)])
async def test_impossible_arguments_are_raised_where_the_mistake_is(uid, error, autojump_clock):
    """Awaited or with callbacks: what no login could be is no answer of a login."""
    await opened()
    told = Told()
    with pytest.raises(error):
        CometChat.login(uid, **told.callbacks)
    with pytest.raises(error):
        await CometChat.login(uid)
    await trio.testing.wait_all_tasks_blocked()

    assert told.count == 0


async def test_a_callback_may_call_again(autojump_clock):
    """From within on_success the next call begins: login, connect, ping, one out of the other."""
    await opened(automatic=False)
    told, done = Told(), trio.Event()

    def after_ping(message):
        told.successes.append(message)
        done.set()

    CometChat.login(
        "alice",
        on_success=lambda _: CometChat.connect(
            on_success=lambda _: CometChat.ping(on_success=after_ping)
        ),
    )
    await done.wait()

    assert told.successes == [Success.PING]


async def test_callbacks_see_the_context_of_their_call(autojump_clock):
    """Context variables are those of the caller, as for a task that it had started."""
    variable = contextvars.ContextVar("variable", default="nothing")
    seen = []
    await opened(uid="alice")
    variable.set("the caller's")
    call = CometChat.connect(on_success=lambda _: seen.append(variable.get()))
    variable.set("changed")
    await call

    assert seen == ["the caller's"]


async def test_calls_that_have_ended_leave_no_task(autojump_clock):
    """Answered, refused, or overtaken: the tasks that waited are gone."""
    server = await opened(automatic=False, uid="alice")
    await CometChat.connect()
    before = trio.lowlevel.current_statistics().tasks_living
    told = Told()
    server.otherwise = Hang()
    for _ in range(20):
        CometChat.ping(**told.callbacks)
        CometChat.disconnect(**told.callbacks)
        CometChat.connect(**told.callbacks)
        CometChat.disconnect(**told.callbacks)
        await trio.testing.wait_all_tasks_blocked()
    server.otherwise = Accept()
    await CometChat.connect()

    assert told.count == 80
    assert trio.lowlevel.current_statistics().tasks_living == before
