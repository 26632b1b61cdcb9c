"""The pages on the conformance kit: what they show is run, and what they list is complete."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from itertools import starmap
from pathlib import Path

import pytest

from statemodel import Mode, traces
from statemodel._ends import stand_in
from statemodel.conformance import (
    CAPABILITIES,
    MachineSubject,
    Playing,
    ProcessSubject,
    SubjectError,
    Trouble,
    conformance_suite,
    replay,
)
from statemodel.conformance._codec import _ITEMS
from statemodel.conformance._judging import TOLD, judged
from statemodel.scripts import ANSWERS, Script, Step
from statemodel.trace_rules import TRACE_RULES
from tests.conformance.subjects import Hasty
from tests.conformance.test_protocol import SCHEMA, wrong

ROOT = Path(__file__).parent.parent
TUTORIAL = (ROOT / "docs/conformance.md").read_text("utf-8")
PROTOCOL = (ROOT / "docs/conformance-protocol.md").read_text("utf-8")

BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<body>(?:(?!```).*\n)+)```$", re.MULTILINE)
FILE = re.compile(r"# file: (?P<name>[\w.]+)\n.*", re.DOTALL)
VARIES = re.compile(r"[\d,]+(?= (?:cases?|steps?;|steps?$))|(?<= in )[\d.]+s", re.MULTILINE)
"""How much is played, and how long it takes, may change without a word here being wrong."""

OPENING = Script(mode=Mode.MANUAL)
EXCHANGED = [
    Step.parse(line)
    for line in (
        "restored", "connect", "peer accept", "background together", "ping", "wait 2.5", "peer pong",
        "disconnect",
    )
]  # fmt: skip
"""What the kit asks for in the example of the protocol's page."""


def blocks(text):
    """Return the kind and the body of each block of a page."""
    found = [(match["kind"], match["body"]) for match in BLOCK.finditer(text)]
    assert text.count("```") == 2 * len(found)
    return found


def run(command, directory):
    """Run a command as it would be typed in a directory; return what it prints, and its exit code."""
    tools = directory.parent / f"{directory.name}-tools"
    tools.mkdir(exist_ok=True)
    for name, start in (("python", ""), ("statemodel", " -m statemodel")):
        tool = tools / name
        tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{start} "$@"\n', "utf-8")
        tool.chmod(0o755)
    changes = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",  # the files change faster than the times of files
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "80",
    }
    ended = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=directory,
        env=os.environ | changes,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return ended.stdout, ended.returncode


def commands(console):
    """Return each command of a block, with the output that is shown below it."""
    parts = re.split(r"^\$ (.+)\n", console, flags=re.MULTILINE)
    assert parts[0] == ""
    return list(zip(parts[1::2], parts[2::2], strict=True))


def as_installed(command, shown):
    """Return a command and its output as they are without `patch`: the page names git as well."""
    if not command.startswith("patch ") or shutil.which("patch"):
        return command, shown
    return command.replace("patch", "git apply").replace(" < ", " "), ""


def save(directory, text):
    """Save the files of a page, as it says: each block as it is, under the name in its first line."""
    for _, body in blocks(text):
        if file := FILE.fullmatch(body):
            (directory / file["name"]).write_text(body, "utf-8")


def table(text, head):
    """Return the cells of the table whose first column has this head."""
    lines = iter(text.splitlines())
    rows = []
    for line in lines:
        if line.startswith(f"| {head} |"):
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    return rows
                rows.append([cell.strip() for cell in row.strip("|").split("|")])
    raise AssertionError(f"no table begins with {head}")


def words(cell):
    """Return the words that a cell has in backticks."""
    return re.findall(r"`(\w+)`", cell)


# -- the tutorial --------------------------------------------------------------------------------


def test_the_tutorial_is_so(tmp_path):
    """M4, T6: from an empty directory, each file, command and change of the page in its order.

    The client breaks these rules one after the other, and then none. Numbers of cases and of
    steps, and how long something took, are not compared.
    """
    directory = tmp_path / "empty"
    directory.mkdir()
    code, printed_first = 0, ""
    for kind, body in blocks(TUTORIAL):
        if file := FILE.fullmatch(body):
            (directory / file["name"]).write_text(body, "utf-8")
        elif kind == "console":
            for command, shown in starmap(as_installed, commands(body)):
                if command == "echo $?":
                    printed = f"{code}\n"
                else:
                    printed, code = run(command, directory)
                    printed_first = printed_first or printed
                assert VARIES.sub("N", printed) == VARIES.sub("N", shown)
        elif kind == "text" and printed_first:
            lines = iter(VARIES.sub("N", printed_first).splitlines())
            assert all(line in lines for line in VARIES.sub("N", body).splitlines()), body

    assert [path.name for path in directory.glob("*.orig")] == []
    assert {"pong.diff", "waiting.diff", "even.diff", "report.xml"} <= {
        path.name for path in directory.iterdir()
    }


def test_the_patches_are_patches_for_git_too(tmp_path):
    """Whoever has no `patch` takes `git apply`, as the page says; nothing is left over."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    save(tmp_path, TUTORIAL)
    before = (tmp_path / "client.py").read_text("utf-8")
    steps = ["pong.diff", "waiting.diff", "even.diff", "-R even.diff"]
    printed = [run(f"git apply -p0 {step}", tmp_path) for step in steps]
    after = (tmp_path / "client.py").read_text("utf-8")

    assert printed == [("", 0)] * 4
    assert before != after
    assert "self.random()" in after


def test_what_is_installed_is_what_is_used():
    """The page installs the extra with Hypothesis, and pytest, which it runs; it names no registry."""
    [install] = [body for kind, body in blocks(TUTORIAL) if "pip install" in body]
    *_, what, other = shlex.split(install.splitlines()[-1])
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = extras["optional-dependencies"][re.search(r"\[(\w+)\]$", what)[1]]

    assert any(requirement.startswith("hypothesis") for requirement in needed)
    assert other == "pytest"
    assert re.findall(r"https?://([^/)]+)", TUTORIAL) == ["hypothesis.readthedocs.io"]


def test_the_page_knows_every_trouble():
    """Each verdict on a subject that cannot be judged is explained, and no other."""
    rows = table(TUTORIAL, "verdict")

    assert [words(row[0]) for row in rows] == [[trouble.value] for trouble in Trouble]


def test_the_page_knows_the_names_of_the_json_report():
    """The tables have every key of the report as data, in its order, with the keys of its objects."""
    report = conformance_suite(Hasty(), only=["M3"]).data()
    failure = report["failures"][0]
    keys = {words(row[0])[0]: set(words(row[1])) for row in table(TUTORIAL, "key")}
    of_a_failure = {
        words(row[0])[0]: set(words(row[1])) for row in table(TUTORIAL, "key of a failure")
    }

    assert list(keys) == list(report)
    assert list(of_a_failure) == list(failure)
    assert keys["parts"] == set(report["parts"][0])
    assert of_a_failure["findings"] == set(failure["findings"][0])
    assert of_a_failure["timeline"] >= set(failure["timeline"][0])


def test_the_page_knows_every_option(tmp_path):
    """The options that the page lists are those of the command's help, and the other way round."""
    shown = run("statemodel conform --help", tmp_path)[0]
    options = set(re.findall(r"(--\w[\w-]*)", shown)) - {"--help"}

    assert {re.search(r"--[\w-]+", row[0])[0] for row in table(TUTORIAL, "option")} == options


@pytest.mark.parametrize(
    "arguments",
    ["--", "--only X9 -- true", "--replay missing.txt -- true", "--replay wrong.txt -- true"],
)
def test_what_cannot_be_asked_has_the_exit_code_of_the_page(arguments, tmp_path):
    """No command, no such rule, no such file, a wrong script: 2, and one line that says so."""
    (tmp_path / "wrong.txt").write_text("open manual\nfly\n", "utf-8")

    printed, code = run(f"statemodel conform {arguments}", tmp_path)

    assert code == 2
    assert printed.startswith("statemodel: ")
    assert printed.count("\n") == 1


def test_the_page_knows_what_is_only_told():
    """T1 and its like are named last; the page lists the same rules as the kit."""
    named = re.search(r"What is only told of a connection \(([^)]+)\)", TUTORIAL)

    assert named is not None
    assert set(named[1].split(", ")) == TOLD


# -- the protocol --------------------------------------------------------------------------------


def test_the_schema_is_where_the_page_says():
    """The lines of Python on the page read the schema, from the package as it is installed."""
    [source] = [b for kind, b in blocks(PROTOCOL) if kind == "python" and not FILE.match(b)]
    names = {}
    exec(source, names)

    assert json.loads(names["schema"]) == SCHEMA


def test_the_capabilities_are_those_of_the_kit():
    """The table has every capability in the kit's order, with the rules that need it."""
    rows = table(PROTOCOL, "capability")

    assert [words(row[0]) for row in rows] == [[name] for name in CAPABILITIES]
    assert [tuple(re.findall(r"[A-Z]\d+", row[2])) for row in rows] == [*CAPABILITIES.values()]
    assert all(row[1] for row in rows)


def test_the_steps_are_those_of_scripts():
    """The tables have every step and answer that a subject can be given, and no other."""
    steps = [word for row in table(PROTOCOL, "step") for word in words(row[0])]
    peer = [word for row in table(PROTOCOL, "`what`") for word in words(row[0])]
    known = [
        {item} if isinstance(item, str) else set(item)
        for step in SCHEMA["$defs"]["step"]["oneOf"]
        for item in [step["properties"]["do"].get("const") or step["properties"]["do"]["enum"]]
    ]
    others = re.search(r"^`store` has .*?\n\n", PROTOCOL, re.MULTILINE | re.DOTALL)

    assert sorted(steps) == sorted(set().union(*known))
    families = {"refuse_N", "refuse_N_after_S", "close_N"}
    told = {word for word in ANSWERS["peer"] if stand_in(word) not in ("fail", "drop")}
    assert {*peer} >= families
    assert {*peer} - families == told | {"fail", "drop"}
    assert others is not None
    assert {*ANSWERS["store"], *ANSWERS["authenticator"]} <= set(words(others[0]))


def test_the_items_are_those_that_are_read():
    """The table has every item of `seen` with all its names."""
    schema = {
        item["properties"]["saw"]["const"]: set(item["properties"]) - {"time", "saw"}
        for item in SCHEMA["$defs"]["item"]["oneOf"]
    }
    rows = {
        words(row[0])[0]: set(words(row[1])) - {"authenticate", "save", "clear"}
        for row in table(PROTOCOL, "`saw`")
    }

    assert rows == schema
    assert list(rows) == list(_ITEMS)


def test_the_example_is_an_exchange(tmp_path):
    """The kit asks what is shown, word for word; the answers are good, and break no rule.

    Every line is valid by the schema.
    """
    shown = re.search(r"```text\n(> (?:(?!```).*\n)+)```", PROTOCOL)
    assert shown is not None
    lines = re.sub(r"\n +", " ", shown[1]).splitlines()
    for line in lines:
        assert wrong(json.loads(line[2:]), SCHEMA) == ""
    (tmp_path / "exchange.txt").write_text("\n".join(lines), "utf-8")
    (tmp_path / "actor.py").write_text(ACTOR, "utf-8")

    subject = ProcessSubject([sys.executable, str(tmp_path / "actor.py")])
    playing = Playing(subject, OPENING)
    playing.play(*EXCHANGED)
    subject.close()

    assert [line[:2] for line in lines] == ["> ", "< "] * (len(lines) // 2)
    assert playing.connected
    assert judged(playing, set(TRACE_RULES))[1] == []
    assert (tmp_path / "exchange.txt.done").exists()


ACTOR = '''
"""A subject that answers as it is written, if it is asked as it is written."""

import json
import sys
from pathlib import Path

page = Path(__file__).with_name("exchange.txt")
lines = page.read_text("utf-8").splitlines()
for asked, answer in zip(lines[::2], lines[1::2]):
    request = json.loads(sys.stdin.readline())
    if request != json.loads(asked[2:]):
        sys.exit(f"asked {request}")
    print(answer[2:], flush=True)
page.with_name("exchange.txt.done").touch()
'''


class Liar(MachineSubject):
    """A machine that reports something more when it connects."""

    def __init__(self, lie):
        super().__init__()
        self._lie = lie

    def perform(self, acts):
        seen = super().perform(acts)
        return [*seen[:-1], [*seen[-1], self._lie]] if acts[-1].command else seen


@pytest.mark.parametrize(
    "lie",
    [
        traces.Refreshed(time=0.5, phase="begun"),
        traces.Refreshed(time=1.5, phase="begun"),
        traces.Refreshed(time=1.0, phase="done"),
        traces.Dialled(time=1.0, socket=3),
        traces.SocketGone(time=1.0, socket=2),
        traces.Returned(time=1.0, command=2, code=None),
        traces.PingSent(time=1.0, socket=1, ping=2, command=None),
        traces.PingSent(time=1.0, socket=1, ping=1, command=1),
    ],
)
def test_what_the_page_calls_a_lie_is_one(lie):
    """Times, sockets, calls and pings that cannot be: the verdict is `lied`."""
    subject = Liar(lie)
    playing = Playing(subject, OPENING)
    playing.play(Step.parse("restored"), Step.parse("wait 1"))

    with pytest.raises(SubjectError) as caught:
        playing.play(Step.parse("connect"))

    assert caught.value.trouble is Trouble.LIED


def test_a_script_without_an_open_socket_tells_nothing_of_a_right_client():
    """T6: the page says that its counterexample gets no good verdict even when nothing is broken."""
    report = replay(MachineSubject(), Script.parse("open manual\nrestored\nconnect\nwait 31\n"))

    assert report.failures == ()
    assert not report.ok
