"""What is made of a recording: a timeline, a judgement by the rules, and a machine of today."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from importlib.resources import files

import pytest
from hypothesis import given

from statemodel import Code, Mode, Policy, User, effects, events
from statemodel.recordings import (
    DialerLine,
    MessageLine,
    NoteLine,
    RecordedStep,
    RecordingError,
    RecordingMachine,
    Veil,
    compare,
    header_line,
    judged,
    message_line,
    other_line,
    read,
    step_line,
)
from statemodel.recordings._codec import EFFECTS, EVENTS, effect_words
from statemodel.recordings._observer import Observer
from statemodel.rules import RULES
from statemodel.scripts import Script
from statemodel.trace_rules import TRACE_RULES, View, judge
from statemodel.traces import Called, Dialled, SocketGone
from tests.conformance.test_protocol import wrong
from tests.statemodel.recording_building import header_of, played, recorded
from tests.walks import scripts

SCHEMA = json.loads(files("statemodel.recordings").joinpath("trace-1.schema.json").read_text())
UP = "open manual/login alice/authenticator authenticated/store saved/connect/peer accept"
A_DAY = f"{UP}/ping/peer pong/wait 31/peer pong/peer drop/wait 2/peer accept/background/wait 31"


def read_lines(lines: list[bytes]):
    (recording,) = read(io.BytesIO(b"".join(lines)))
    return recording


def verdict_of(lines: list[bytes], rules=tuple(RULES)):
    return judged(read_lines(lines), rules)


def changed(line: bytes, change) -> bytes:
    words = json.loads(line)
    change(words)
    return json.dumps(words).encode() + b"\n"


@given(scripts(max_steps=40))
def test_what_is_seen_of_a_machine_is_what_its_world_has_seen(case):
    """The steps of a machine alone give the trace that its surroundings have written, entry by entry."""
    script, _ = case
    world = played(script)
    observer = Observer(header_of(script))
    for step in world.steps:
        observer.take(step)

    assert [row.entry for row in observer.rows if row.entry is not None] == world.trace


@given(scripts(max_steps=30))
def test_a_recording_survives_its_file(case):
    """Every line is valid by the schema and read as it was written; a machine says the same again."""
    script, _ = case
    world = played(script)
    header = header_of(script)
    lines = [header_line(header), *(step_line(step, Veil()) for step in world.steps)]
    recording = read_lines(lines)

    assert recording.header == header
    assert [step for _, step in recording.steps] == world.steps
    assert compare(recording) == (None, len(world.steps))
    assert [found for line in lines if (found := wrong(json.loads(line), SCHEMA, SCHEMA))] == []


def test_the_schema_knows_every_event_and_effect():
    """A new class needs a place in the schema."""
    steps = [option["properties"]["event"]["const"] for option in SCHEMA["$defs"]["step"]["oneOf"]]
    asked = [
        option["properties"]["effect"]["const"] for option in SCHEMA["$defs"]["effect"]["oneOf"]
    ]

    assert steps == list(EVENTS)
    assert asked == list(EFFECTS)
    assert SCHEMA["$defs"]["code"]["enum"] == [code.value for code in Code]


@pytest.mark.parametrize(
    "line",
    [
        message_line(
            time=1.5,
            message="in",
            socket=1,
            number=2,
            kind="text",
            size=3,
            content='"\u2028\x1b',
        ),
        message_line(time=1.5, message="written", socket=1, number=2, kind="binary", size=0),
        other_line(DialerLine(time=0.0, dialer="ended", socket=4)),
        other_line(NoteLine(time=0.0, note="lost", count=7)),
    ],
)
def test_other_lines_survive_as_well(line):
    """What is no step is valid by the schema, and read as it was written."""
    recording = read_lines([*recorded("open auto"), line])
    _, last = recording.lines[-1]
    again = message_line(**asdict(last)) if isinstance(last, MessageLine) else other_line(last)

    assert again == line
    assert wrong(json.loads(line), SCHEMA, SCHEMA) == ""


def test_a_policy_survives_as_what_it_means():
    """B5: whatever a policy's parts are made of, it is written by what it says of each number."""
    policy = Policy(auth_statuses=range(401, 404), terminal_codes=({1008}, range(4000, 4002)))
    again = read_lines(recorded("open auto", policy=policy)).header.policy

    for number in range(1000, 5000):
        assert again.end(None, number) is policy.end(None, number)
    for number in range(100, 600):
        assert again.end(number, None) is policy.end(number, None)


def test_a_peers_own_pong_says_nothing_in_a_recording():
    """P4: what stands in a pong that answers no ping of ours is not written, and answers none."""
    script = Script.parse(UP.replace("/", "\n"))
    step = replace(
        played(script).steps[-1],
        event=events.PongReceived(generation=1, payload=b"the peer's secret"),
        effects=(),
    )
    line = step_line(step, Veil())

    assert b"secret" not in line
    assert json.loads(line)["payload"] is None


def test_a_good_day_keeps_the_rules():
    """M5, P2, B1: the recording of a machine is judged by every rule that a trace shows."""
    verdict = verdict_of(recorded(A_DAY))

    assert verdict.findings == ()
    assert verdict.difference is None
    assert {*verdict.judged, *verdict.not_judged} == set(RULES)
    assert {"M5", "K1", "B1", "P2"} <= set(verdict.judged) <= set(TRACE_RULES)
    assert verdict.not_judged["A1"] == "of the other mode"
    assert verdict.not_judged["G1"] == "cannot be seen in a trace"


def test_a_broken_rule_is_found_and_so_is_the_difference():
    """M5: a socket that outlived its window by some seconds; the machine of today does not do that."""
    lines = recorded(A_DAY)
    at = next(
        i for i, line in enumerate(lines) if b"background_timeout" in line and b"effects" in line
    )
    lines[at] = changed(lines[at], lambda words: words.update(effects=[]))
    nothing = {"event": "network_restored", "command": None, "draw": 0.0, "effects": []}
    time = json.loads(lines[at])["time"] + 9
    lines.insert(at + 1, json.dumps({"time": time, **nothing}).encode() + b"\n")
    verdict = verdict_of(lines)

    assert "M5" in {finding.rule for finding in verdict.findings}
    assert verdict.difference.line == at + 1
    assert verdict.difference.recorded == "nothing"
    assert "background_timeout" in verdict.difference.today


def test_only_the_rules_that_are_asked_for_are_judged():
    """The same trace is not found to break a rule that nobody asked about."""
    lines = recorded(A_DAY)
    at = next(i for i, line in enumerate(lines) if b'"event":"ping"' in line)
    lines[at] = changed(lines[at], lambda words: words.update(effects=[]))

    assert {finding.rule for finding in verdict_of(lines, ("P1", "M5")).findings} == {"P1"}
    assert verdict_of(lines, ("M5",)).findings == ()


def test_dialers_that_overlap_break_k1():
    """K1: a dialer that begins while the one before has not ended."""
    lines = recorded(A_DAY)
    begun = [other_line(DialerLine(time=0.0, dialer="begun", socket=n)) for n in (1, 2)]
    ended = other_line(DialerLine(time=0.0, dialer="ended", socket=1))

    assert verdict_of([*lines[:-1], begun[0], ended, begun[1]]).findings == ()
    assert [f.rule for f in verdict_of([*lines[:-1], *begun]).findings] == ["K1"]


def test_messages_are_judged_where_they_are_written_down():
    """K6: a message that is delivered twice; without messages, nobody can tell."""
    lines = recorded(A_DAY)
    line = message_line(time=0.0, message="delivered", socket=1, number=1, kind="text", size=1)
    twice = [*lines[:-1], line, line]

    assert [f.rule for f in verdict_of(twice).findings] == ["K6"]
    assert "messages" in verdict_of(recorded(A_DAY, messages="none")).not_judged["K6"]


def late(lines: list[bytes], event: str, seconds: float) -> list[bytes]:
    """Let the last step of a kind, and what follows, come later than it should."""
    at = max(i for i, line in enumerate(lines) if f'"event":"{event}"'.encode() in line)

    def later(words):
        words["time"] += seconds
        for effect in words.get("effects", ()):
            if "change" in effect:
                effect["change"]["time"] += seconds

    return [*lines[:at], *(changed(line, later) for line in lines[at:])]


def test_a_timer_that_was_a_little_late_breaks_no_rule():
    """M5, H4: on a real clock every timer is; the rules take times as one that are that near."""
    lines = late(recorded(A_DAY), "time_passed", 0.004)
    verdict = verdict_of(lines)

    assert verdict.findings == ()
    assert verdict.until is None
    assert 0.004 <= verdict.slack < 0.0041
    assert verdict.difference is None


def test_after_a_process_has_slept_the_rules_are_not_judged():
    """H5: a late wake-up has rules of its own; the trace is judged up to it."""
    lines = late(recorded(A_DAY), "time_passed", 400.0)
    verdict = verdict_of(lines)

    assert verdict.findings == ()
    assert "slept" in verdict.until[1]
    assert verdict.until[0] > 400


def steps_of(*inputs) -> list[bytes]:
    """Return the lines of a machine in auto mode that is told these events at these times."""
    steps: list[RecordedStep] = []
    machine = RecordingMachine(steps.append)
    for now, event in inputs:
        machine.handle(event, now, 0.5)
    header = header_line(header_of(Script.parse("open auto")))
    return [header, *(step_line(step, Veil()) for step in steps)]


RESTORED = (0.0, events.SessionRestored(user=User(uid="alice")))


def test_what_a_deadline_brought_comes_before_the_input_after_it():
    """H4: a call that comes just after a deadline that has not fired yet finds it fired."""
    lines = steps_of(RESTORED, (10.05, events.Connect(command=1)))
    verdict = verdict_of(lines)
    kinds = [type(row.entry) for row in verdict.rows]

    assert json.loads(lines[-1])["fired"] == 2
    assert kinds.index(SocketGone) < kinds.index(Called) < len(kinds) - kinds[::-1].index(Dialled)
    assert verdict.findings == ()


def test_a_ping_that_was_written_late_ends_what_can_be_judged():
    """P2: its time runs from its write, and a trace for the rules knows only the call."""
    ping = (
        RESTORED,
        (1.0, events.DialSucceeded(generation=1)),
        (2.0, events.Ping(command=1)),
        (7.0, events.PingWritten(generation=1, payload=b"1")),
    )
    late_end = (17.0, events.TimePassed())

    assert "written 5 s after" in verdict_of(steps_of(*ping, late_end)).until[1]
    assert verdict_of(steps_of(*ping, late_end)).findings == ()
    soon = (2.1, events.PingWritten(generation=1, payload=b"1"))
    assert (
        verdict_of(
            steps_of(*ping[:3], soon, *((time, events.TimePassed()) for time in (11.0, 12.1)))
        ).until
        is None
    )


def test_where_lines_were_lost_neither_rules_nor_machine_are_asked():
    """A gap ends what can be said; the timeline goes on."""
    lines = recorded(A_DAY)
    gap = other_line(NoteLine(time=0.0, note="lost", count=3))
    verdict = verdict_of([*lines[:4], gap, *lines[8:]])

    assert verdict.findings == ()
    assert verdict.difference is None
    assert verdict.replayed == 3
    assert "missing" in verdict.until[1]


def test_a_machine_that_refuses_what_was_recorded_is_a_difference():
    """An event that a machine of today does not take is no crash."""
    lines = recorded("open auto/restored")
    lines[1] = changed(lines[1], lambda words: words.update(event="custom", name="boo"))
    lines[1] = changed(lines[1], lambda words: words.pop("user"))
    verdict = verdict_of(lines)

    assert verdict.difference.today.startswith("InvalidInput")


def test_a_recording_knows_its_mode():
    """O1: rules of the mode that a connection was not in are not judged."""
    for mode, other in ((Mode.AUTO, "M5"), (Mode.MANUAL, "A1")):
        assert verdict_of(recorded(f"open {mode}")).not_judged[other] == "of the other mode"


def test_effects_are_written_without_tokens():
    """A user in a file is an identifier and nothing else."""
    words = effect_words(
        effects.Dial(generation=1, user=User(uid="alice", auth_token="secret")), Veil()
    )

    assert words == {"effect": "dial", "generation": 1, "user": "alice"}


def test_a_trace_of_weeks_remembers_no_socket_that_is_long_gone():
    """K1: each moment would have to remember all before it; a socket that is still there is not forgotten."""
    observer = Observer(read_lines(recorded("open auto")).header)
    for _, line in read_lines(recorded(f"open auto/restored{'/peer fail/wait 31' * 300}")).lines:
        observer.take(line)
    trace = [row.entry for row in observer.rows if row.entry is not None]
    first_gone = next(i for i, entry in enumerate(trace) if isinstance(entry, SocketGone))

    assert len(View(trace).moments[-1].after.sockets) <= 100
    assert judge(trace) == []
    complaints = judge([*trace[:first_gone], *trace[first_gone + 1 :]], rules=("K1",))
    assert "with socket 1 still there" in complaints[-1].message
    assert complaints[-1].time == next(e.time for e in reversed(trace) if isinstance(e, Dialled))


def test_times_of_steps_that_go_back_are_refused():
    """No clock of a connection goes back: such a file was written by something else."""
    lines = recorded(A_DAY)
    with pytest.raises(RecordingError, match="line 3: the time goes back"):
        read_lines([lines[0], lines[-3], lines[1]])
