"""The command `statemodel explore`, and the file that it writes."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from statemodel import RULES, ConnectionChart
from statemodel._connection_table import TABLE
from statemodel.diagrams import read_chart
from statemodel.explorer import explorer_page
from statemodel.explorer._page import SCRIPTS
from tests.statemodel.explorer import walking

SOURCES = Path(__file__).parents[3] / "statemodel" / "explorer"
CHART = """\
from statemachine import State, StateChart


class MyChart(StateChart):
    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
            bright = State()
            press = dark.to(bright) | bright.to(dark)  # M1


class Broken(StateChart):
    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
            bright = State(enter="shout")
            press = dark.to(bright) | bright.to(dark)
"""


@pytest.fixture(scope="module")
def page() -> str:
    """Return the page of our own chart."""
    return explorer_page(ConnectionChart, source="statemodel:ConnectionChart")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a directory with a user's module in it."""
    (tmp_path / "my_module.py").write_text(CHART, "utf-8")
    return tmp_path


def run(here: Path, *arguments: str, seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the command in a directory."""
    return subprocess.run(
        [sys.executable, "-m", "statemodel", "explore", *arguments],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": seed},
    )


def data_of(page: str) -> dict:
    """Return the data that is embedded in a page."""
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1]
    )


def test_the_page_is_the_same_whenever_it_is_written(here, page):
    """Another process with another hash seed writes the same bytes as this one."""
    done = run(here, "-o", "out.html", seed="1")
    assert (done.returncode, done.stderr) == (0, "")

    assert (here / "out.html").read_bytes() == page.encode()
    assert len(page.encode()) < 500_000


def test_the_page_asks_for_nothing_and_allows_only_itself(page):
    """The policy allows the page's own script and style, by hash; there is no address in it."""
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    script = re.search(r'<script type="module">(.*?)</script>', page, re.DOTALL)[1]
    hashes = [b64encode(sha256(part.encode()).digest()).decode() for part in (style, script)]

    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    addresses = set(re.findall(r"https?://[^'\"\s]*", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not a place
    assert not re.search(r"\b(src|srcset|style|on[a-z]+)=", page.replace(script, ""))
    assert "innerHTML" not in script
    assert "insertAdjacentHTML" not in script
    assert "eval(" not in script


def test_the_scripts_are_one_module_in_the_page(page):
    """Every source is in the page, without imports, and no source is left out."""
    script = re.search(r'<script type="module">(.*?)</script>', page, re.DOTALL)[1]

    assert sorted(SCRIPTS) == sorted(path.name for path in SOURCES.glob("*.mjs"))
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    assert all(len(path.read_text("utf-8").splitlines()) <= 400 for path in SOURCES.glob("*.mjs"))


def test_the_data_hold_the_table_the_guards_and_the_rules(page):
    """Everything of the table is there, and each transition with its guard, its rules and its line."""
    data = data_of(page)
    table = data["table"]
    names = [[data["states"][number] for number in row] for row in table["configurations"]]

    assert names == [list(states) for states in TABLE.configurations]
    assert [len(row) for row in table["handled"]] == [4 * len(row) for row in TABLE.handled]
    assert table["statuses"] == list(TABLE.statuses)
    assert list(data["rules"]) == list(RULES)
    window = next(
        t for t in data["transitions"] if (t["source"], t["target"]) == ("no_window", "window")
    )
    assert window["guard"] == "manual and background and socket"
    assert window["test"] == ["and", "manual", "background", "socket"]
    assert window["rules"] == ["M3", "M10", "M11"]
    assert window["line"].startswith("_chart.py:")


def test_comments_say_which_rule_each_transition_is_for():
    """A comment counts for its own line, a divided one in parts, one above for its paragraph (C1, C3)."""
    data = walking.our_data()
    rules = {
        (t["source"], t["target"], *t["events"]): list(t["rules"]) for t in data["transitions"]
    }

    assert rules["backing_off", "down", "connect"] == ["C3"]
    assert rules["connected", None, "connect"] == ["C1"]
    assert rules["logged_out", "authenticating", "login"] == ["S1"]
    assert rules["logged_in", "logged_out", "logout"] == ["S5", "K3"]
    assert rules["closing", "down", "server_refused"] == ["K4"]
    assert rules["socket", "failed", "server_refused"] == ["B5"]
    assert [list(line["rules"]) for line in data["refusals"]][:3] == [["O4"], ["S6"], ["S7"]]


def test_the_page_says_of_every_line_what_the_diagrams_say(here, monkeypatch):
    """Rules are read from a chart once, for the page as for the pictures: also those above a line."""
    commented = CHART.replace(
        "bright = State()\n", "# M4: what shines\n            bright = State()\n", 1
    )
    (here / "commented.py").write_text(commented, "utf-8")
    monkeypatch.syspath_prepend(here)
    for chart in (ConnectionChart, importlib.import_module("commented").MyChart):
        model, data = read_chart(chart), data_of(explorer_page(chart))
        states = [state for region in data["regions"] for state in region["states"]]
        told = [(line["line"], line["guard"], line["rules"]) for line in data["transitions"]]

        assert {s["name"]: tuple(s["rules"]) for s in states} == {
            name: state.note.rules for name, state in model.states.items()
        }
        assert told == [
            (move.note.place, move.guard, list(move.note.rules))
            for move in model.transitions.values()
        ]
    assert states[1]["rules"] == ["M4"]


def test_every_handled_cell_says_which_transitions_it_takes():
    """A cell that acts takes a transition, or settles what waits; the last one leads to its target."""
    data = walking.our_data()
    table = data["table"]
    for at, flat in enumerate(table["handled"]):
        for event, target, step, path in zip(*[iter(flat)] * 4, strict=True):
            taken = [data["transitions"][number] for number in table["paths"][path]]
            after = {data["states"][number] for number in table["configurations"][target]}
            entered = after - {data["states"][number] for number in table["configurations"][at]}

            assert taken or table["steps"][step][1], (at, data["events"][event])
            assert entered <= {t["target"] for t in taken} | {"socket", "waiting"}


def test_nothing_in_a_chart_can_end_the_data(here):
    """A name such as `</script>` in a chart is data in the page and nothing else."""
    hostile = "</script x><script>alert(1)</script><!--"
    (here / "hostile.py").write_text(
        CHART.replace(
            "dark.to(bright) | bright.to(dark)  # M1", "dark.to(bright) | bright.to(dark)"
        )
        + f"\n\nMyChart.__name__ = {hostile!r}\n",
        "utf-8",
    )
    done = run(here, "hostile:MyChart", "-o", "out.html")
    assert (done.returncode, done.stderr) == (0, "")
    page = (here / "out.html").read_text("utf-8")

    assert hostile not in page
    assert page.count("</script>") == 2
    assert "</script x" not in page
    assert data_of(page)["chart"] == hostile


def test_a_users_chart_has_a_page(here):
    """A chart of a user's own, with no start that `Machine` knows, can be explored as well."""
    done = run(here, "my_module:MyChart", "-o", "mine.html")
    assert (done.returncode, done.stderr) == (0, "")
    data = data_of((here / "mine.html").read_text("utf-8"))

    assert data["source"] == "my_module:MyChart"
    assert data["regions"][0]["name"] == "light"
    assert [t["rules"] for t in data["transitions"]] == [["M1"], ["M1"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no_such_module:MyChart", "-o", "x.html"), ["no_such_module"]),
        (("my_module:Nothing", "-o", "x.html"), ["Nothing"]),
        (("my_module", "-o", "x.html"), ["my_module"]),
        (("builtins:int", "-o", "x.html"), ["int"]),
        (("my_module:Broken", "-o", "x.html"), ["Broken", "shout"]),
        (("my_module:MyChart", "-o", "no/such/place/x.html"), ["no/such/place/x.html"]),
        (("my_module:MyChart", "-o", "."), ["."]),
        (("my_module:MyChart", "-o", "my_module.py/x.html"), ["my_module.py/x.html"]),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(here, arguments, words):
    """An unknown module, a broken chart or a file that cannot be written: exit 2 and one line."""
    done = run(here, *arguments)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("statemodel: ")
    assert all(word in done.stderr for word in words)
    assert not (here / "x.html").exists()


def test_a_page_needs_a_file():
    """Without `-o` the command shows its usage."""
    done = run(SOURCES)

    assert done.returncode == 2
    assert done.stderr.startswith("usage: statemodel explore")
