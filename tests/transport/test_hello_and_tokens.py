"""The token's way to the server, and the first talk with it, until which nothing is open."""

from __future__ import annotations

import json
import sys
import textwrap
from contextlib import asynccontextmanager
from subprocess import PIPE

import pytest
import trio
import trio.testing

from statemodel import Code, Mode, Reason, Status
from tests.transport.sockets import SHORT, Renewing, code_of, read
from transport import Connection, DialError, HelloDialer, TokenIn, WebSocketDialer, open_connection
from transport.testing import MemoryServer, Server

SECRET = "s3cr3t-t0ken-of-alice"

WEBSOCKETS_SERVER = textwrap.dedent(
    """
    import asyncio, json
    from websockets.asyncio.server import serve

    async def tell(socket):
        headers = socket.request.headers
        seen = [headers.get(name) for name in ("Authorization", "Sec-WebSocket-Protocol")]
        await socket.send(json.dumps([*seen, socket.subprotocol]))
        await socket.wait_closed()

    async def main():
        async with serve(tell, "127.0.0.1", 0, subprotocols=["chat", "chat.v2"]) as server:
            print(server.sockets[0].getsockname()[1], flush=True)
            await asyncio.get_running_loop().create_future()

    asyncio.run(main())
    """
)


@asynccontextmanager
async def greeting(server: Server, hello, *, mode: Mode = Mode.MANUAL, **options):
    """A connection with a hello, logged in; in manual mode nothing is dialled yet."""
    dialer = HelloDialer(server.dialer, hello)
    with trio.fail_after(20):
        async with open_connection(
            server.url, dialer=dialer, mode=mode, token_in=TokenIn.HELLO, timings=SHORT, **options
        ) as connection:
            await connection.login("alice", auth_token=SECRET)
            yield connection


def changes_of(connection: Connection) -> list[tuple[Status, Reason | None]]:
    """Begin to write down the changes of status."""
    seen = []
    connection.add_status_listener("seen", lambda c: seen.append((c.current, c.reason)))
    seen.clear()
    return seen


def tasks_of(connection: Connection) -> int:
    return len(connection._driver._nursery.child_tasks)


# -- the token ---------------------------------------------------------------------------------


@pytest.mark.parametrize("offered", [(), ("chat.v2", "chat")])
@pytest.mark.parametrize("token_in", [TokenIn.HEADER, TokenIn.SUBPROTOCOL])
async def test_token_arrives_and_is_never_the_chosen_subprotocol(server, token_in, offered):
    """S1: the server sees the token; a server that takes what comes first is not believed the secret."""
    with trio.fail_after(20):
        async with open_connection(
            server.url, dialer=server.dialer, token_in=token_in, subprotocols=offered
        ) as connection:
            await connection.login("alice", auth_token=SECRET)
            await connection.wait_connected()
            chosen = connection.subprotocol
            await connection.disconnect()

            assert server.sockets[0].token == SECRET
            assert chosen == (offered[0] if offered else None)
            assert connection.subprotocol is None


@pytest.mark.parametrize(
    ("token_in", "authorization", "protocols"),
    [
        (TokenIn.HEADER, f"Bearer {SECRET}", "chat.v2"),
        (TokenIn.SUBPROTOCOL, None, f"chat.v2, bearer.{SECRET}"),
        (TokenIn.HELLO, None, "chat.v2"),
    ],
)
async def test_websockets_library_sees_the_token_where_it_was_put(
    token_in, authorization, protocols
):
    """S1: and nowhere else; a server that chooses what it knows leaves the secret aside."""
    async with trio.open_nursery() as nursery:
        command = [sys.executable, "-c", WEBSOCKETS_SERVER]
        process = await nursery.start(lambda **kw: trio.run_process(command, stdout=PIPE, **kw))
        with trio.fail_after(30):
            port = int(await process.stdout.receive_some())
            async with open_connection(
                f"ws://127.0.0.1:{port}/",
                dialer=WebSocketDialer(),
                token_in=token_in,
                subprotocols=("chat.v2",),
            ) as connection:
                await connection.login("alice", auth_token=SECRET)
                seen = json.loads(await read(connection))

                assert seen == [authorization, protocols, "chat.v2"]
                assert connection.subprotocol == "chat.v2"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("token", ["a/b", "abc=", "a,b", "a b", 'a"', "€"])
async def test_token_that_cannot_be_a_subprotocol_is_refused_at_login(token, autojump_clock):
    """S1: ValueError, without the token in it, and nothing is dialled."""
    server = MemoryServer()
    async with open_connection(
        server.url, dialer=server.dialer, token_in=TokenIn.SUBPROTOCOL
    ) as connection:
        with pytest.raises(ValueError, match="travels in a subprotocol") as caught:
            await connection.login("alice", auth_token=token)
        await trio.sleep(100)

        assert token not in str(caught.value)
        assert (connection.user, server.dials) == (None, 0)


NOT_NAMES = ("chat", None, {"chat"}, [b"chat"])
BAD_NAMES = ([""], ["two words"], ["a,b"], ["chat", "chat"], ["bearer.secret"])


@pytest.mark.parametrize(
    ("bad", "error"),
    [*((bad, TypeError) for bad in NOT_NAMES), *((bad, ValueError) for bad in BAD_NAMES)],
)
async def test_bad_subprotocols_are_refused_at_opening(bad, error):
    """O1: RFC 6455, 4.1: tokens, each once, and none that would pass for the secret."""
    with pytest.raises(error):
        async with open_connection("ws://localhost/", subprotocols=bad):
            pass
    with pytest.raises(TypeError):
        HelloDialer(MemoryServer().dialer, bad)  # nor can it be called


# -- the hello ---------------------------------------------------------------------------------


async def test_connection_is_connecting_until_the_hello_returns(server):
    """T6, K5: and what the hello did not receive goes to the application, in order."""

    async def hello(talk):
        await talk.send(talk.user.auth_token)
        assert await talk.receive() == "welcome"

    async with greeting(server, hello) as connection, trio.open_nursery() as nursery:
        nursery.start_soon(connection.connect)
        socket = await server.accepted(1)
        assert (socket.token, await socket.receive()) == (None, SECRET)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert connection.status is Status.CONNECTING
        assert await code_of(connection.send("early")) is Code.NO_WEBSOCKET_CONNECTION
        for message in ("welcome", "one", b"two", "three"):
            await socket.send(message)
        await connection.wait_connected()
        await socket.send("four")
        await connection.send("late")

        assert [await read(connection) for _ in range(4)] == ["one", b"two", "three", "four"]
        assert await socket.receive() == "late"


async def test_slow_hello_is_a_failed_dial_and_retried(server):
    """K5: the hello counts into dial_timeout."""
    hellos = []

    async def hello(talk):
        hellos.append(talk)
        if len(hellos) == 1:
            await trio.sleep_forever()

    async with greeting(server, hello) as connection:
        seen = changes_of(connection)
        await connection.connect()
        await server.sockets[0].ended.wait()

    assert seen[:4] == [
        (Status.CONNECTING, Reason.CONNECT),
        (Status.DISCONNECTED, Reason.DIAL_FAILED),
        (Status.CONNECTING, Reason.RETRY),
        (Status.CONNECTED, Reason.OPENED),
    ]
    assert (server.dials, server.most_open) == (2, 1)


@pytest.mark.parametrize("refusal", ["the hello raises", "the server closes"])
async def test_token_refused_in_the_hello_is_refreshed_once(server, refusal):
    """B5: within the same attempt, also when the server itself closes with 4401."""
    renewing = Renewing()

    async def hello(talk):
        await talk.send(talk.user.auth_token)
        if await talk.receive() == "no":
            raise DialError("not taken", close_code=4401)

    async with greeting(server, hello, authenticator=renewing) as connection:
        seen = changes_of(connection)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.connect)
            first = await server.accepted(1)
            assert await first.receive() == "old"
            if refusal == "the hello raises":
                await first.send("no")
            else:
                await first.close(4401)
            second = await server.accepted(2)
            assert await second.receive() == "new"
            await second.send("yes")

        assert seen == [
            (Status.CONNECTING, Reason.CONNECT),
            (Status.CONNECTED, Reason.OPENED),
        ]
        assert (renewing.refreshes, server.dials, server.most_open) == (1, 2, 1)


@pytest.mark.parametrize(
    "error", [OSError("no route"), trio.TooSlowError(), DialError("busy", close_code=1013)]
)
async def test_what_may_go_wrong_in_a_hello_is_a_failed_dial(server, error):
    """K5, B1: it is retried, and last_error says why."""
    errors = [error]

    async def hello(talk):
        await trio.lowlevel.checkpoint()
        if errors:
            raise errors.pop()

    async with greeting(server, hello) as connection:
        seen = changes_of(connection)
        await connection.connect()
        details = connection.last_error.details

    assert (Status.DISCONNECTED, Reason.DIAL_FAILED) in seen
    assert details in {"no route", "TooSlowError", "close code 1013: busy"}
    assert server.dials == 2


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("a bug")])
async def test_bug_in_a_hello_comes_out_as_itself(server, error):
    """K1: neither in a group nor taken for a failed dial; the descriptor is closed."""

    async def hello(talk):
        await trio.lowlevel.checkpoint()
        raise error

    with pytest.raises(type(error)) as caught:
        async with greeting(server, hello) as connection:
            await connection.connect()
    await server.sockets[0].ended.wait()
    await trio.testing.wait_all_tasks_blocked()

    assert caught.value is error
    assert (server.dials, server.open_sockets) == (1, 0)


async def test_bug_in_the_end_of_a_cancelled_hello_comes_out_as_itself(server):
    """C5: the dial is cancelled by disconnect, and the hello raises in its clean-up."""
    error = ValueError("a bug in the clean-up")

    async def hello(talk):
        try:
            await trio.sleep_forever()
        finally:
            raise error

    with pytest.raises(ValueError, match="clean-up") as caught:
        async with greeting(server, hello, mode=Mode.AUTO) as connection:
            await server.accepted(1)
            await trio.testing.wait_all_tasks_blocked()
            await connection.disconnect()

    assert caught.value is error


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        ("disconnect", Code.DISCONNECTED),
        ("logout", Code.LOGGED_OUT),
        ("enter_background", Code.APP_IN_BACKGROUND),
    ],
)
async def test_hello_is_cancelled_with_the_dial(server, leave, code):
    """C5, S5, A1, K1: the waiting connect fails with its code; no descriptor and no task is left."""
    cancelled = []

    async def hello(talk):
        try:
            await talk.receive()
        except trio.Cancelled:
            cancelled.append(True)
            raise

    codes = []

    async def connect():
        codes.append(await code_of(connection.connect()))

    dialer = HelloDialer(server.dialer, hello)
    with trio.fail_after(20):
        async with open_connection(server.url, dialer=dialer) as connection:
            tasks = tasks_of(connection)
            await connection.login("alice")
            socket = await server.accepted(1)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connect)
                await trio.testing.wait_all_tasks_blocked(0.01)
                result = getattr(connection, leave)()
                if result is not None:
                    await result
            await socket.ended.wait()
            await trio.testing.wait_all_tasks_blocked()

            assert (codes, cancelled) == ([code], [True])
            assert (tasks_of(connection), server.open_sockets) == (tasks, 0)
            assert connection.status is Status.DISCONNECTED


async def test_hello_has_room_of_its_own(server):
    """K6: it works while the application reads nothing, and hands over more than it has room for."""
    total = 300

    async def hello(talk):
        assert await talk.receive() == "hello"
        await trio.testing.wait_all_tasks_blocked(0.01)  # meanwhile its own room is filled

    async def play(number):
        socket = await server.accepted(number)
        await socket.send("hello")
        for n in range(total):
            await socket.send(f"{number}: {n}")

    async with (
        greeting(server, hello, max_unread=4) as connection,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(play, 1)
        await connection.connect()
        first = [await read(connection) for _ in range(total)]
        await server.sockets[0].send("unread")
        for _ in range(3):
            await server.sockets[0].send("unread")
        await trio.testing.wait_all_tasks_blocked(0.01)
        connection.network_lost()
        nursery.start_soon(play, 2)
        connection.network_restored()
        await connection.connect()
        unread = [await read(connection) for _ in range(4)]
        second = [await read(connection) for _ in range(total)]

        assert first == [f"1: {n}" for n in range(total)]
        assert unread == ["unread"] * 4
        assert second == [f"2: {n}" for n in range(total)]
