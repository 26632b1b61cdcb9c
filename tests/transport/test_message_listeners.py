"""Functions that are given the messages: in order, no faster than they are done, harming nobody."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from statemodel import Code, Mode, Status, Timings
from tests.transport.sockets import code_of, read, settle, up
from transport import (
    open_connection,
)
from transport.testing import MemoryServer


async def stuck(message):
    await trio.sleep_forever()


# -- message listeners -------------------------------------------------------------------------


async def test_each_message_goes_to_all_before_the_next(autojump_clock):
    """K6: in the order of adding, plain functions and async ones, each message once."""
    calls = []

    async def slow(message):
        calls.append(("begins", message))
        await trio.sleep(1)
        calls.append(("ends", message))

    async with up() as (connection, socket, _):
        connection.add_message_listener("slow", slow)
        connection.add_message_listener("quick", lambda m: calls.append(("quick", m)))
        for message in ("1", b"2", "3"):
            await socket.send(message)
        await trio.sleep(10)

    assert calls == [
        (who, what) for what in ("1", b"2", "3") for who in ("begins", "ends", "quick")
    ]


async def test_slow_listener_slows_the_sender_down(autojump_clock):
    """K6: unread messages are bounded, none is lost, and silence is not taken for death (P5)."""
    sent, got = [], []
    big = "x" * 2**16

    async def slow(message):
        await trio.sleep(60)
        got.append(message[0])

    async def send(socket):
        for n in range(20):
            await socket.send(f"{n:x}" + big)
            sent.append(f"{n:x}"[0])

    async with up(max_unread=2) as (connection, socket, server), trio.open_nursery() as nursery:
        connection.add_message_listener("slow", slow)
        nursery.start_soon(send, socket)
        await trio.sleep(59)
        early = len(sent)
        await trio.sleep(60 * 20)

        assert early < 12
        assert (len(got), got) == (20, sent)
        assert server.dials == 1


@pytest.mark.parametrize("leave", ["disconnect", "logout", "enter_background", "the block"])
async def test_listener_that_never_returns_stops_messages_and_nothing_else(leave, autojump_clock):
    """K6, C5, A1, O4: pings, status changes and every way to leave work all the same."""
    statuses, cancelled = [], []

    async def never(message):
        try:
            await trio.sleep_forever()
        finally:
            cancelled.append(message)

    async with up(timings=Timings(close_timeout=5)) as (connection, socket, server):
        connection.add_status_listener("s", lambda c: statuses.append(c.current))
        connection.add_message_listener("never", never)
        for n in range(3):
            await socket.send(str(n))
        await settle()
        assert await connection.ping() >= 0
        await socket.close(1001)
        await server.accepted(2)
        await connection.wait_connected()
        with trio.fail_after(6):
            if leave != "the block":
                result = getattr(connection, leave)()
                if result is not None:
                    await result
                assert (connection.status, cancelled) == (Status.DISCONNECTED, [])

    assert statuses[:4] == [
        Status.CONNECTED,
        Status.DISCONNECTED,
        Status.CONNECTING,
        Status.CONNECTED,
    ]
    assert (cancelled, server.open_sockets) == (["0"], 0)


@pytest.mark.parametrize("how", ["remove", "replace"])
async def test_removed_or_replaced_listener_is_cancelled_and_the_others_go_on(how, autojump_clock):
    """K6: also with the message at which it had stopped; who replaces it gets the next."""
    got = []
    async with up() as (connection, socket, _):
        connection.add_message_listener("stuck", stuck)
        connection.add_message_listener("other", lambda m: got.append(("other", m)))
        await socket.send("1")
        await settle()
        assert got == []
        if how == "remove":
            assert connection.remove_message_listener("stuck")
        else:
            new = lambda m: got.append(("new", m))  # noqa: E731 - a listener, like the others
            assert connection.add_message_listener("stuck", new) is stuck
        await socket.send("2")
        await settle()

    new_one = [("new", "2")] if how == "replace" else []
    assert sorted(got) == sorted([("other", "1"), ("other", "2"), *new_one])


async def test_tasks_of_a_removed_listener_that_raise_in_their_end_harm_nobody(autojump_clock):
    """T4: what remains beside the cancellation goes to the hook, and not out of the block."""
    hooked, got = [], []

    async def clean_up():
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("broken")

    async def with_tasks(message):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clean_up)
            nursery.start_soon(trio.sleep_forever)

    async with up(on_listener_error=lambda *args: hooked.append(args)) as (connection, socket, _):
        connection.add_message_listener("tasks", with_tasks)
        connection.add_message_listener("other", got.append)
        await socket.send("1")
        await settle()
        connection.remove_message_listener("tasks")
        await settle()

        assert got == ["1"]
    assert [(who, type(error)) for who, error in hooked] == [("tasks", ExceptionGroup)]


async def test_listener_that_removes_itself_may_finish(autojump_clock):
    """K6: its own call is not cancelled, and it is called no more."""
    finished = []

    async def once(message):
        assert connection.remove_message_listener("once")
        await trio.sleep(1)
        finished.append(message)

    async with up() as (connection, socket, _):
        connection.add_message_listener("once", once)
        await socket.send("1")
        await socket.send("2")
        await trio.sleep(5)

        assert finished == ["1"]
        assert await read(connection) == "2"


async def test_last_one_removed_and_another_added_at_once(autojump_clock):
    """K6: nothing is lost or given twice in between."""
    got = []
    async with up() as (connection, socket, _):
        connection.add_message_listener("a", got.append)
        await settle()
        for n in range(5):
            connection.remove_message_listener("a")
            connection.add_message_listener("a", got.append)
            await socket.send(str(n))
            connection.remove_message_listener("a")
            connection.add_message_listener("b", got.append)
            await settle()
            connection.remove_message_listener("b")

    assert got == ["0", "1", "2", "3", "4"]


async def test_messages_have_one_kind_of_reader(autojump_clock):
    """K6: iterating and listening exclude each other; what is unread stays for whoever is next."""
    got = []
    async with up() as (connection, socket, _):
        connection.add_message_listener("a", got.append)
        await settle()
        with pytest.raises(trio.BusyResourceError):
            await read(connection)
        connection.remove_message_listener("a")
        await socket.send("1")
        await socket.send("2")
        await settle()
        assert (got, await read(connection)) == ([], "1")
        async with trio.open_nursery() as nursery:
            assert await read(connection) == "2"
            nursery.start_soon(read, connection)
            await settle()
            with pytest.raises(trio.BusyResourceError):
                connection.add_message_listener("a", got.append)
            nursery.cancel_scope.cancel()
        connection.add_message_listener("a", got.append)
        await socket.send("3")
        await settle()

    assert got == ["3"]


@pytest.mark.parametrize("leave", ["disconnect", "logout"])
async def test_listener_may_leave_and_unread_messages_are_dropped(leave, autojump_clock):
    """K3, S5: it awaits the end itself; the next connection brings the next message."""
    got = []

    async def leaves(message):
        got.append(message)
        if message == "1":
            await getattr(connection, leave)()
            got.append(connection.status)

    async with up(mode=Mode.AUTO) as (connection, socket, server):
        for n in range(1, 4):
            await socket.send(str(n))
        await settle()
        connection.add_message_listener("leaves", leaves)
        await trio.sleep(100)
        assert got == ["1", Status.DISCONNECTED]
        if leave == "logout":
            await connection.login("alice")
        await connection.connect()
        await server.sockets[1].send("4")
        await settle()

    assert got == ["1", Status.DISCONNECTED, "4"]


async def test_listeners_go_on_after_a_refusal_for_good(autojump_clock):
    """B5: a later connect brings them messages again."""
    got = []
    async with up() as (connection, socket, server):
        connection.add_message_listener("a", got.append)
        await socket.send("1")
        await socket.close(1008)
        await trio.sleep(100)
        assert await code_of(connection.wait_connected()) is Code.CONNECTION_REFUSED
        await connection.connect()
        await server.sockets[1].send("2")
        await settle()

    assert got == ["1", "2"]


@pytest.mark.parametrize("leave", ["disconnect", "logout", "enter_background"])
async def test_no_second_listener_is_given_a_message_after_the_end(leave, autojump_clock):
    """K3: what the first listener is still busy with is given to nobody else afterwards."""
    given = []

    async def slow(message):
        await trio.sleep(5)

    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        connection.add_message_listener("slow", slow)
        connection.add_message_listener("second", given.append)
        await (await server.accepted(1)).send("too late")
        await trio.sleep(1)
        left = getattr(connection, leave)()
        if left is not None:
            await left
        await trio.sleep(10)

    assert given == []
