"""Refused credentials on real sockets, and a server's word on throttling among its messages."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from statemodel import Code, Reason, Status
from tests.transport.sockets import SHORT, Renewing, code_of, connected, read
from transport import (
    HelloDialer,
    ThrottlingDialer,
    open_connection,
)
from transport.testing import MemoryServer, Refuse, open_server

THROTTLING = {"slow down": True, "go on": False}


# -- refused credentials on real sockets -------------------------------------------------------


async def test_revoked_token_is_renewed_once_and_work_goes_on():
    """B5: a server that revokes an open socket's token sees one refresh."""
    renewing = Renewing()
    async with (
        open_server() as server,
        connected(server, authenticator=renewing) as (connection, first),
    ):
        await first.close(4401)
        second = await server.accepted(2)
        await connection.wait_connected()
        await connection.send("still here")

        assert await second.receive() == "still here"
        assert (first.token, second.token) == ("old", "new")
        assert (renewing.refreshes, server.dials) == (1, 2)


@pytest.mark.parametrize("how", ["HTTP 401", "accepts and closes"])
async def test_server_that_keeps_refusing_sees_no_third_dial(how):
    """B5: refused again with renewed credentials is refused for good."""
    renewing = Renewing()

    async def close_all(server):
        for count in (1, 2, 3):
            await (await server.accepted(count)).close(4401)

    async with open_server() as server, trio.open_nursery() as nursery:
        if how == "HTTP 401":
            server.otherwise = Refuse(401)
        nursery.start_soon(close_all, server)
        with trio.fail_after(20):
            async with (
                open_connection(server.url, authenticator=renewing, timings=SHORT) as connection,
                connection.watch() as changes,
            ):
                await connection.login("alice")
                async for change in changes:
                    if change.reason is Reason.REFUSED:
                        break
                code = await code_of(connection.wait_connected())
                await trio.sleep(3 * SHORT.backoff_cap)
        nursery.cancel_scope.cancel()

        assert code is Code.CONNECTION_REFUSED
        assert (renewing.refreshes, server.dials) == (1, 2)


# -- throttling --------------------------------------------------------------------------------


async def test_throttling_is_read_from_messages_that_are_not_delivered():
    """T7: on and off show as status; every socket starts unthrottled."""
    async with open_server() as server:
        dialer = ThrottlingDialer(server.dialer, THROTTLING.get)
        async with connected(server, dialer=dialer) as (connection, socket):
            for message in ("a", "slow down", "b"):
                await socket.send(message)
            await connection.wait_status(Status.FEATURE_THROTTLED)
            await socket.send("go on")
            await connection.wait_status(Status.CONNECTED)
            await socket.send("slow down")
            await connection.wait_status(Status.FEATURE_THROTTLED)
            await socket.close(1001)
            second = await server.accepted(2)
            await connection.wait_status(Status.CONNECTED)
            await second.send("c")

            assert [await read(connection) for _ in range(3)] == ["a", "b", "c"]
            assert connection.status is Status.CONNECTED


@pytest.mark.parametrize("inside", ["hello", "throttling"])
async def test_throttling_in_the_hello_is_told_when_the_socket_is_open(server, inside):
    """T7: whichever of the two dialers is around the other; only the last word before counts."""

    async def hello(talk):
        await trio.testing.wait_all_tasks_blocked(0.01)

    if inside == "hello":
        dialer = ThrottlingDialer(HelloDialer(server.dialer, hello), THROTTLING.get)
    else:
        dialer = HelloDialer(ThrottlingDialer(server.dialer, THROTTLING.get), hello)

    with trio.fail_after(20):
        async with open_connection(server.url, dialer=dialer) as connection:
            await connection.login("alice")
            socket = await server.accepted(1)
            await socket.send("slow down")
            await connection.wait_status(Status.FEATURE_THROTTLED)
            await socket.send("go on")
            await connection.wait_status(Status.CONNECTED)
            await connection.disconnect()


@pytest.mark.parametrize("wrong", ["yes", 1, 0, b""])
async def test_throttling_hook_with_a_wrong_answer_is_a_bug(server, wrong):
    """T7: TypeError out of the block, and not in a group."""
    dialer = ThrottlingDialer(server.dialer, lambda message: wrong)
    with trio.fail_after(20), pytest.raises(TypeError, match="must return True, False or None"):
        async with open_connection(server.url, dialer=dialer) as connection:
            await connection.login("alice")
            await (await server.accepted(1)).send("hello")
            await trio.sleep_forever()


async def test_hooks_that_cannot_work_are_refused_at_once():
    """T7: a coroutine function reads no message."""

    async def coroutine(message):
        return None

    class Asynchronous:
        async def __call__(self, message):
            return None

    for hook in (coroutine, Asynchronous(), None):
        with pytest.raises(TypeError):
            ThrottlingDialer(MemoryServer().dialer, hook)


async def test_hook_that_cannot_read_a_message_is_a_bug_on_real_sockets_too():
    """T7: what a hook raises is not taken for what the peer has sent."""
    with trio.fail_after(10):
        async with open_server() as server:
            dialer = ThrottlingDialer(server.dialer, lambda message: message.decode() == "slow")
            with pytest.raises(UnicodeDecodeError):
                async with open_connection(server.url, dialer=dialer) as connection:
                    await connection.login("alice")
                    await (await server.accepted(1)).send(b"\xff\xfe")
                    await trio.sleep_forever()
