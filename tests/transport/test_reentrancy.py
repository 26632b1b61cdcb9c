"""What happens in the midst of a step, and when something is interrupted or breaks (T4, C4, O4)."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from statemodel import Code, Mode, Status
from transport import TransportError, open_connection
from transport.testing import MemoryServer, Refuse


async def test_what_a_listener_asks_on_being_added_comes_after_it(autojump_clock):
    """T4, T5: the first call of a listener is a step of its own, so it is never entered twice."""
    inside = []
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer) as connection:
        await connection.login("alice")
        await connection.wait_connected()

        def listen(change):
            inside.append("begin")
            connection.enter_background()
            inside.append("end")

        connection.add_status_listener("eager", listen)

        assert inside == ["begin", "end"] * 2
        assert connection.status is Status.DISCONNECTED


async def test_interrupted_listener_strands_nothing_that_was_asked_meanwhile(autojump_clock):
    """T4, H4: what another listener of the step had asked for happens all the same, and now."""
    server = MemoryServer()
    server.plan(Refuse(500))
    async with open_connection(server.url, dialer=server.dialer, draw=lambda: 0.99) as connection:
        await connection.login("alice")
        await connection.wait_status(Status.DISCONNECTED)

        def interrupt(change):
            if change.sequence == told + 1:
                raise KeyboardInterrupt

        def come_back(change):
            if change.sequence > told:
                connection.enter_foreground()

        changes = []
        connection.add_status_listener("count", changes.append)
        told = changes[-1].sequence
        connection.add_status_listener("come back", come_back)
        connection.add_status_listener("interrupt", interrupt)
        with pytest.raises(KeyboardInterrupt):
            connection.enter_background()

        assert connection.status is Status.CONNECTING


async def test_keep_alive_stays_in_step_with_a_listener_that_comes_back(autojump_clock):
    """H3: a foreground that a listener reports in the midst of the background's step ends the pings."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, mode=Mode.MANUAL) as connection:
        await connection.login("alice")
        await connection.connect()
        await connection.disconnect()
        server.plan(Refuse(500))
        with trio.move_on_after(0):
            await connection.connect()
        await trio.testing.wait_all_tasks_blocked()
        calls = iter([connection.enter_foreground])

        def come_back(change):
            if change.reason == "background":
                next(calls, lambda: None)()

        connection.add_status_listener("come back", come_back)
        async with connection.keep_alive():
            connection.enter_background()
            await connection.connect()
            socket = await server.accepted(2)
            await trio.sleep(100)

            assert [seen for seen, _ in socket.pings[1:2]] == [socket.pings[0][0] + 30]  # H1


async def test_waiting_call_ends_when_the_connection_breaks_down(autojump_clock):
    """C4: a clock with a bug comes out of the block, and whoever waits elsewhere is let go."""
    server = MemoryServer()
    server.plan(Refuse(500), Refuse(500), Refuse(500))
    broken = trio.Event()

    def clock():
        if broken.is_set():
            raise ZeroDivisionError("a bug in the clock")
        return trio.current_time()

    ended = []

    async def wait(connection):
        with pytest.raises(TransportError) as caught:
            await connection.connect()
        ended.append(caught.value.code)

    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            with pytest.raises(BaseException) as caught:  # noqa: PT011 - one or two of the same kind
                async with open_connection(
                    server.url, dialer=server.dialer, clock=clock
                ) as connection:
                    await connection.login("alice")
                    nursery.start_soon(wait, connection)
                    await trio.testing.wait_all_tasks_blocked()
                    broken.set()
                    await trio.sleep(100)

    assert ended == [Code.CLOSED]
    assert "bug in the clock" in repr(caught.value)


async def test_cancellation_of_the_connections_own_tasks_stays_inside(autojump_clock):
    """O4: what comes out beside a bug of a network monitor has no cancellation of ours in it."""

    async def monitor(report):
        await trio.sleep(1)
        raise ZeroDivisionError("a bug in the monitor")

    async def clean_up_badly():
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("clean-up")

    server = MemoryServer()
    with pytest.raises(BaseExceptionGroup) as caught:
        async with open_connection(server.url, dialer=server.dialer, network_monitor=monitor):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(clean_up_badly)
                nursery.start_soon(trio.sleep_forever)

    assert caught.value.split(trio.Cancelled)[0] is None
    assert caught.group_contains(ZeroDivisionError)
    assert caught.group_contains(ValueError)
