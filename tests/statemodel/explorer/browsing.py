"""The explorer's page in a browser: opened, pressed, and read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from statemodel.scripts import Step
from tests.statemodel.explorer.walking import ListeningWorld, dispositions, tagged

REQUIRED = os.environ.get("STATEMODEL_BROWSER") == "1"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

LOOK = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const root = document.getElementById('explorer').dataset;
  return {
    configuration: root.configuration,
    status: root.status,
    now: Number(root.now),
    last: root.last,
    pressed: all('[data-step]').map((found) => found.dataset.step),
    events: Object.fromEntries(all('[data-chart-event]').map((found) => [
      found.dataset.chartEvent, found.dataset.disposition ?? 'handled',
    ])),
    timers: all('[data-timer]').map((found) => [found.dataset.timer, Number(found.dataset.deadline)]),
    effects: all('[data-effect]').map((found) => JSON.parse(found.dataset.effect)),
    drawn: all('.state.atomic.active').map((found) => found.dataset.state).sort().join(' '),
    history: all('#history button').length,
  };
}"""


def missing() -> str | None:
    """Return what is missing for these tests, if anything."""
    if CHROMIUM is None:
        return "chromium is not installed"
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed (pip install --group browser)"
    return None


@contextmanager
def a_browser() -> Iterator[Any]:
    """Run a browser without a window; skip where there is none, unless one is required."""
    if (reason := missing()) is not None:
        (pytest.fail if REQUIRED else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Explorer:
    """One open page; what it says on its console and asks for is kept."""

    def __init__(self, context: Any, file: Path) -> None:
        self.context = context
        self.page = context.new_page()
        self.address = file.as_uri()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))

    def open(self, link: str = "") -> None:
        """Open the page, with a run or without."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}#{link}" if link else self.address)

    def look(self) -> dict[str, Any]:
        """Return what the page shows."""
        return self.page.evaluate(LOOK)

    def press(self, line: str) -> None:
        """Press the button of a step."""
        self.page.evaluate("document.getElementById('why-not-box').open = true")
        self.page.locator(f"[data-step={json.dumps(line)}]").first.click()

    def press_all(self, *lines: str) -> None:
        """Press the buttons of steps, one after the other."""
        for line in lines:
            self.press(line)

    def script(self) -> str:
        """Return the script that the page offers."""
        self.page.locator("#share").click()
        text = self.page.locator("#script").input_value()
        self.page.keyboard.press("Escape")
        return text

    def is_quiet(self) -> bool:
        """Say whether the page has complained of nothing and asked for nothing but itself."""
        strangers = [url for url in self.asked if not url.startswith((self.address, "about:"))]
        assert (self.said, strangers) == ([], [])
        return True


def expected(world: ListeningWorld, effects: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a page should show of a world."""
    machine = world.machine
    words = zip(machine.table.events, dispositions(machine, world.now).split(), strict=True)
    pings = machine._pings.running.values()
    timers = [
        *machine.timers.items(),
        *(("own ping" if p.own else "ping", p.deadline) for p in pings),
    ]
    if world._job_until < float("inf"):
        timers.append(("store", world._job_until))
    atoms = {state for _, states in machine.table.regions for state in states}
    return {
        "configuration": " ".join(sorted(machine.configuration)),
        "status": machine.status,
        "now": world.now,
        "events": dict(words),
        "timers": sorted(
            ([name, due] for name, due in timers), key=lambda pair: (pair[1], pair[0])
        ),
        "effects": effects,
        "drawn": " ".join(sorted(machine.configuration & atoms)),
    }


def played(world: ListeningWorld, step: Step) -> dict[str, Any]:
    """Play a step; return what a page should show after it."""
    world.play(step)
    return expected(world, [tagged(effect) for effect in world.effects])
