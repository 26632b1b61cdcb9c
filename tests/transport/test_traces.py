"""What a connection writes down of itself, and what it never does."""

from __future__ import annotations

import subprocess
import sys

import pytest
import trio
import trio.testing

from statemodel import Mode, Timings
from statemodel import traces as t
from statemodel.recordings import judged
from statemodel.recordings._lines import DialerLine, MessageLine, NoteLine, RecordedStep
from statemodel.rules import RULES
from statemodel.trace_rules import TRACE_RULES
from tests.conformance.test_protocol import wrong
from tests.statemodel.test_replay import SCHEMA
from tests.transport.scenarios import SCENARIOS
from tests.transport.stage import Stage
from tests.transport.trace_files import lines_of, recording_in, recordings_in, spoil
from transport import (
    Policy,
    Reason,
    Status,
    Trace,
    TransportError,
    open_connection,
)
from transport.testing import Accept, Hang, MemoryServer, Refuse, open_server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trace.jsonl"


async def live(connection, server):
    """Let much happen to a connection in auto mode."""
    await connection.login("alice", auth_token="a-secret-token")
    await connection.wait_connected()
    socket = await server.accepted(1)
    await socket.send("hello")
    await anext(aiter(connection))
    await connection.send(b"\x00\x01")
    await connection.ping()
    await trio.sleep(35)
    socket.drop()
    await connection.wait_status(Status.DISCONNECTED)
    await connection.wait_connected()
    connection.enter_background()
    await trio.sleep(100)
    connection.enter_foreground()
    await connection.wait_connected()
    connection.network_lost()
    connection.network_restored()
    await connection.wait_connected()
    with trio.move_on_after(1):
        await connection.connect()
    await connection.logout()
    with pytest.raises(TransportError):
        await connection.ping()


async def test_a_trace_keeps_the_rules_and_can_be_replayed(autojump_clock, path):
    """A1, A3, H1, N1: judged by all that a trace shows, and a machine told the same says the same."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, trace=path) as connection:
        await live(connection, server)
    recording = recording_in(path)
    verdict = judged(recording, tuple(RULES))

    assert verdict.findings == ()
    assert verdict.difference is None
    assert verdict.until is None
    assert verdict.slack == 1e-6
    assert recording.troubles == []
    assert {"A1", "A3", "H1", "N1", "K1", "K6"} <= set(verdict.judged)
    assert [w for line in lines_of(path) if (w := wrong(line, SCHEMA, SCHEMA))] == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_scenario_can_be_replayed(scenario, tmp_path):
    """K1, B5, P2 and all others: what is seen of the machine's steps keeps the rules as what was seen outside does."""

    class TracedStage(Stage):
        def open(self, mode=Mode.AUTO, **options):
            path = tmp_path / f"{len(self.traces)}.jsonl"
            return super().open(mode, trace=path, **options)

    async def main():
        stage = TracedStage(MemoryServer(), Timings(), 0.0, trio.testing.wait_all_tasks_blocked)
        with trio.fail_after(600):
            await scenario(stage)
        return stage

    stage = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    for number, trace in enumerate(stage.traces):
        recording = recording_in(tmp_path / f"{number}.jsonl")
        verdict = judged(recording, tuple(RULES))
        statuses = [row.entry for row in verdict.rows if isinstance(row.entry, t.StatusSeen)]

        assert verdict.findings == ()
        assert verdict.difference is None
        assert recording.troubles == []
        assert statuses[: len(seen := [e for e in trace if isinstance(e, t.StatusSeen)])] == seen


async def test_manual_mode_is_traced_as_well(autojump_clock, path):
    """M5: the window ends on time, and so says the trace."""
    server = MemoryServer()
    async with open_connection(
        server.url, dialer=server.dialer, mode=Mode.MANUAL, online=True, trace=path
    ) as connection:
        await connection.login("alice")
        await connection.connect()
        connection.enter_background()
        await trio.sleep(31)
    verdict = judged(recording_in(path), tuple(RULES))
    text = [row.text for row in verdict.rows]

    assert verdict.findings == ()
    assert "status: disconnected (background_timeout)" in text
    assert set(verdict.judged) >= {"M3", "M5"}


async def test_all_parts_of_a_life_are_in_a_trace(autojump_clock, path):
    """Messages both ways, the dialer's runs, and every step, each with its time."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, trace=path) as connection:
        await live(connection, server)
    lines = [line for _, line in recording_in(path).lines]
    messages = [
        (m.message, m.socket, m.number, m.kind, m.size) for m in lines if isinstance(m, MessageLine)
    ]
    dialers = [(d.dialer, d.socket) for d in lines if isinstance(d, DialerLine)]

    assert messages == [
        ("in", 1, 1, "text", 5),
        ("delivered", 1, 1, "text", 5),
        ("out", 1, 1, "binary", 2),
        ("written", 1, 1, "binary", 2),
    ]
    assert dialers == [(what, n) for n in (1, 2, 3, 4) for what in ("begun", "ended")]
    assert sum(isinstance(line, RecordedStep) for line in lines) > 30


async def test_unread_messages_that_are_dropped_are_not_delivered_in_a_trace(autojump_clock, path):
    """K3: what the next socket brings has its own number, not that of what was dropped."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, trace=path) as connection:
        await connection.login("alice")
        for count in (1, 2):
            connection.enter_foreground()
            await connection.wait_connected()
            socket = await server.accepted(count)
            await socket.send("one")
            await socket.send("two")
            await trio.sleep(1)
            if count == 1:
                connection.enter_background()
        await anext(aiter(connection))
    recording = recording_in(path)
    lines = [line for _, line in recording.lines if isinstance(line, MessageLine)]

    assert [(m.message, m.socket, m.number) for m in lines] == [
        *(("in", socket, number) for socket in (1, 2) for number in (1, 2)),
        ("delivered", 2, 1),
    ]
    assert judged(recording).findings == ()


async def test_a_header_says_how_the_connection_was_opened(autojump_clock, path):
    """O1, O2: mode, start, settings, policy; where to without path and query; and on what it ran."""
    timings, policy = Timings(dial_timeout=3.0), Policy(auth_codes={4999})
    async with open_connection(
        "wss://example.org:444/a/path?and=query",
        mode=Mode.MANUAL,
        timings=timings,
        policy=policy,
        foreground=False,
        online=False,
        trace=Trace(path, messages="none", uids=True),
    ):
        pass
    header = recording_in(path).header

    assert (header.mode, header.foreground, header.online) == (Mode.MANUAL, False, False)
    assert header.timings == timings
    assert 4999 in header.policy.auth_codes
    assert 4401 not in header.policy.auth_codes
    assert header.server == "wss://example.org:444"
    assert (header.messages, header.uids) == ("none", "given")
    assert set(header.versions) == {"statemodel", "python", "trio", "platform"}
    assert header.versions["platform"] == sys.platform


# -- the file ------------------------------------------------------------------------------------


async def test_a_second_run_continues_the_file(autojump_clock, path):
    """A header of its own, and every trace stands alone, even behind a line that is cut off."""
    server = MemoryServer()
    for end in (b'{"time":1', b""):
        async with open_connection(server.url, dialer=server.dialer, trace=path) as connection:
            await connection.login("alice")
        spoil(path, end)
    first, second = recordings_in(path)

    assert "cut off" in first.troubles[0]
    assert second.troubles == []
    assert judged(second, tuple(RULES)).difference is None


async def test_a_full_file_is_put_aside(autojump_clock, path):
    """It takes the name PATH.1, so that a trace and the one before it are there, and no more."""
    old = b'{"trace":1}\n' + b" " * 2**16 + b"\n"
    path.write_bytes(old)
    async with open_connection("wss://example.org", trace=Trace(path, max_bytes=2**16)):
        pass

    assert path.with_name("trace.jsonl.1").read_bytes() == old
    assert recording_in(path).troubles == []


async def test_a_trace_ends_where_it_is_full(autojump_clock, path):
    """Messages stop at three quarters, so that room is left for what happens; then all of it stops."""
    server, troubles = MemoryServer(), []
    async with open_connection(
        server.url,
        dialer=server.dialer,
        trace=Trace(path, max_bytes=2**16),
        on_listener_error=lambda listener, error: troubles.append((listener, error)),
    ) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        for _ in range(2000):
            await connection.send("x")
        assert path.stat().st_size < 2**16 * 0.8
        assert troubles == []
        for _ in range(300):
            await connection.ping()
        assert connection.status is Status.CONNECTED
        await trio.sleep(1)
    recording = recording_in(path)
    ((listener, error),) = troubles

    assert 2**16 * 0.9 < path.stat().st_size <= 2**16
    assert (listener, "max_bytes" in str(error)) == ("trace", True)
    assert "max_bytes" in recording.troubles[0]
    assert "needs messages" in judged(recording, tuple(RULES)).not_judged["K6"]


# -- no trace ------------------------------------------------------------------------------------


async def test_a_message_that_is_too_large_for_the_trace_ends_the_messages_alone(
    autojump_clock, path
):
    """It may be larger than what is left: what happens afterwards is still written down."""
    server, troubles = MemoryServer(), []
    async with open_connection(
        server.url,
        dialer=server.dialer,
        trace=Trace(path, messages="contents", max_bytes=2**16),
        on_listener_error=lambda *told: troubles.append(told),
    ) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        await connection.send("x" * 100_000)
        await connection.ping()
    recording = recording_in(path)
    notes = [line.note for _, line in recording.lines if isinstance(line, NoteLine)]

    assert (troubles, recording.troubles) == ([], [])
    assert notes == ["messages_off", "closed"]
    assert path.stat().st_size < 2**16


async def test_without_a_trace_a_connection_has_plain_parts(autojump_clock):
    """No wrapper stands on the way of an event or a message, so that none costs anything."""
    from statemodel import Machine
    from transport._inbox import Inbox

    dialer = MemoryServer().dialer
    async with open_connection("ws://localhost", dialer=dialer) as connection:
        driver = connection._driver

        assert type(driver.machine) is Machine
        assert type(driver.inbox) is Inbox
        assert driver._dialer is dialer


def test_who_writes_traces_does_not_load_what_judges_them():
    """An application that embeds a connection has no need of rules and proofs in its memory."""
    code = "import sys, transport; print(*(m for m in sys.modules if m.startswith('statemodel.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()

    assert "statemodel.recordings._lines" in loaded
    assert [m for m in loaded if m.split(".")[1] in ("rules", "trace_rules", "proof")] == []


async def test_a_traced_connection_behaves_as_any_other(autojump_clock, path):
    """The same happens at the same times, to the application and to the server."""

    async def life(trace):
        server, seen = MemoryServer(), []
        server.plan(Refuse(503), Hang(), Accept())
        start = trio.current_time()
        async with open_connection(
            server.url, dialer=server.dialer, draw=lambda: 0.5, trace=trace
        ) as connection:
            connection.add_status_listener(
                "test",
                lambda c: c.sequence and seen.append((c.time - start, c.current, c.reason)),
            )
            await connection.login("alice")
            await connection.wait_connected()
            await server.sockets[-1].close(4401)
            async with connection.watch() as changes:
                async for change in changes:
                    if change.reason is Reason.REFUSED:
                        break
        return seen

    assert await life(None) == await life(path)
    assert len(TRACE_RULES) > len(judged(recording_in(path), tuple(RULES)).judged) > 40


# -- real time -----------------------------------------------------------------------------------


async def test_a_trace_of_real_sockets_keeps_the_rules(path):
    """H4: on a real clock timers are late; by how much is in the trace, and is no broken rule."""
    timings = Timings(backoff_base=0.2, background_grace=30, keep_alive_interval=5)
    async with open_server() as server:
        async with open_connection(server.url, timings=timings, trace=str(path)) as connection:
            await connection.login("alice", auth_token="a-secret-token")
            await connection.wait_connected()
            socket = await server.accepted(1)
            await socket.send("hello")
            await anext(aiter(connection))
            await connection.send("hello")
            await connection.ping()
            socket.drop()
            await connection.wait_status(Status.DISCONNECTED)
            await connection.wait_connected()
            connection.enter_background()
            await connection.disconnect()
    recording = recording_in(path)
    verdict = judged(recording, tuple(RULES))

    assert recording.troubles == []
    assert verdict.difference is None
    assert verdict.findings == ()
    assert sum(isinstance(line, MessageLine) for _, line in recording.lines) == 4
    assert recording.header.versions["trio"] == trio.__version__
