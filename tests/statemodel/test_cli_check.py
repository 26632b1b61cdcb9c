"""The commands `statemodel check` and `statemodel play`: exit codes, output, and clear errors."""

from __future__ import annotations

import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import statemodel._chart
from statemodel import RULES
from statemodel.commands import main
from statemodel.scripts import Script

MODULE = """
from statemachine import State, StateChart

from statemodel.rules import ConfigurationCheck, RowCheck, Rule, TraceRule


class Lamp(StateChart):
    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
            bright = State()
            press = dark.to(bright) | bright.to(dark)


class Endless(StateChart):
    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
            bright = State()
            dim = State()
            press = dark.to(bright)
            bright.to(dim)
            dim.to(bright)


class Large(StateChart):
    catch_errors_as_events = False

    class root(State.Parallel):
        class first(State.Compound):
            a1 = State(initial=True)
            a2 = State()
            a3 = State()
            turn_a = a1.to(a2) | a2.to(a3) | a3.to(a1)

        class second(State.Compound):
            b1 = State(initial=True)
            b2 = State()
            b3 = State()
            turn_b = b1.to(b2) | b2.to(b3) | b3.to(b1)

        class third(State.Compound):
            c1 = State(initial=True)


def raising(_):
    raise ValueError("no\\nluck")


def rule(*checks):
    return Rule("X1", "Whatever is pressed does something.", "D", checks)


HOLDS = [rule(RowCheck("pressed", lambda move: move.event != "pressed"))]
BY_NUMBER = {"X1": HOLDS[0]}
GENERATED = (one for one in HOLDS)
BROKEN = [rule(ConfigurationCheck("never failed", lambda here: not here.has("failed")))]
NEVER = [rule(RowCheck("pressed", lambda move: None))]
RAISING = [rule(RowCheck("pressed", raising))]
RAISING_ON_RUNS = [rule(TraceRule("X1", "pressed", raising))]
ODD = [rule(RowCheck("pressed", lambda move: 1))]
MISSPELT = [rule(RowCheck("pressed", lambda move: move.after.has("prest")))]
TWICE = [*HOLDS, *HOLDS]
EMPTY = []
NO_RULES = ["X1"]
NUMBER = 3
"""

CHART = Path(statemodel._chart.__file__).read_text("utf-8")
LINE = '| wanted.to(unwanted, cond="background and waiting")'
GOOD = "open auto\nrestored\npeer accept\n"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Stand in a directory with a user's modules."""
    modules = {"mine": MODULE, "leaving": "import sys\nsys.exit(0)\n", "broken": "1 / 0\n"}
    assert CHART.count(LINE) == 1
    modules["changed"] = CHART.replace(LINE, '| wanted.to(unwanted, cond="ended")')
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "good.txt").write_text(GOOD, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("COLUMNS", "100")
    importlib.invalidate_caches()
    yield tmp_path
    for name in modules:
        sys.modules.pop(name, None)


@pytest.fixture
def run(here, capsys):
    """Return a function that runs the command: exit code, output, error output."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as usage:  # argparse
            code = int(str(usage.code))
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def _assert_one_clear_line(done: tuple[int, str, str], *words: str) -> None:
    code, out, err = done
    assert (code, out) == (2, "")
    assert err.startswith("statemodel: ")
    assert len(err.splitlines()) == 1, err
    for word in words:
        assert word in err


# -- check -----------------------------------------------------------------------------------------


def test_our_chart_holds_from_a_shell(tmp_path) -> None:
    """Every rule: `python -m statemodel check` exits 0 and says of each rule that it holds."""
    done = subprocess.run(
        [sys.executable, "-m", "statemodel", "check"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ConnectionChart: 125 configurations, 5,165 rows, ")
    words = {
        line.split()[0]: line.split()[1]
        for line in lines
        if line[:1].isupper() and line[1:2].isdigit()
    }
    assert set(words) == set(RULES)
    assert set(words.values()) == {"holds", "-"}
    assert words["M3"] == "holds"
    assert words["T4"] == "-"
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("chosen", ["M3,M4", " M3 M4 "])
def test_some_rules_are_checked(run, chosen: str) -> None:
    """M3, M4: `--rules` with numbers checks these, and no others."""
    code, out, err = run("check", "--rules", chosen)

    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines() if " holds " in line[:20]] == ["M3", "M4"]


@pytest.mark.parametrize("chosen", ["HOLDS", "BY_NUMBER", "GENERATED"])
def test_a_users_rules_are_checked(run, chosen: str) -> None:
    """`--rules module:NAME` takes any collection of rules, on any chart."""
    code, out, err = run("check", "--chart", "mine:Lamp", "--rules", f"mine:{chosen}")

    assert (code, err) == (0, "")
    assert out.startswith("Lamp: 2 configurations, 2 rows, 0 runs judged\n")
    assert "X1    holds" in out


def test_a_broken_rule_is_exit_one_with_a_run_to_replay(run, here) -> None:
    """What is broken is said, with a script that leads there and what can be seen of it."""
    code, out, err = run("check", "--rules", "mine:BROKEN")

    assert (code, err) == (1, "")
    assert "X1    BROKEN" in out
    assert "X1 is BROKEN: Whatever is pressed does something." in out
    assert "never failed" in out
    assert "      open auto\n      restored\n      peer refuse_1008\n" in out
    assert "opened: auto mode, foreground, online" in out


def test_a_check_that_never_applies_is_exit_one(run) -> None:
    """A rule that says nothing of the chart is no rule that holds."""
    code, out, _ = run("check", "--chart", "mine:Lamp", "--rules", "mine:NEVER")

    assert code == 1
    assert "it never applied" in out


def test_json_has_what_the_table_has(run) -> None:
    """`--json` prints one object, also if something is broken; its scripts can be read."""
    code, out, err = run("check", "--rules", "M3,T4", "--json")
    data = json.loads(out)

    assert (code, err) == (0, "")
    assert list(data) == ["chart", "ok", "configurations", "rows", "runs", "rules", "failures"]
    assert (data["chart"], data["ok"], data["configurations"]) == ("ConnectionChart", True, 125)
    assert [(r["number"], r["verdict"]) for r in data["rules"]] == [
        ("M3", "holds"),
        ("T4", "unchecked"),
    ]
    assert data["rules"][0]["statement"] == RULES["M3"].statement
    assert data["rules"][0]["source"] == "S"
    assert {check["kind"] for check in data["rules"][0]["checks"]} == {
        "configurations",
        "rows",
        "runs",
    }
    assert all(check["holds"] and check["over"] > 0 for check in data["rules"][0]["checks"])
    assert data["failures"] == []

    code, out, err = run("check", "--rules", "mine:BROKEN", "--json")
    data = json.loads(out)
    (failure,) = data["failures"]

    assert (code, err, data["ok"]) == (1, "", False)
    assert data["rules"][0]["verdict"] == "broken"
    assert list(failure) == ["rule", "kind", "claim", "message", "violations", "script"]
    assert (failure["rule"], failure["kind"], failure["violations"]) == ("X1", "configurations", 8)
    assert Script.parse(failure["script"]).text() == failure["script"]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ("X9", ("no rule 'X9'", "M3, M4")),
        ("x3", ("no rule 'X3'",)),
        ("M3,M3", ("two rules M3",)),
        ("", ("no rule",)),
        (",", ("no rule",)),
        ("mine:EMPTY", ("no rule",)),
        ("mine:NO_RULES", ("'X1'", "no statemodel.rules.Rule")),
        ("mine:NUMBER", ("mine:NUMBER", "no collection")),
        ("mine:TWICE", ("two rules X1",)),
        ("mine:NOWHERE", ("mine:NOWHERE", "no attribute")),
        ("nowhere:HOLDS", ("nowhere", "No module")),
        ("mine:RAISING", ("X1", "pressed", "ValueError: no luck", "press in {")),
        ("mine:ODD", ("X1", "pressed", "answered 1")),
        ("mine:MISSPELT", ("X1", "pressed", "'prest'")),
    ],
)
def test_rules_that_cannot_be_asked_are_one_clear_line(run, chosen: str, words) -> None:
    """What is no rule, or raises, is exit 2 and a line that names it."""
    _assert_one_clear_line(run("check", "--chart", "mine:Lamp", "--rules", chosen), *words)


def test_a_rule_that_raises_on_a_run_is_one_clear_line(run) -> None:
    """Of a rule about runs, the line has the run on which it raised."""
    done = run("check", "--rules", "mine:RAISING_ON_RUNS")
    _assert_one_clear_line(done, "X1", "pressed", "ValueError: no luck", "open auto; ")


@pytest.mark.parametrize(
    ("chart", "words"),
    [
        ("mine:Endless", ("Endless", "bright", "dim", "endless loop")),
        ("mine:Lamp", ("'auto'", "the chart lacks")),
        ("mine:HOLDS", ("mine:HOLDS", "no chart class")),
        ("mine:Nothing", ("mine:Nothing", "no attribute")),
        ("nowhere:Lamp", ("nowhere", "No module")),
        ("broken:Lamp", ("broken:Lamp", "ZeroDivisionError")),
        ("leaving:Lamp", ("leaving:Lamp", "SystemExit")),
    ],
)
def test_a_chart_that_cannot_be_checked_is_one_clear_line(run, chart: str, words) -> None:
    """What does not load or compile, or is no connection, is exit 2 and a line that says why."""
    _assert_one_clear_line(run("check", "--chart", chart), *words)


def test_an_explosion_names_the_regions_that_multiply(run) -> None:
    """Of a chart that grows too large it is said which regions make it so, and how many times."""
    done = run("check", "--chart", "mine:Large", "--rules", "mine:HOLDS", "--limit", "5")
    _assert_one_clear_line(done, "more than 5 configurations", "first x", "second x3", "third x1")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("check", "--limit", "0"), "--limit"),
        (("check", "--limit", "-3"), "--limit"),
        (("check", "--limit", "many"), "--limit"),
        (("check", "M3"), "M3"),
        (("play",), "script"),
        (("play", "one", "two"), "two"),
    ],
)
def test_wrong_usage_is_exit_two_with_a_hint(run, arguments: tuple[str, ...], word: str) -> None:
    """What is no argument shows the usage and what is wrong with it."""
    code, out, err = run(*arguments)

    assert (code, out) == (2, "")
    assert err.startswith("usage: statemodel")
    assert word in err.splitlines()[-1]


def test_a_traceback_is_shown_on_demand_only(run) -> None:
    """Where an error comes from is shown if one asks for it, and the line as well."""
    arguments = ("check", "--chart", "mine:Lamp", "--rules", "mine:RAISING")

    assert "Traceback" not in run(*arguments)[2]
    code, _, err = run("--traceback", *arguments)
    assert code == 2
    assert "Traceback" in err
    assert "mine.py" in err
    assert err.splitlines()[-1].startswith("statemodel: rule X1")


# -- play ------------------------------------------------------------------------------------------


def test_a_changed_chart_is_caught_and_what_is_printed_replays(run, here) -> None:
    """M8: a retry that survives the background is exit 1, and its script breaks M8 when played."""
    code, out, err = run("check", "--chart", "changed:ConnectionChart", "--json")
    failures = json.loads(out)["failures"]
    script = next(f["script"] for f in failures if (f["rule"], f["kind"]) == ("M8", "runs"))
    (here / "found.txt").write_text(script, "utf-8")

    assert (code, err) == (1, "")
    code, out, err = run("play", "--chart", "changed:ConnectionChart", "found.txt")
    assert (code, err) == (1, "")
    assert "M8: " in out
    code, out, err = run("play", "found.txt")
    assert (code, err) == (0, "")
    assert "M8: " not in out


def test_a_changed_chart_prints_the_script_that_it_replays(run, here) -> None:
    """M8: what stands in the table's text is a script as it is, once the indent is gone."""
    code, out, _ = run("check", "--chart", "changed:ConnectionChart", "--rules", "M8")
    _, _, after = out.partition("with the same --chart:\n")
    script, _, _ = after.partition("  what can be seen of it:\n")
    (here / "found.txt").write_text(script, "utf-8")

    assert code == 1
    assert Script.parse(script).steps
    assert run("play", "--chart", "changed:ConnectionChart", "found.txt")[0] == 1


def test_a_script_is_played_from_a_file_and_from_standard_input(run, monkeypatch) -> None:
    """What can be seen of a script is printed; `-` reads it from standard input."""
    from_file = run("play", "good.txt")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))

    assert from_file[0] == 0
    assert "status: connected" in from_file[1]
    assert run("play", "-") == from_file


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (b"open auto\nrestored\npeer accpt\n", ("line 3", "accpt", "accept")),
        (b"open auto\n\n# nothing\nfly\n", ("line 4", "fly")),
        (b"restored\n", ("line 1", "open auto|manual")),
        (b"", ("line 1", "open auto|manual")),
        (b"open auto\ntiming no_such_time 3\n", ("line 2", "no_such_time", "background_grace")),
        (b"open auto\nwait soon\n", ("line 2", "soon")),
        (b"open auto\ncustom battery_low\n", ("battery_low", "ConnectionChart")),
        (b"\xff\xfeopen auto\n", ("script.txt", "UTF-8")),
    ],
)
def test_a_bad_script_is_one_clear_line(run, here, script: bytes, words) -> None:
    """What cannot be read is exit 2 and says in which line, and what is allowed there."""
    (here / "script.txt").write_bytes(script)
    _assert_one_clear_line(run("play", "script.txt"), *words)


@pytest.mark.parametrize("path", ["no_such_file.txt", ".", "good.txt/more"])
def test_a_missing_script_is_one_clear_line(run, path: str) -> None:
    """A file that cannot be read is exit 2 and a line that names it."""
    _assert_one_clear_line(run("play", path), path)
