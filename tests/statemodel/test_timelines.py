"""A timeline says what happened so that a reader who knows no code can follow it."""

from __future__ import annotations

import pytest

from statemodel import Code, Mode, Reason, Status, StatusChange, Timings, traces
from statemodel.scripts import Script, play
from statemodel.timelines import timeline

OPENED = traces.Opened(time=0.0, mode=Mode.MANUAL, foreground=True, online=True, timings=Timings())


def lines(*entries, **options):
    """Return the lines of a timeline without that of the opening."""
    return timeline([OPENED, *entries], **options).splitlines()[1:]


def test_each_time_is_shown_once():
    """The time stands where it changes, and what happened is in one column."""
    shown = lines(
        traces.Dialled(time=0.0, socket=1),
        traces.SocketOpened(time=1.5, socket=1),
        traces.FrameSeen(time=1.5, socket=1),
    )

    assert shown == [
        "           socket 1: dial",
        "      1.5  socket 1: open",
        "           socket 1: frame received",
    ]


def test_a_long_time_moves_no_line_out_of_its_column():
    """A time of more than nine characters makes the column of all lines wider."""
    shown = timeline([OPENED, traces.Dialled(time=1780.313082, socket=1)]).splitlines()

    assert shown[1] == "1780.313082  socket 1: dial"
    assert shown[0] == "          0  opened: manual mode, foreground, online"


def test_the_end_of_a_call_names_the_call():
    """A reader need not look for what call 2 was."""
    shown = lines(
        traces.Called(time=0.0, command=1, name="login", uid="bob"),
        traces.Called(time=0.0, command=2, name="connect"),
        traces.Called(time=0.0, command=3, name="ping"),
        traces.Returned(time=0.0, command=1, code=None),
        traces.Returned(time=0.0, command=3, code=Code.NO_WEBSOCKET_CONNECTION),
        traces.Cancelled(time=0.0, command=2),
        traces.Returned(time=0.0, command=9, code=None),
    )

    assert [line.strip() for line in shown] == [
        "call 1: login bob",
        "call 2: connect",
        "call 3: ping",
        "call 1 (login) succeeds",
        "call 3 (ping) fails: NO_WEBSOCKET_CONNECTION",
        "call 2 (connect) is cancelled by its caller",
        "call 9 succeeds",
    ]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("peer fail", "socket 1: dial failed (a loss)"),
        ("peer refuse_503_after_8", "socket 1: dial failed (a loss, Retry-After 8 s)"),
        ("peer refuse_1008", "socket 1: dial failed (refused for good)"),
        ("peer refuse_401", "socket 1: dial failed (credentials refused)"),
        ("peer accept\npeer drop", "socket 1: ended by the other side (a loss)"),
        ("peer accept\ndisconnect\npeer closed", "socket 1: closing handshake over"),
    ],
)
def test_the_end_of_a_socket_is_told_by_what_it_was(steps, words):
    """A dial fails, an open socket ends, a closing handshake is over."""
    trace = play(Script.parse(f"open auto\nrestored\n{steps}\n"))

    assert words in [line.strip() for line in timeline(trace).splitlines()]


def test_a_report_reads_like_its_step():
    """`network down` is what the script says as well."""
    shown = lines(
        traces.Reported(time=0.0, what="network_down"),
        traces.Reported(time=0.0, what="restored", uid="bob"),
    )

    assert [line.strip() for line in shown] == [
        "reported: network down",
        "a saved user is found: bob",
    ]


def test_the_end_of_a_script_is_no_step_of_it():
    """What a tester reports once more to let overdue things show is told as the end."""
    entries = [
        traces.Reported(time=3.0, what="network_up"),
        traces.Reported(time=5.0, what="network_up"),
    ]

    assert lines(*entries, end=2) == [
        "        3  reported: network up",
        "        5  end of the script (the kit reports network up once more)",
    ]


def test_a_status_without_a_reason_has_no_empty_brackets():
    """Whoever cannot tell reasons reports none."""
    told = [(Status.CONNECTING, None, None), (Status.DISCONNECTED, Reason.DIAL_FAILED, 0.25)]
    entries = [
        traces.StatusSeen(
            time=0.0,
            change=StatusChange(
                sequence=number,
                time=0.0,
                previous=Status.DISCONNECTED,
                current=status,
                reason=reason,
                retry_in=wait,
            ),
        )
        for number, (status, reason, wait) in enumerate(told, 1)
    ]

    assert [line.strip() for line in lines(*entries)] == [
        "status: connecting",
        "status: disconnected (dial_failed, next attempt in 0.25 s)",
    ]


def test_notes_come_after_their_time_in_their_order():
    """Of several notes of one time the first stays first; a note after the end comes last."""
    entries = [traces.Dialled(time=time, socket=1) for time in (1.0, 2.0)]
    notes = [(9.0, "late"), (1.0, "zebra"), (1.0, "ape")]

    assert [line[11:] for line in lines(*entries, notes=notes)] == [
        "socket 1: dial",
        "<-- zebra",
        "<-- ape",
        "socket 1: dial",
        "<-- late",
    ]


def test_a_long_note_is_wrapped():
    """No line is wider than asked, and the words of a note stay below each other."""
    shown = lines(notes=[(0.0, "word " * 40)], width=60)

    assert len(shown) > 2
    assert all(len(line) <= 60 for line in shown)
    assert shown[0].startswith(" " * 11 + "<-- word")
    assert all(line.startswith(" " * 15 + "word") for line in shown[1:])
