"""An application written as in the README, against a server of another library, through restarts."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import trio

from statemodel import Timings
from transport import Status, open_connection

SERVER = textwrap.dedent(
    """
    import asyncio, sys
    from websockets.asyncio.server import serve

    async def echo(socket):
        async for message in socket:
            await socket.send(f"{sys.argv[2]}: {message}")

    async def main():
        async with serve(echo, "127.0.0.1", int(sys.argv[1])) as server:
            print(server.sockets[0].getsockname()[1], flush=True)
            await asyncio.get_running_loop().create_future()

    asyncio.run(main())
    """
)


def start(port: int, name: str) -> tuple[subprocess.Popen[str], int]:
    """Run a server of the library `websockets` in a process of its own; return it with its port."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port), name], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def stop(process: subprocess.Popen[str]) -> None:
    """Kill a server and wait until it is gone."""
    process.kill()
    process.communicate()


async def test_connection_outlives_restarts_of_a_websockets_server():
    """Killed and started again three times: the loop over messages goes on by itself."""
    timings = Timings(backoff_base=0.05, backoff_cap=0.2, dial_timeout=5.0)
    server, port = await trio.to_thread.run_sync(start, 0, "server 0")
    got = []
    try:
        with trio.fail_after(60):
            async with (
                open_connection(f"ws://127.0.0.1:{port}/", timings=timings) as connection,
            ):
                await connection.login("alice", auth_token="secret")

                messages = aiter(connection)
                for round_ in range(4):
                    await connection.wait_connected()
                    await connection.send("hello")
                    assert 0 <= await connection.ping() < 10
                    got.append(await anext(messages))
                    if round_ < 3:
                        await trio.to_thread.run_sync(stop, server)
                        await connection.wait_status(Status.DISCONNECTED, Status.CONNECTING)
                        server, _ = await trio.to_thread.run_sync(
                            start, port, f"server {round_ + 1}"
                        )
    finally:
        stop(server)

    assert got == [f"server {n}: hello" for n in range(4)]
