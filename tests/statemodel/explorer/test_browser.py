"""The page in a real browser: what it shows is what `Machine` says, whoever presses what."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from statemodel import ConnectionChart, Mode, Timings
from statemodel._world import World
from statemodel.commands import main
from statemodel.explorer import explorer_page
from statemodel.scripts import Script, Step
from tests.statemodel.explorer.browsing import Explorer, a_browser, expected, played
from tests.statemodel.explorer.test_explore_command import CHART, run
from tests.statemodel.explorer.walking import ListeningWorld

# playwright may not have caught up with the newest Python
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TO_CONNECTED = (
    "login", "authenticator authenticated", "store saved", "connect", "peer accept",
)  # fmt: skip
LIKED = {
    "login", "connect", "authenticator authenticated", "store saved", "peer accept", "ping",
    "peer pong", "background", "foreground", "authenticator refreshed", "network up",
}  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    """Return one browser for all tests."""
    with a_browser() as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return the page of our own chart."""
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    path.write_text(explorer_page(ConnectionChart, source="statemodel:ConnectionChart"), "utf-8")
    return path


@pytest.fixture
def explorer(browser, file):
    """Return the page, opened at the beginning; afterwards it must have been quiet."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = Explorer(context, file)
        opened.open()
        yield opened
        opened.is_quiet()


def _seen(explorer):
    shown = explorer.look()
    return {key: shown[key] for key in expected(ListeningWorld(Mode.AUTO, Timings()), [])}


@pytest.mark.parametrize(
    ("number", "mode", "foreground", "online"),
    [
        (0, Mode.AUTO, True, True),
        (3, Mode.AUTO, False, False),
        (4, Mode.MANUAL, True, True),
        (6, Mode.MANUAL, False, True),
    ],
)
def test_a_walk_over_the_buttons_shows_what_the_machine_says(
    explorer, number, mode, foreground, online
):
    """50 random presses each: configuration, status, enabled events, effects, deadlines are Python's."""
    dice = random.Random(number)
    world = ListeningWorld(mode, Timings(), foreground=foreground, online=online, traced=False)
    explorer.open(f"1/{number}")
    assert _seen(explorer) == expected(world, [])
    for _ in range(50):
        pressable = explorer.look()["pressed"]
        assert {str(Step.answer(word)) for word in world.possible_answers()} <= set(pressable)
        choices = [line for line in pressable if line != "shut_down"]
        liked = [line for line in choices if line in LIKED]
        line = dice.choice(liked if liked and dice.random() < 0.5 else choices)
        luck = dice.choice((0.5, 0.25, 0.999))
        explorer.page.locator("#draw").fill(str(luck))
        explorer.press(line)
        step = replace(Step.parse(line), draw=luck)

        assert _seen(explorer) == played(world, step), line
        assert Step.parse(explorer.look()["last"]) == step


def test_the_keyboard_alone_is_enough(explorer):
    """Every step can be made with keys, the focus is seen, and it is never lost."""
    keys = explorer.page.keyboard
    focused = "document.activeElement.dataset.step ?? ''"
    world = ListeningWorld(Mode.AUTO, Timings(), traced=False)
    for line in (*TO_CONNECTED[:3], "peer accept", "ping", "background"):
        keys.press("e")
        for _ in range(60):
            if explorer.page.evaluate(focused) == line:
                break
            keys.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert explorer.page.evaluate(outline) == "solid"
        keys.press("Enter")
        shown = played(world, Step.parse(line))
        assert _seen(explorer) == shown
        assert explorer.page.evaluate("document.activeElement !== document.body")
    keys.press("n")
    assert explorer.look()["now"] == world.machine.next_deadline
    for key in ("u", "u"):
        keys.press(key)
    assert "connected" in explorer.look()["configuration"].split()
    keys.press("r")
    assert _seen(explorer) == shown
    keys.press("w")
    assert explorer.page.locator("#why-not-box").get_attribute("open") is not None
    keys.press("?")
    assert explorer.page.locator("#keys-dialog").is_visible()
    explorer.page.locator("#keys-on").uncheck()
    keys.press("Escape")
    keys.press("u")
    assert _seen(explorer) == shown


def test_a_link_brings_the_whole_run_back(explorer, file):
    """The address of the page opens the same run elsewhere, its settings and draws included."""
    explorer.open("1/4/t4=3")  # dial_timeout
    explorer.press_all(*TO_CONNECTED[:4])
    explorer.page.locator("#draw").fill("0.125")
    explorer.press("wait 3")
    explorer.page.wait_for_url(lambda url: url.endswith("/w=3*0.125"))
    link = explorer.page.evaluate("location.hash").removeprefix("#")
    other = Explorer(explorer.context, file)
    other.open(link)

    assert other.look() == explorer.look()
    assert other.script() == explorer.script()
    other.is_quiet()


def test_undo_redo_and_jump_go_through_the_history(explorer):
    """Each place in the history shows what it showed then; a step after an undo drops the rest."""
    shown = [explorer.look()]
    for line in TO_CONNECTED[:3]:
        explorer.press(line)
        shown.append(explorer.look())
    history = explorer.page.locator("#history button")
    for back in (2, 1, 0):
        explorer.page.locator("#undo").click()
        assert explorer.look() | {"history": back + 1} == shown[back]
    assert explorer.page.locator("#undo").is_disabled()
    explorer.page.locator("#redo").click()
    assert explorer.look() | {"history": 2} == shown[1]
    history.nth(3).click()
    assert explorer.look() == shown[3]
    history.nth(1).click()
    explorer.press("logout")
    assert explorer.look()["history"] == 3
    assert explorer.page.locator("#redo").is_disabled()


def test_the_script_of_a_run_is_played_by_the_command(explorer, tmp_path, capsys):
    """What the page saves, `statemodel play` plays: to the same configuration, keeping every rule."""
    explorer.open("1/4")
    explorer.press_all(*TO_CONNECTED, "background", "ping", "wait 1", "peer pong", "wait 29")
    text = explorer.script()
    script = Script.parse(text)
    world = World.of(script)
    world.play_all(script)

    assert sorted(world.machine.configuration) == explorer.look()["configuration"].split()
    (tmp_path / "run.txt").write_text(text, "utf-8")
    assert main(["play", str(tmp_path / "run.txt")]) == 0
    assert "status: connected" in capsys.readouterr().out


def test_a_script_can_be_opened_and_a_wrong_one_is_refused(explorer):
    """A counterexample of `statemodel check` can be pasted; what is wrong is said, and nothing is lost."""
    field, error = explorer.page.locator("#script"), explorer.page.locator("#script-error")
    explorer.page.locator("#share").click()
    field.fill("open manual\nlogin\nnonsense\n")
    explorer.page.locator("#open-script").click()
    assert error.inner_text().startswith("line 3: ")
    field.fill("open manual offline\ntiming auth_timeout 3\nlogin\nwait 3\n")
    explorer.page.locator("#open-script").click()
    shown = explorer.look()

    assert (shown["now"], shown["history"]) == (3, 3)
    assert {"manual", "offline", "logged_out"} <= set(shown["configuration"].split())


@pytest.mark.parametrize(
    "link", ["1/0/<img src=x onerror=alert(1)>", "1/0/l=%3Cscript%3E", "%00", "1/0" + "/c" * 5001]
)
def test_a_hostile_link_is_a_message_and_nothing_else(explorer, link):
    """A link that holds no run makes no element, runs nothing, and leaves a usable page."""
    explorer.open(link)
    message = explorer.page.locator("#message")

    if "script" not in link:  # that one is a user's name, if a strange one
        assert message.inner_text().startswith("The link holds no run of this chart")
        assert explorer.look()["history"] == 1
    assert explorer.page.locator("img").count() == 0
    assert explorer.page.locator("script").count() == 2
    explorer.press("network down")
    assert "offline" in explorer.look()["configuration"].split()


@pytest.mark.parametrize("link", ["1/0/l/aa/sa/pa/w=1e300", "1/0/l/aa/sa/pa" + "/w=1000000" * 4000])
def test_a_link_that_asks_for_ages_is_stopped(explorer, link):
    """However much time a link lets pass, the page comes up, and says why nothing more happens."""
    explorer.open(link)

    assert "Nothing more happens: more than 20000" in explorer.page.locator("#next").inner_text()
    explorer.page.locator("#undo").click()
    explorer.page.locator("#history button").first.click()
    explorer.press("login")
    assert "authenticating" in explorer.look()["configuration"].split()


def test_time_passes_at_the_chosen_speed_and_fires_what_is_due(explorer):
    """The clock runs, fires deadlines at their time, and makes a step of what has passed (H4)."""
    clock = explorer.page.clock
    clock.install()
    explorer.open()
    explorer.press("login")
    explorer.page.locator("#speed-1").click()
    clock.run_for(5_000)
    assert "authenticating" in explorer.look()["configuration"].split()
    explorer.page.locator("#speed-10").click()
    clock.run_for(3_000)
    shown = explorer.look()
    assert (shown["now"], shown["status"]) == (30, "disconnected")
    assert "logged_out" in shown["configuration"].split()
    explorer.page.locator("#pause").click()
    before = explorer.page.locator("#now").inner_text()
    clock.run_for(3_000)
    assert explorer.page.locator("#now").inner_text() == before
    explorer.press("login")
    assert 30 < explorer.look()["now"] < 40


def test_no_width_scrolls_sideways(explorer):
    """From a phone of 360 pixels to a wide screen everything fits, also after a long run."""
    explorer.open("1/4")
    explorer.press_all(*TO_CONNECTED, "ping", "background", "login bob", "wait 1")
    explorer.page.evaluate(
        "document.querySelectorAll('details').forEach((d) => { d.open = true; })"
    )
    for width in (360, 390, 600, 760, 1024, 1179, 1280, 1440):
        explorer.page.set_viewport_size({"width": width, "height": 800})
        wide = explorer.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, width


def test_a_new_run_takes_another_start_and_other_settings(explorer):
    """Mode, application, network and settings can be chosen; settings that contradict are refused."""
    explorer.page.locator("#new-run").click()
    selects = explorer.page.locator("#new-start select")
    for number, word in enumerate(("manual", "background", "offline")):
        selects.nth(number).select_option(word)
    explorer.page.locator("#new-dialog summary").click()
    field = explorer.page.get_by_label("auth_timeout")
    field.fill("-1")
    explorer.page.locator("#new-begin").click()
    assert "auth_timeout must be" in explorer.page.locator("#new-error").inner_text()
    field.fill("7")
    explorer.page.locator("#new-begin").click()
    explorer.press("login")
    world = ListeningWorld(Mode.MANUAL, Timings(auth_timeout=7.0), foreground=False, online=False)

    assert _seen(explorer) == played(world, Step.parse("login"))


def test_themes_and_motion_follow_the_user(browser, file):
    """Dark and light follow the system or the button; without motion nothing moves."""
    for scheme, ground in (("light", "rgb(244, 245, 248)"), ("dark", "rgb(16, 20, 27)")):
        with browser.new_context(color_scheme=scheme, reduced_motion="reduce") as context:
            explorer = Explorer(context, file)
            explorer.open()
            look = "getComputedStyle(document.body).backgroundColor"
            assert explorer.page.evaluate(look) == ground
            rect = "getComputedStyle(document.querySelector('.state rect')).transitionDuration"
            assert explorer.page.evaluate(rect) == "0s"
            explorer.page.locator("#theme").click()
            assert explorer.page.evaluate(look) == "rgb(244, 245, 248)"
            explorer.page.locator("#theme").click()
            assert explorer.page.evaluate(look) == "rgb(16, 20, 27)"
            explorer.is_quiet()


def test_a_users_chart_can_be_played(browser, tmp_path):
    """A chart with one region and an event of its own works in the page as well."""
    (tmp_path / "my_module.py").write_text(CHART, "utf-8")
    assert run(tmp_path, "my_module:MyChart", "-o", "mine.html").returncode == 0
    with browser.new_context() as context:
        explorer = Explorer(context, tmp_path / "mine.html")
        explorer.open()
        explorer.press("custom press")
        assert explorer.look()["configuration"] == "bright"
        assert explorer.script() == "open\ncustom press\n"
        explorer.is_quiet()
