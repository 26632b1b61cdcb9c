"""Changes to the chart that somebody could make by mistake: each is caught, with a run one can follow.

Each is a line of the chart's source, exchanged for another. The chart that results is compiled and
verified like any user's.
"""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from itertools import count
from pathlib import Path

import pytest

import statemodel._chart
from statemodel import compile_chart, verify
from statemodel.checking import Kind, report_text
from statemodel.scripts import Script, play
from statemodel.trace_rules import judge

SOURCE = Path(statemodel._chart.__file__).read_text("utf-8")
_NUMBER = count(1)


@pytest.fixture
def changed(tmp_path):
    """Return a function that gives the chart with some of its source exchanged."""
    names = []

    def change(*exchanges: tuple[str, str]) -> type:
        text = SOURCE
        for old, new in exchanges:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the chart"
            text = text.replace(old, new)
        name = f"changed_chart_{next(_NUMBER)}"
        path = tmp_path / f"{name}.py"
        path.write_text(text, "utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        names.append(name)
        spec.loader.exec_module(module)
        return module.ConnectionChart

    yield change
    for name in names:
        del sys.modules[name]


CHANGES = {
    "the window opened by an answer to a ping instead of the background": (
        "M3",
        (
            'no_window.to(window, cond="manual and background and socket")',
            'own_pings_over = no_window.to(window, cond="manual and background and socket")',
        ),
    ),
    "a retry that survives entering the background": (
        "M8",
        (
            '| wanted.to(unwanted, cond="background and waiting")',
            '| wanted.to(unwanted, cond="ended")',
        ),
    ),
    "a connect during closing that is dropped": (
        "C7",
        ("connect = unwanted.to(wanted)", 'connect = unwanted.to(wanted, cond="not closing")'),
    ),
    "a dial that disconnect does not cancel": (
        "C5",
        ('socket.to(down, cond="unwanted", on="abort")', 'socket.to(down, cond="unwanted")'),
    ),
    "a ping in foreground that arms the window": (
        "M11",
        (
            "ping = window.to(window)",
            'ping = window.to(window) | no_window.to(window, cond="manual and connected")',
        ),
        (
            'window.to(no_window, cond="foreground or not socket")',
            'window.to(no_window, cond="not socket")',
        ),
    ),
    "a ping that is refused for want of a socket, but extends the window": (
        "P3",
        (
            'Refusal("not connected", Code.NO_WEBSOCKET_CONNECTION, "ping send_message")',
            'Refusal("not socket", Code.NO_WEBSOCKET_CONNECTION, "ping send_message")',
        ),
    ),
    "waiting shown as connecting": (
        "T6",
        (
            '("refreshing", Status.CONNECTING),',
            '("refreshing", Status.CONNECTING), ("waiting", Status.CONNECTING),',
        ),
    ),
    "a save that is late, after a logout, and makes the connection wanted": (
        "S8",
        ('Heard("saving", "save_succeeded save_failed")', 'Heard("saving", "save_failed")'),
        (
            '| wanted.to(unwanted, cond="auto and background", on="discard_unread")',
            '| wanted.to(unwanted, cond="auto and background and logged_in", on="discard_unread")',
        ),
        ('wanted.to(unwanted, cond="not logged_in")', 'wanted.to(unwanted, cond="ended")'),
        (
            '"credentials_denied server_refused", "failed"',
            '"credentials_denied server_refused", ""',
        ),
    ),
}


@pytest.mark.parametrize(("rule", "exchanges"), [(r, e) for r, *e in CHANGES.values()], ids=CHANGES)
def test_a_change_by_hand_is_caught_with_a_run(changed, rule, exchanges):
    """Each breaks the rule that one would name, and a run of a machine leads there."""
    table = compile_chart(changed(*exchanges))
    report = verify(table)

    assert rule in {failure.rule for failure in report.failures}
    assert any(failure.run for failure in report.failures if failure.rule == rule)


def test_what_is_printed_can_be_replayed_and_is_broken_again(changed):
    """The first run of the report is a script that breaks the same rule when it is played."""
    _, *exchanges = CHANGES["a retry that survives entering the background"]
    table = compile_chart(changed(*exchanges))
    report = verify(table)
    text = report_text(report)
    script = next(f.run for f in report.failures if f.kind is Kind.TRACE)

    assert textwrap.indent(script.text().rstrip(), "      ") in text
    found = {f.rule for f in judge(play(Script.parse(script.text()), table))}
    assert next(f.rule for f in report.failures if f.kind is Kind.TRACE) in found
