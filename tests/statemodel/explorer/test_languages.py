"""What the page writes can be read: scripts by `statemodel play`, programs by Python, links by the page."""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import subprocess
from dataclasses import fields
from math import inf, nextafter
from pathlib import Path

import pytest

from statemodel import InvalidInput, Mode, Timings
from statemodel._world import World
from statemodel.scripts import ANSWERS, Script
from tests.statemodel.explorer import walking

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

NUMBERS = [0.0, 1.0, 30.0, 0.5, 1 / 3, 2 / 3 * 1e6, 1e-4, 9.9999999e-5, 1e-5, 1e-7, 5e-324]
NUMBERS += [99999.95, 999999.5, 1e6, 123456789.0, 1e15, 1e16, 123456789e12, 1e21, 1e22, 1e300]
NUMBERS += [random.Random(1).random() * 10.0**power for power in range(-12, 24)]

WRONG_SCRIPTS = [
    "",
    "connect",
    "open",
    "open sideways",
    "open auto offline background nonsense",
    "open auto\nconnect now",
    "open auto\nwait",
    "open auto\nwait -1",
    "open auto\nwait inf",
    "open auto\nwait 1e999",
    "open auto\nwait 0x10",
    "open auto\ncancel 0",
    "open auto\ncancel 1.5",
    "open auto\npeer nonsense",
    "open auto\npeer",
    "open auto\nnetwork sideways",
    "open auto\ncustom connect",
    "open auto\ncustom nothing",
    "open auto\nconnect draw 1",
    "open auto\nconnect draw -0.5",
    "open auto\nconstructor x",
    "open auto\n__proto__",
    "open auto\ntiming nothing 3",
    "open auto\ntiming __proto__ 3",
    "open auto\ntiming dial_timeout 0",
    "open auto\ntiming dial_timeout 3\ntiming dial_timeout 3",
    "open auto\nconnect\ntiming dial_timeout 3",
    "open auto\ntiming backoff_base 60",
    "open auto\ntiming pong_timeout 31",
    "open auto\ntiming keep_alive_interval 30",
    "open auto\n" + "connect\n" * 5001,
    "<script>alert(1)</script>",
]
WRONG_LINKS = [
    "",
    "0",
    "1",
    "1/",
    "1/-1",
    "1/8",
    "1/99999",
    "1/constructor",
    "2/0/c",
    "1/0/zz",
    "1/0/__proto__",
    "1/0/toString",
    "1/0/c=bob",
    "1/0/w=",
    "1/0/w=Infinity",
    "1/0/w=-1",
    "1/0/w=1e999",
    "1/0/k",
    "1/0/k=0",
    "1/0/k=1.5",
    "1/0/c*1",
    "1/0/c*-0.1",
    "1/0/c*",
    "1/0/l=%",
    "1/0/l=%20",
    "1/0/l=%23",
    "1/0/l=%C2%85",
    "1/0/l=a%E2%80%A8b",
    "1/0/l=" + "a" * 101,
    "1/0/u=connect",
    "1/0/y",
    "1/0/y=pong*",
    "1/0/y=close_1006",
    "1/0/c@nowhere",
    "1/0/w=1@connected",
    "1/0/u",
    "1/0/t0=-1",
    "1/0/t99=1",
    "1/0/t0=1/t0=1",
    "1/0/c/t0=31",
    "1/0/<img src=x onerror=alert(1)>",
    "1/0/l=%3Cimg src=x onerror=alert(1)%3E",
    "1/0" + "/c" * 5001,
    "1/0/l=" + "a" * 60000,
]


def _random_script(seed: int) -> Script:
    dice = random.Random(seed)
    world = World(mode := dice.choice(list(Mode)), timings := walking.random_timings(dice))
    steps = []
    for _ in range(30):
        steps.append(walking.random_step(dice, world))
        world.play(steps[-1])
    return Script(mode=mode, timings=timings, steps=tuple(steps))


@pytest.fixture(scope="module")
def languages(tmp_path_factory):
    """Return what the page's scripts make of ours, and of what is wrong."""
    scripts = [_random_script(seed) for seed in range(60)]
    scripts.append(
        Script.parse(
            "open manual background offline\nlogin zo*ë@\npeer close_4000\nping inside connected draw 0.25\nrestored b<&'\"\\\n"
        )
    )
    content = {
        "data": walking.our_data(),
        "numbers": NUMBERS,
        "scripts": [script.text() for script in scripts],
        "wrong_scripts": WRONG_SCRIPTS,
        "wrong_links": WRONG_LINKS,
    }
    file = tmp_path_factory.mktemp("languages") / "languages.json"
    file.write_text(json.dumps(content), "utf-8")
    done = subprocess.run(
        ["node", HERE / "languages.mjs", file],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return content["scripts"], json.loads(done.stdout)


def test_scripts_are_written_as_python_writes_them(languages):
    """A script that is read and written again is the same, also by way of a link and of a run."""
    texts, out = languages

    assert [made["script"] for made in out["made"]] == texts
    assert [made["linked"] for made in out["made"]] == texts
    assert [made["played"] for made in out["made"]] == texts
    assert all(made["link"].isascii() and " " not in made["link"] for made in out["made"])


def test_numbers_are_written_as_python_writes_them(languages):
    """`repr`, a script's text, six digits, and the next number up: the same in both languages."""
    out = languages[1]["numbers"]

    for number, written in zip(NUMBERS, out, strict=True):
        script = repr(number).removesuffix(".0")
        assert written[:3] == [repr(number), script, f"{number:g}"]
        assert float(written[3]) == nextafter(number, inf)


def test_every_word_of_the_language_has_a_code(languages):
    """No step is without a place in a link, and no two have the same."""
    codes = languages[1]["codes"]

    assert len(set(codes)) == len(codes)
    assert {f"{who} {word}" for who, words in ANSWERS.items() for word in words} <= set(codes)


def test_programs_run_and_come_to_the_same_configuration(languages):
    """A program that the page writes runs on `Machine`, and its assertion holds."""
    for text, made in zip(languages[0], languages[1]["made"], strict=True):
        world = World.of(script := Script.parse(text))
        world.play_all(script)
        names = {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(made["python"], "<program>", "exec"), names)

        assert sorted(names["machine"].configuration) == made["configuration"]
        assert names["machine"].timers == world.machine.timers


def test_wrong_scripts_are_refused(languages):
    """What Python refuses as a script the page refuses too, with a message."""
    refusals = languages[1]["wrong_scripts"]

    assert [text for text, why in zip(WRONG_SCRIPTS, refusals, strict=True) if not why] == []
    for text in WRONG_SCRIPTS:
        # Whether there is such an event only a table knows; how long is too long, only the page.
        if "custom" not in text and text.count("\n") < 5000:
            with pytest.raises(InvalidInput):
                Script.parse(text)


def test_hostile_links_are_refused(languages):
    """What is no history of this chart opens nothing: it is refused with a message of ours."""
    refusals = languages[1]["wrong_links"]

    assert [text for text, why in zip(WRONG_LINKS, refusals, strict=True) if not why] == []
    assert not any("<" in why or "alert" in why for why in refusals)


def test_settings_are_numbered_in_their_order():
    """Links name settings by their place, which is the order of `Timings`."""
    data = walking.our_data()

    assert list(data["script"]["settings"]) == [field.name for field in fields(Timings)]
