"""H5: a probe after a sleep has its whole time, whatever else was due."""

from __future__ import annotations

from statemodel import Machine, Mode, Status, Timings, effects, events
from statemodel._world import World
from statemodel.scripts import Script, Step, play
from statemodel.trace_rules import judge
from statemodel.traces import SocketGone


def _connected(mode: Mode) -> tuple[Machine, int]:
    world = World(mode, Timings())
    lines = ["login", "authenticator authenticated", "store saved", "connect", "peer accept"]
    for line in lines:  # where the connection is wanted already, `connect` only waits for it
        world.play(Step.parse(line))
    return world.machine, world.machine.generation


def _kinds(step: tuple[effects.Effect, ...]) -> list[type]:
    return [type(effect) for effect in step]


def test_ping_that_was_nearly_due_gives_no_verdict_on_a_fresh_probe():
    """H5, P5: a heartbeat slept through by 4.9 s; the old ping's deadline 0.1 s later kills nothing."""
    machine, generation = _connected(Mode.AUTO)
    machine.handle(events.Ping(command=90), 25.0)
    probe = machine.handle(events.TimePassed(), 34.9)
    later = machine.handle(events.TimePassed(), 35.0)

    assert _kinds(probe) == [effects.SendPing]
    assert later == ()
    machine.handle(events.FrameReceived(generation=generation), 36.0)
    machine.handle(events.TimePassed(), 40.0)
    assert machine.status is Status.CONNECTED


def test_ping_due_at_the_moment_of_waking_waits_for_the_probe():
    """H5: one ping slept through, another due exactly now: one probe, and no end."""
    machine, _ = _connected(Mode.MANUAL)
    machine.handle(events.EnterBackground(), 1.0)
    machine.handle(events.Ping(command=90), 1.0)
    machine.handle(events.Ping(command=91), 2.5)
    step = machine.handle(events.TimePassed(), 12.5)

    assert _kinds(step) == [effects.SendPing]
    assert machine.next_deadline == 17.5


def test_peer_that_stays_silent_after_the_probe_is_lost():
    """H5, P5: the fresh probe's verdict counts."""
    machine, _ = _connected(Mode.AUTO)
    machine.handle(events.TimePassed(), 100.0)
    machine.handle(events.TimePassed(), 105.0, draw=0.9)

    assert machine.status is Status.DISCONNECTED


def test_a_heartbeat_put_off_by_a_longer_probe_is_a_heartbeat():
    """H1, P5, H4: due while a probe was out, it is sent after that, with a heartbeat's own time limit."""
    script = Script.parse(
        "open manual\ntiming heartbeat_interval 4\ntiming pong_timeout 4\ntiming probe_timeout 9\n"
        "restored\nconnect\npeer accept\nping\nbackground\nforeground\npeer pong\n"
        "wait 9\nwait 4\nnetwork up"
    )
    trace = play(script)
    lost = [entry.time for entry in trace if isinstance(entry, SocketGone)]

    assert judge(trace) == []
    assert lost == [13.0]
