"""What comes out of the block, when it may be left, and what must never starve or be lost."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from statemodel import Mode, Status, Timings
from transport import MemorySessionStore, TransportError, open_connection
from transport.testing import MemoryServer, open_server


class Crashing:
    """A dialer with a bug."""

    async def run(self, request, sink):
        await trio.sleep(1)
        raise ZeroDivisionError("dialer")


class Hanging(MemorySessionStore):
    """A store whose clear never ends."""

    async def clear(self):
        await trio.sleep_forever()


class Slow(MemorySessionStore):
    """A store whose save takes a second."""

    async def save(self, user):
        await trio.sleep(1)
        await super().save(user)


async def test_bug_in_a_dialer_comes_out_alone(autojump_clock):
    """The block is cancelled for it, and the caller sees the one exception, in no group."""
    with pytest.raises(ZeroDivisionError):
        async with open_connection("ws://localhost/", dialer=Crashing()) as connection:
            await connection.login("alice")
            await trio.sleep_forever()


@pytest.mark.parametrize("error", [KeyError("body"), KeyboardInterrupt()])
async def test_error_of_the_body_is_not_lost_beside_another(error, autojump_clock):
    """Both come out in a group, as of any nursery."""
    with pytest.raises(BaseExceptionGroup) as caught:
        async with open_connection("ws://localhost/", dialer=Crashing()) as connection:
            await connection.login("alice")
            try:
                await trio.sleep_forever()
            finally:
                raise error
    assert [type(e) for e in caught.value.exceptions] == [type(error), ZeroDivisionError]


async def test_group_raised_by_the_body_comes_out_as_it_is(autojump_clock):
    """The very object, of its own type."""

    class Batch(ExceptionGroup):
        pass

    error = Batch("mine", [KeyError(1)])
    with pytest.raises(Batch) as caught:
        async with open_connection("ws://localhost/"):
            raise error
    assert caught.value is error


@pytest.mark.parametrize("patience", [1000, 2])
async def test_leaving_takes_at_most_close_timeout_whatever_the_store_does(
    patience, autojump_clock
):
    """O4: a store that hangs holds nobody for longer, cancelled or not."""
    server = MemoryServer()
    left = None
    with trio.move_on_after(patience):
        async with open_connection(
            server.url, dialer=server.dialer, session_store=Hanging()
        ) as connection:
            await connection.login("alice")
            with trio.move_on_after(1):
                await connection.logout()
            left = trio.current_time()
    assert left is not None
    assert trio.current_time() - left <= Timings().close_timeout


async def test_login_is_cancelled_or_succeeds_but_never_both(autojump_clock):
    """C4: a cancellation at the very moment of success; what was done is told."""
    server = MemoryServer()
    for _ in range(30):
        store = Slow()
        async with open_connection(
            server.url, dialer=server.dialer, mode=Mode.MANUAL, session_store=store
        ) as connection:
            with trio.move_on_after(1) as scope:
                await connection.login("alice")
            saved = await store.load()
            assert scope.cancelled_caught == (connection.user is None)
            assert (saved is None) == (connection.user is None)


@pytest.mark.parametrize("kind", ["memory", "local"])
async def test_full_inbox_keeps_no_new_socket_from_opening(kind):
    """G1, K6: back-pressure begins when the socket is open, not in its handshake."""

    async def play(server):
        async with open_connection(server.url, dialer=server.dialer, max_unread=4) as connection:
            await connection.login("alice")
            await connection.wait_connected()
            first = await server.accepted(1)
            for number in range(4):
                await first.send(str(number))
            while len(connection._driver.inbox) < 4:
                await trio.lowlevel.checkpoint()
            connection.network_lost()
            connection.network_restored()
            await connection.wait_connected()
            await (await server.accepted(2)).send("4")

            got = [await anext(aiter(connection)) for _ in range(5)]
        assert got == ["0", "1", "2", "3", "4"]

    with trio.fail_after(10):
        if kind == "memory":
            await play(MemoryServer())
        else:
            async with open_server() as server:
                await play(server)


async def test_sender_that_tries_again_at_once_lets_others_run():
    """A refused send has a checkpoint, so that the loss is noticed and the retry can come."""
    timings = Timings(backoff_base=0.01, backoff_cap=0.01)
    with trio.fail_after(10):
        async with open_server() as server:
            async with open_connection(server.url, timings=timings) as connection:
                await connection.login("alice")
                await connection.wait_connected()
                (await server.accepted(1)).drop()
                while server.dials < 2 or connection.status is not Status.CONNECTED:
                    try:
                        await connection.send("x")
                    except TransportError:
                        pass


@pytest.mark.parametrize("pause", range(6))
async def test_socket_may_be_closed_at_any_moment_of_its_cancellation(pause):
    """It is, when the block takes as long to be cancelled: what comes out is no error of a nursery."""
    async with open_server() as server:
        for _ in range(20):  # trio draws whose turn it is
            with trio.fail_after(10), trio.CancelScope() as scope:
                async with open_connection(server.url) as connection:
                    await connection.login("alice")
                    await connection.wait_connected()
                    scope.cancel()
                    for _ in range(pause):
                        await trio.lowlevel.cancel_shielded_checkpoint()
                    await trio.lowlevel.checkpoint()
            assert scope.cancelled_caught
