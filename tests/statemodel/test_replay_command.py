"""The command `statemodel replay`, as a shell sees it: exit code, output, whatever is in the file."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest

from statemodel.commands import main
from statemodel.recordings import NoteLine, message_line, other_line
from tests.statemodel.recording_building import recorded
from tests.statemodel.test_replay import A_DAY, changed, late


@pytest.fixture
def replay(tmp_path, capsys):
    """Replay lines from a file; return the exit code and what was printed."""

    def run(content, *arguments):
        path = tmp_path / "trace.jsonl"
        path.write_bytes(content if isinstance(content, bytes) else b"".join(content))
        code = main(["replay", str(path), *arguments])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return code, shown.out, shown.err

    return run


def broken():
    """Return a recording in which a ping is never sent."""
    lines = recorded(A_DAY)
    at = next(i for i, line in enumerate(lines) if b'"event":"ping"' in line)
    lines[at] = changed(lines[at], lambda words: words.update(effects=[]))
    return lines


def test_a_kept_trace_is_told_and_judged(replay):
    """A timeline with both clocks, the verdict, exit code 0, nothing on stderr."""
    code, out, err = replay(recorded(A_DAY))

    assert (code, err) == (0, "")
    assert "03:00:31.000    31.000  socket 1: pong of ping 2 received" in out
    assert "close code 1006" in out
    assert re.search(r"Of (\d+) rules judged, \1 are kept\.", out)
    assert "The machine says the same today, in all" in out


def test_a_broken_trace_names_rule_and_moment(replay):
    """P1: exit code 1, the rule's number, its sentence, and where the machine would differ."""
    code, out, _ = replay(broken())

    assert code == 1
    assert "rule P1 is broken" in out
    assert "says something else today, first in line" in out


def test_a_difference_alone_counts_only_within_one_version(replay):
    """What another version would do today breaks nothing; what this one would do says that it is broken."""
    lines = recorded("open auto/background/foreground/shut_down")
    at = next(i for i, line in enumerate(lines) if b"shut_down" in line)
    lines[at] = changed(lines[at], lambda words: words["effects"].reverse())
    lines.insert(
        at,
        changed(lines[at - 1], lambda words: words["effects"].append({"effect": "discard_unread"})),
    )
    code, out, _ = replay(lines, "--rules", "M5")
    old = changed(lines[0], lambda words: words["versions"].update(statemodel="0.0.1"))

    assert code == 1
    assert "discard_unread" in out
    assert replay([old, *lines[1:]], "--rules", "M5")[0] == 0


def test_json_says_the_same(replay):
    """What is printed as JSON has the timeline, the rules and the findings."""
    code, out, _ = replay(broken(), "--json", "--rules", "P1,M5,A1")
    said = json.loads(out)

    assert (code, said["ok"]) == (1, False)
    (trace,) = said["traces"]
    assert trace["judged"] == ["P1", "M5"]
    assert list(trace["not_judged"]) == ["A1"]
    assert {finding["rule"] for finding in trace["findings"]} == {"P1"}
    assert trace["timeline"][0] == {
        "time": 0.0,
        "wall": "2026-11-29T03:00:00+00:00",
        "what": "opened: manual mode, foreground, online",
    }


@pytest.mark.parametrize(
    "at", ["40", "03:00:40", "2026-11-29T03:00:40Z", "2026-11-29T04:00:40+01:00", "04:00:40+01:00"]
)
def test_at_shows_how_things_stood(replay, at):
    """M3: up to a time, and then what the machine was in, with its timers."""
    code, out, _ = replay(recorded(A_DAY), "--at", at)

    assert code == 0
    assert "at 40.000: background connected" in out
    assert "timer grace: due in" in out
    assert "logged in: alice" in out
    assert "background_timeout" not in out


def test_at_before_the_opening_says_so(replay):
    """There was no connection then."""
    assert "opened later" in replay(recorded(A_DAY), "--at", "2026-11-29T02:00:00Z")[1]


def test_a_time_of_day_before_the_opening_is_of_the_next_day(replay):
    """A connection that was opened at three in the morning knows no two o'clock but the next."""
    code, out, _ = replay(recorded(A_DAY), "--at", "02:00:00")

    assert code == 0
    assert "at 82800.000" in out
    assert "background_timeout" in out


@pytest.mark.parametrize(
    ("wall", "at"), [("9999-12-31T03", "02:00"), ("0001-01-01T03", "00:30-23:00")]
)
def test_a_time_of_day_beyond_all_dates_is_refused(replay, wall, at):
    """A trace may say that it was opened on the last day that there is: one line, exit code 2."""
    code, out, err = replay(recorded(A_DAY, wall=f"{wall}:00:00+00:00"), "--at", at)

    assert (code, out) == (2, "")
    assert err == "statemodel: there is no such time of day after that of this trace\n"


@pytest.mark.parametrize("at", ["soon", "nan", "inf", "25:00", ""])
def test_at_something_else_is_refused(replay, at):
    """One line, exit code 2."""
    code, out, err = replay(recorded(A_DAY), "--at", at)

    assert (code, out) == (2, "")
    assert err.startswith("statemodel: --at")
    assert err.count("\n") == 1


def test_rules_that_are_none_are_refused(replay):
    """One line, exit code 2."""
    for rules in ("M99", ""):
        code, out, err = replay(recorded(A_DAY), "--rules", rules)

        assert (code, out, err.count("\n")) == (2, "", 1)


def test_standard_input_is_a_file(replay, monkeypatch):
    """`-` for what comes through a pipe."""
    stdin = io.TextIOWrapper(io.BytesIO(b"".join(recorded(A_DAY))))
    monkeypatch.setattr(sys, "stdin", stdin)

    assert main(["replay", "-"]) == 0


def test_a_trace_that_a_crash_has_cut_off_is_shown_as_far_as_it_goes(replay):
    """It says what is missing, and judges the rest."""
    whole = b"".join(recorded(A_DAY)[:-1])
    code, out, _ = replay(whole[:-20])

    assert code == 0
    assert "is cut off" in out
    assert "it has no end" in out
    assert "rules judged" in out


def test_several_traces_of_a_file_are_told_one_by_one(replay):
    """An application that was restarted has continued its file, also behind a line that is cut off."""
    one = b"".join(recorded(A_DAY))
    code, out, _ = replay(one[:-20] + b"\n" + one + b"".join(broken()))

    assert code == 1
    assert out.count("opened: manual mode") == 3
    assert "Trace 3 of 3" in out
    assert out.count("Incomplete") == 2  # cut off, and so without an end


def test_a_full_trace_says_that_it_is(replay):
    """Nobody takes the silence after it for peace."""
    lines = [*recorded(A_DAY)[:-1], other_line(NoteLine(time=100.0, note="full"))]

    assert "max_bytes" in replay(lines)[1]


NOTHING_OF_OURS = {
    "empty": b"",
    "blank": b"\n\n \n",
    "html": b"<!DOCTYPE html>\n<html><body>404</body></html>\n",
    "binary": bytes(range(256)) * 10,
    "array": b"[1, 2]\n",
    "number": b"7\n",
    "another object": b'{"hello": 1}\n',
    "deep": b"[" * 200_000 + b"\n",
    "deep object": b'{"trace":' * 100_000 + b"\n",
    "utf-16": '{"trace": 1}\n'.encode("utf-16"),
    "lone surrogate": b'{"trace": "\\ud800"}\n',
    "version 2": b'{"trace": 2, "anything": []}\n',
    "version true": b'{"trace": true}\n',
    "escape in version": b'{"trace": "\\u001b[31mred\\u202e"}\n',
    "endless number": b'{"trace": ' + b"9" * 10_000 + b"}\n",
    "no header": b"".join(recorded(A_DAY)[1:]),
    "conform report": b'{"protocol": 1, "subject": "x"}\n',
}


@pytest.mark.parametrize("content", NOTHING_OF_OURS.values(), ids=NOTHING_OF_OURS)
def test_what_is_no_trace_is_refused_in_a_line(replay, content):
    """Exit code 2, one line, no control character, no traceback."""
    code, out, err = replay(content)

    assert (code, out) == (2, "")
    assert err.startswith("statemodel: ")
    assert err.count("\n") == 1
    assert err.strip().isprintable()
    assert len(err) < 1500


def spoilt(line: bytes, **changes: object) -> bytes:
    return changed(line, lambda words: words.update(changes))


STEP = 4
"""A step with effects."""

SPOILT = {
    "time nan": lambda line: line.replace(b'"time":0.0', b'"time":NaN', 1),
    "time infinite": lambda line: line.replace(b'"time":0.0', b'"time":1e999', 1),
    "time huge": lambda line: line.replace(b'"time":0.0', b'"time":1' + b"0" * 400, 1),
    "time text": lambda line: spoilt(line, time="now"),
    "time true": lambda line: spoilt(line, time=True),
    "time back": lambda line: spoilt(line, time=-5),
    "no event": lambda line: spoilt(line, event="explode"),
    "event list": lambda line: spoilt(line, event=["login"]),
    "event escape": lambda line: spoilt(line, event="\x1b]0;title\x07"),
    "draw": lambda line: spoilt(line, draw=1.0),
    "no draw": lambda line: changed(line, lambda words: words.pop("draw")),
    "effects": lambda line: spoilt(line, effects={}),
    "effect": lambda line: spoilt(line, effects=[{"effect": "launch"}]),
    "effect field": lambda line: spoilt(line, effects=[{"effect": "close", "generation": "1"}]),
    "further name": lambda line: spoilt(line, more=1),
    "two kinds": lambda line: spoilt(line, note="closed"),
    "not json": lambda line: b"Segmentation fault (core dumped)\n",
    "long": lambda line: b'{"time":"' + b"x" * (2**20 + 5) + b'"}\n',
    "nested": lambda line: b"[" * 100_000 + b"\n",
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_line_that_cannot_be_is_named(replay, spoil):
    """Not guessed at and not left out: exit code 2, and the number of the line."""
    lines = recorded(A_DAY)
    lines[STEP] = spoil(lines[STEP])
    code, out, err = replay(lines)

    assert (code, out) == (2, "")
    assert f"line {STEP + 1}: " in err
    assert err.count("\n") == 1
    assert err.strip().isprintable()
    assert len(err) < 1500


HEADERS = {
    "mode": {"mode": "both"},
    "timings": {"timings": {}},
    "timings contradict": {"timings": None},
    "policy": {"policy": {"auth_statuses": [[401]]}},
    "versions": {"versions": [1]},
    "foreground": {"foreground": 1},
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS)
def test_a_header_that_cannot_be_is_named(replay, change):
    """The first line is read as strictly as the others."""
    lines = recorded(A_DAY)
    code, out, err = replay([spoilt(lines[0], **change), *lines[1:]])

    assert (code, out) == (2, "")
    assert "line 1: " in err


def test_settings_that_contradict_each_other_are_named(replay):
    """A machine could not have run on them."""
    lines = recorded(A_DAY)
    head = changed(lines[0], lambda words: words["timings"].update(backoff_cap=0.5))

    assert "contradict" in replay([head, *lines[1:]])[2]


def test_a_terminal_is_never_given_what_it_would_obey(replay):
    """Escapes, line ends, overrides of direction and surrogates in every text come out escaped."""
    evil = "\x1b[2J\x9b31m\r\n\u202eevil\ud800\u2028"
    lines = recorded(A_DAY, server=evil, wall=evil, versions={"statemodel": evil, evil: evil})
    lines = [
        changed(line, lambda words: words.update(details=evil)) if b'"details"' in line else line
        for line in lines
    ]
    lines = [line.replace(b'"alice"', json.dumps(evil).encode()) for line in lines]
    line = message_line(
        time=0.0, message="in", socket=1, number=1, kind="text", size=9, content=evil
    )
    _, out, _ = replay([*lines[:-1], line])

    assert out.count("evil") >= 8
    assert all(shown.isprintable() for shown in out.split("\n"))


def test_output_that_cannot_hold_a_text_is_given_its_escapes(replay, monkeypatch):
    """A terminal of ASCII, or a pipe in the C locale, is no reason for a traceback."""
    content = b"".join(recorded(A_DAY)).replace(b'"alice"', b'"zo\\u00eb \\ud83d\\ude00"')
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    code, _, _ = replay(content)
    narrow.flush()

    assert code == 0
    assert b"zo\\xeb \\U0001f600" in narrow.buffer.getvalue()


def test_times_of_the_day_that_nobody_can_write_are_left_out(replay):
    """A clock of a billion years, and a header without a zone."""
    for wall in ("2026-11-29T03:00:00", "9999-12-31T23:59:59.9+00:00", "never"):
        code, out, _ = replay(late(recorded(A_DAY, wall=wall), "time_passed", 1e14))

        assert code == 0
        assert "opened: manual mode" in out


def test_the_file_that_is_not_there_is_named(tmp_path, capsys):
    """Neither is a directory a trace."""
    for name in (tmp_path / "none", tmp_path):
        assert main(["replay", str(name)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
