"""A server that costs next to nothing, so that what is measured is the client.

    python -m tests.benchmarks.server

Prints its port. It answers the upgrade, and then, by the path of the request: `/blast/SIZE/COUNT` sends so
many text messages after the first frame that comes; `/sink/SIZE/COUNT` counts bytes until so many have come,
and says so; `/echo/SIZE` answers each message of that size with one as long; `/pong` answers pings; `/idle` does
nothing. It knows the sizes of messages beforehand, so that it parses none. It ends with its standard input,
and leaves Ctrl-C to whoever started it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import resource
import signal
import sys
from base64 import b64encode

_CLOSE = b"\x88\x02\x03\xe8"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def frame(size: int) -> bytes:
    """Return an unmasked text frame with so many letters."""
    return _head(0x81, size, 0) + b"x" * size


def masked_size(size: int) -> int:
    """Return how long the client's frame of so many letters is."""
    return len(_head(0x81, size, 0x80)) + 4 + size


def _head(first: int, size: int, mask: int) -> bytes:
    if size < 126:
        return bytes((first, mask | size))
    if size < 2**16:
        return bytes((first, mask | 126)) + size.to_bytes(2, "big")
    return bytes((first, mask | 127)) + size.to_bytes(8, "big")


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = request.split(" ", 2)[1]
        key = re.search(r"(?i)sec-websocket-key: *(\S+)", request)
        assert key is not None
        accept = b64encode(hashlib.sha1((key[1] + _GUID).encode()).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        await writer.drain()
        match path.split("/")[1:]:
            case ["blast", size, count]:
                await reader.read(64)
                await _blast(writer, frame(int(size)), int(count))
            case ["sink", size, count]:
                left = masked_size(int(size)) * int(count)
                while left > 0 and (data := await reader.read(2**18)):
                    left -= len(data)
                writer.write(frame(4))
            case ["echo", size]:
                await _echo(reader, writer, int(size))
            case ["pong"]:
                await _pong(reader, writer)
            case _:
                pass
        await writer.drain()
        if await reader.read(2**16):  # a close frame
            writer.write(_CLOSE)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: int) -> None:
    answer, whole, left = frame(size), masked_size(size), b""
    while data := await reader.read(2**18):
        left += data
        if left[:1] == _CLOSE[:1]:
            writer.write(_CLOSE)
            await writer.drain()
            return
        count = len(left) // whole
        if count:
            writer.write(answer * count)
            left = left[count * whole :]


async def _pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (head := await reader.readexactly(2))[0] == 0x89:
        mask, payload = await reader.readexactly(4), await reader.readexactly(head[1] & 0x7F)
        plain = bytes(one ^ mask[place % 4] for place, one in enumerate(payload))
        writer.write(_head(0x8A, len(plain), 0) + plain)
    writer.write(_CLOSE)


async def _blast(writer: asyncio.StreamWriter, one: bytes, count: int) -> None:
    together = max(1, 2**18 // len(one))
    while count > 0:
        writer.write(one * min(count, together))
        count -= together
        await writer.drain()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=4096, limit=2**18)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin, lambda: os.read(0, 1) or ended.set())
    await ended.wait()
    server.close()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_main())
