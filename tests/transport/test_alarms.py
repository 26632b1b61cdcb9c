"""One task waits for the deadlines of all connections that go by one clock (H4, H5)."""

from __future__ import annotations

import contextvars
import gc
import signal
import weakref
from contextlib import asynccontextmanager
from decimal import Decimal
from math import inf, nan

import pytest
import trio
import trio.testing

from statemodel import Reason, Status, Timings
from transport import _alarms, open_connection
from transport._alarms import Alarm, _watches
from transport.testing import Hang, MemoryServer


@asynccontextmanager
async def alarms(*names, clock=trio.current_time):
    """Alarms by these names, and what rings: name and time."""
    rung = []
    async with trio.open_nursery() as nursery:

        def new(name):
            return Alarm(
                lambda: rung.append((name, trio.current_time())), clock=clock, nursery=nursery
            )

        made = [new(name) for name in names]
        try:
            yield *made, rung
        finally:
            for alarm in made:
                alarm.end()


async def test_the_earliest_rings_first_and_each_once(autojump_clock):
    """H4: in the order of their deadlines, whoever set them first."""
    async with alarms("a", "b", "c") as (a, b, c, rung):
        a.set(3.0)
        b.set(1.0)
        c.set(2.0)
        await trio.sleep(10)

        assert rung == [("b", 1.0), ("c", 2.0), ("a", 3.0)]


async def test_only_the_last_deadline_counts(autojump_clock):
    """H4: put off, brought forward, called off, and put off again after that."""
    async with alarms("off", "on", "never", "again") as (off, on, never, again, rung):
        off.set(1.0)
        off.set(5.0)
        on.set(5.0)
        on.set(2.0)
        never.set(1.0)
        never.set(inf)
        again.set(5.0)
        again.set(1.0)
        again.set(5.0)
        await trio.sleep(1)
        again.set(4.0)
        await trio.sleep(10)

        assert rung == [("on", 2.0), ("again", 4.0), ("off", 5.0)]


async def test_at_equality_whoever_woke_then_comes_first(autojump_clock):
    """H4: the input goes first."""
    async with alarms("a") as (a, rung), trio.open_nursery() as nursery:

        async def someone():
            await trio.sleep_until(1.0)
            rung.append(("someone", trio.current_time()))

        for _ in range(5):
            nursery.start_soon(someone)
        a.set(1.0)
        await trio.sleep(2)

        assert rung == [("someone", 1.0)] * 5 + [("a", 1.0)]


async def test_what_has_ended_never_rings(autojump_clock):
    """G3: ended by another that rings at the same time, or before its time; ending twice is no matter."""
    async with trio.open_nursery() as nursery:
        rung = []
        second = Alarm(lambda: rung.append("second"), clock=trio.current_time, nursery=nursery)

        def ring():
            rung.append("first")
            second.end()
            second.set(1.0)

        first = Alarm(ring, clock=trio.current_time, nursery=nursery)
        other = Alarm(list, clock=trio.current_time, nursery=nursery)  # their watch goes on
        first.set(1.0)
        second.set(1.0)
        await trio.sleep(2)
        first.set(3.0)
        first.end()
        first.end()
        await trio.sleep(2)
        second.set(5.0)
        first.set(5.0)
        await trio.sleep(2)
        other.end()

    assert rung == ["first"]


async def test_what_raised_once_rings_no_more(autojump_clock):
    """G3: its connection has broken down."""
    rung = []

    def ring():
        rung.append(trio.current_time())
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        async with trio.open_nursery() as nursery:
            alarm = Alarm(ring, clock=trio.current_time, nursery=nursery)
            alarm.set(1.0)
            with trio.CancelScope(shield=True):
                await trio.sleep(2)
                alarm.set(3.0)
                await trio.sleep(2)
    assert len(caught.value.exceptions) == 1
    assert rung == [1.0]


async def test_deadlines_that_move_leave_nothing_behind(autojump_clock):
    """G3: 10,000 moves back and forth of three alarms, and a queue that stays short."""
    async with alarms("a", "b", "c") as (*made, rung):
        (watch,) = _watches.get().values()
        for number in range(10_000):
            made[number % 3].set(1e6 - number)
            made[number % 3].set(2e6)
        assert len(watch._queue) < 100
        await trio.sleep_until(3e6)

        assert sorted(rung) == [("a", 2e6), ("b", 2e6), ("c", 2e6)]
    await trio.testing.wait_all_tasks_blocked()
    assert not _watches.get()


async def test_what_is_called_off_leaves_nothing_behind(autojump_clock):
    """G3: a connection that goes to the background has no deadline, and comes back again and again."""
    async with alarms("a") as (a, rung):
        (watch,) = _watches.get().values()
        for _ in range(10):
            a.set(trio.current_time() + 1)
            a.set(inf)
            await trio.sleep(2)
            assert not watch._queue
        assert not rung


async def test_what_has_ended_is_let_go_of_before_its_time(autojump_clock):
    """G3: a connection that is gone is not kept by those that go on."""

    class Owner:
        def ring(self):
            raise AssertionError

    async with alarms("other") as (other, rung), trio.open_nursery() as nursery:
        owner = Owner()
        alarm = Alarm(owner.ring, clock=trio.current_time, nursery=nursery)
        alarm.set(1.0)
        kept = weakref.ref(owner)
        alarm.end()
        del alarm, owner
        gc.collect()

        assert kept() is None
        other.set(2.0)
        await trio.sleep(3)
        assert rung == [("other", 2.0)]


@pytest.mark.parametrize("where", ["heappush", "heapify", "_Watch.leave"])
def test_ctrl_c_finds_no_queue_half_done(where, monkeypatch):
    """G3: it is everybody's, and who is interrupted and goes on wants its deadlines, too."""
    *outer, name = where.split(".")
    holder = getattr(_alarms, outer[0]) if outer else _alarms
    real, armed, pressed = getattr(holder, name), [], []

    def interrupted(*arguments):
        if armed and not pressed:
            pressed.append(where)
            signal.raise_signal(signal.SIGINT)
        return real(*arguments)

    monkeypatch.setattr(holder, name, interrupted)

    async def main():
        async with alarms("gone", "moved", "x", "y", "z") as (gone, moved, *others, rung):
            for alarm, due in zip((gone, *others), (10.0, 30.0, 20.0, 40.0), strict=True):
                alarm.set(due)
            armed.append(True)
            with pytest.raises(KeyboardInterrupt):
                gone.end()
                for number in range(100):
                    moved.set(190.0 - number)
                await trio.lowlevel.checkpoint()  # it is put off until here
            moved.set(200.0)
            await trio.sleep_until(300.0)
        await trio.testing.wait_all_tasks_blocked()
        assert not _watches.get()
        return rung

    rung = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert pressed
    assert rung == [("y", 20.0), ("x", 30.0), ("z", 40.0), ("moved", 200.0)]


def test_ctrl_c_leaves_no_queue_without_its_task(monkeypatch):
    """H4: the next connection that goes by this clock wants its deadlines, too."""
    spawn, pressed = trio.lowlevel.spawn_system_task, []

    def interrupted(task):
        if not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)
        return spawn(task)

    monkeypatch.setattr(trio.lowlevel, "spawn_system_task", interrupted)

    async def main():
        with pytest.raises(BaseExceptionGroup) as caught:
            async with alarms("a"):
                await trio.lowlevel.checkpoint()  # it is put off until here
        assert caught.group_contains(KeyboardInterrupt)
        async with alarms("b") as (b, rung):
            b.set(1.0)
            await trio.sleep(2)
        return rung

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) == [("b", 1.0)]
    assert pressed


@asynccontextmanager
async def dialling(**options):
    """A connection whose dial is not answered: it is given up after dial_timeout."""
    server = MemoryServer()
    server.plan(*[Hang()] * 100)
    async with open_connection(
        server.url,
        dialer=server.dialer,
        draw=lambda: 0.5,
        clock=trio.current_time,
        **options,
    ) as connection:
        await connection.login("alice")
        await server.dialled(1)
        yield connection


async def test_what_a_listener_raises_at_a_deadline_ends_its_connection_alone(autojump_clock):
    """T4: Ctrl-C in a listener; another connection on the same clock goes on."""

    def interrupt(change):
        if change.reason is Reason.DIAL_FAILED:
            raise KeyboardInterrupt

    async with dialling() as other:
        with pytest.raises(KeyboardInterrupt):
            async with dialling() as connection:
                connection.add_status_listener("t", interrupt)
                await trio.sleep_forever()
        seen = []
        other.add_status_listener("t", lambda change: seen.append(change.current))
        await trio.sleep(100)

        assert seen.count(Status.CONNECTING) > 2


def test_ctrl_c_reaches_a_listener_that_is_called_at_a_deadline():
    """T4: it is not put off until the listener comes back, which may be never."""
    reached = []

    def stuck(change):
        if change.reason is Reason.DIAL_FAILED:
            try:
                signal.raise_signal(signal.SIGINT)
                reached.append("the end")
            except KeyboardInterrupt:
                reached.append("Ctrl-C")
                raise

    async def main():
        async with dialling() as connection:
            connection.add_status_listener("t", stuck)
            await trio.sleep_forever()

    clock = trio.testing.MockClock(autojump_threshold=0)
    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=clock)
    assert reached == ["Ctrl-C"]


async def test_a_listener_called_at_a_deadline_has_the_context_of_its_connection(autojump_clock):
    """T4: as if a task of the connection had called it."""
    whose = contextvars.ContextVar("whose", default="nobody's")
    seen = []
    whose.set("mine")
    async with dialling() as connection:
        whose.set("later")
        connection.add_status_listener("t", lambda change: seen.append(whose.get()))
        seen.clear()
        await trio.sleep(11)

        assert set(seen) == {"mine"}


@pytest.mark.parametrize(
    "broken", [lambda: 1 / 0, lambda: nan, lambda: None, lambda: "noon", lambda: Decimal(5)]
)
async def test_a_broken_clock_comes_out_of_its_connection_alone(broken, autojump_clock):
    """H5: not out of the task that waits for all, which trio takes for a crash of its own."""
    server, works = MemoryServer(), [True]

    def clock():
        return trio.current_time() if works[0] else broken()

    async with dialling() as other:
        with pytest.raises((Exception, ExceptionGroup)) as caught:
            async with open_connection(
                server.url, dialer=server.dialer, clock=clock, timings=Timings(dial_timeout=20)
            ) as connection:
                await connection.login("alice")
                await connection.wait_connected()
                works[0] = False
                with trio.fail_after(5):
                    await trio.sleep_forever()
        assert not isinstance(caught.value, (trio.TrioInternalError, trio.TooSlowError))
        await trio.sleep(100)
        assert other.status is not Status.CONNECTED
