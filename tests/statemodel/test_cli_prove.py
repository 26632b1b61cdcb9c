"""The command `statemodel prove`: exit codes, output, and clear errors."""

from __future__ import annotations

import sys
from pathlib import Path

import statemodel._chart
from statemodel.commands import main
from statemodel.proof import _logic


def test_prove_says_what_holds(capsys):
    """M3: the proof of our chart from a shell: each theorem, and exit code 0."""
    code = main(["prove"])
    out = capsys.readouterr().out

    assert code == 0
    assert "17 of 17 theorems hold" in out
    assert out.endswith("\n")


def test_prove_of_a_changed_chart_fails_with_a_counterexample(capsys, tmp_path, monkeypatch):
    """M4: a ping without effect is found, in words and with the values of the clocks."""
    source = Path(statemodel._chart.__file__).read_text("utf-8")
    idle = source.replace("ping = window.to(window)", "ping = window.to(None)")
    (tmp_path / "idle_ping.py").write_text(idle, "utf-8")
    monkeypatch.chdir(tmp_path)
    code = main(["prove", "--chart", "idle_ping:ConnectionChart"])
    del sys.modules["idle_ping"]
    out = capsys.readouterr().out

    assert code == 1
    assert "FAILS  grace_at_least" in out
    assert "background_grace = " in out


def test_prove_without_the_solver_says_what_to_install(capsys, monkeypatch):
    """What is missing is named with the extra that brings it; exit code 2."""
    monkeypatch.setitem(sys.modules, "z3", None)
    _logic._z3.cache_clear()
    code = main(["prove"])
    _logic._z3.cache_clear()

    assert code == 2
    assert "pip install 'statemodel[proof]'" in capsys.readouterr().err
