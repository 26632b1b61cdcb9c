"""What a server may send, on real sockets: breaches of protocol, too much, and floods."""

from __future__ import annotations

import tracemalloc

import pytest
import trio

from statemodel import Code, Status
from tests.transport.sockets import WORDS, code_of, connected, read
from transport import TransportError
from transport.testing import open_server


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x02\xc3\x28", 1007),
        (b"\x01\x01\xc3\x80\x00", 1007),  # half a character at the end of the last fragment
        (b"\x83\x00", 1002),  # a reserved opcode
        (b"\x81\x81\0\0\0\0x", 1002),  # a mask, from a server
        (b"\xc1\x00", 1002),  # a reserved bit
        (b"\x80\x00", 1002),  # the continuation of nothing
        (b"\x89\x7e\x00\x7e" + b"x" * 126, 1002),  # too long for a ping
        (b"\x88\x01\x03", 1002),  # half a close code
        (b"\x88\x02\x03\xed", 1002),  # 1005, which is never on the wire
        (b"\x88\x04\x03\xe8\xc3\x28", 1007),  # a close reason that is not UTF-8
    ],
)
async def test_a_breach_of_protocol_is_closed_and_final(data: bytes, code: int) -> None:
    async with open_server() as server, connected(server) as (connection, socket):
        await socket.send("before")
        await socket.send_raw(data)

        assert await read(connection) == "before"
        assert await code_of(read(connection)) is Code.CONNECTION_REFUSED
        assert connection.last_error is not None
        assert connection.last_error.code is Code.CONNECTION_REFUSED
        with trio.fail_after(3):
            await socket.ended.wait()

        assert socket.close_code == code
        assert server.dials == 1


@pytest.mark.parametrize("code", [1004, 1012, 1014, 1016, 2999])
async def test_a_close_code_that_nobody_knows_is_a_loss(code: int) -> None:
    """B5: a gateway's 1014 is younger than the RFC, and the connection comes back."""
    async with open_server() as server, connected(server) as (connection, socket):
        await socket.send_raw(b"\x88\x02" + code.to_bytes(2, "big"))
        await server.accepted(2)
        await connection.wait_connected()

        assert connection.last_error is not None
        assert connection.last_error.code is Code.CONNECTION_LOST


async def test_a_message_over_the_limit_is_closed_with_1009_and_final() -> None:
    async with open_server() as server, connected(server, max_message_size=1000) as (c, socket):
        await c.send("x" * 1000)
        await socket.send("é" * 500)

        assert await read(c) == "é" * 500
        assert await code_of(c.send("é" * 501)) is Code.MESSAGE_TOO_BIG
        assert c.status is Status.CONNECTED
        await socket.send("é" * 501)

        assert await code_of(read(c)) is Code.CONNECTION_REFUSED
        assert "1000 bytes" in str(c.last_error)
        with trio.fail_after(3):
            await socket.ended.wait()

        assert socket.close_code == 1009
        assert [len(m) for m in socket.received] == [1000]


@pytest.mark.parametrize(
    ("start", "frame", "count", "end", "result"),
    [
        (b"", b"\x81\x01x", 20_000, b"", "x"),
        (b"", b"\x89\x7d" + b"p" * 125, 10_000, b"\x81\x01x", "x"),
        (b"", b"\x8a\x7d" + b"p" * 125, 10_000, b"\x81\x01x", "x"),
        (b"\x01\x00", b"\x00\x00", 50_000, b"\x80\x01x", "x"),
        (b"\x02\x00", b"\x00\x01b", 20_000, b"\x80\x00", b"b" * 20_000),
    ],
    ids=["tiny-messages", "pings", "pongs", "empty-fragments", "tiny-fragments"],
)
async def test_a_flood_of_frames_stays_bounded(
    start: bytes, frame: bytes, count: int, end: bytes, result: str | bytes
) -> None:
    async with open_server() as server, connected(server) as (connection, socket):
        socket.stop_reading()  # nor does it take the pongs
        tracemalloc.start()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(socket.send_raw, start + frame * count + end)
                got = [await read(connection) for _ in range(1 if end else count)]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert set(got) == {result}
        assert peak < 4 * 2**20
        socket.resume()
        await connection.ping()
        await connection.send("still here")

        assert await socket.receive() == "still here"


async def test_unknown_and_repeated_pongs_are_ignored() -> None:
    async with open_server() as server, connected(server) as (connection, socket):
        socket.withhold_pongs()
        results: list[object] = []

        async def ping() -> None:
            try:
                results.append(await connection.ping())
            except TransportError as error:
                results.append(error.code)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            await socket.pinged(1)
            await socket.send_pong(b"unknown")
            for _ in range(3):
                await socket.send_pong(socket.pings[0][1])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            await socket.pinged(2)
            await socket.send_pong(socket.pings[0][1])

        assert isinstance(results[0], float)
        assert results[1] is Code.PING_TIMEOUT
        assert connection.status is Status.CONNECTED


@pytest.mark.parametrize(
    "message", [WORDS, WORDS.encode(), "", b""], ids=["str", "bytes", "no-str", "no-bytes"]
)
async def test_messages_of_any_size_go_both_ways_intact(message: str | bytes) -> None:
    async with (
        open_server() as server,
        connected(server, max_message_size=2**22) as (connection, socket),
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(connection.send, message)
        nursery.start_soon(socket.send, message)

        assert await socket.receive() == message == await read(connection)
