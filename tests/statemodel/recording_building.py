"""Recordings of played scripts, for the tests of what is made of them."""

from __future__ import annotations

from statemodel._world import World
from statemodel.recordings import (
    Header,
    NoteLine,
    RecordedStep,
    RecordingMachine,
    Veil,
    header_line,
    other_line,
    step_line,
)
from statemodel.scripts import Script

WALL = "2026-11-29T03:00:00.000+00:00"
VERSIONS = {"statemodel": "0.1.0", "python": "3.11.0"}


class RecordedWorld(World):
    """A world that tells a second machine the same, whose steps are written down."""

    __slots__ = ("steps", "twin")

    def __init__(self, mode, timings, *, foreground=True, online=True, **settings):
        super().__init__(mode, timings, foreground=foreground, online=online, **settings)
        self.steps: list[RecordedStep] = []
        self.twin = RecordingMachine(
            self.steps.append, mode=mode, timings=timings, foreground=foreground, online=online
        )

    def _handle(self, event):
        self.twin.handle(event, self.now, self.draw)
        super()._handle(event)


def played(script: Script, *, settles: bool = False) -> RecordedWorld:
    """Return the world in which a script was played."""
    world = RecordedWorld.of(script)
    world.settles = settles
    world.play_all(script)
    return world


def header_of(script: Script, **changes: object) -> Header:
    """Return the header of a script's recording."""
    said = {
        "time": 0.0,
        "wall": WALL,
        "mode": script.mode,
        "foreground": script.foreground,
        "online": script.online,
        "timings": script.timings,
        "policy": None,
        "server": "wss://example.org",
        "uids": "given",
        "messages": "sizes",
        "versions": VERSIONS,
    }
    return Header(**{**said, **changes})


def recorded(text: str, **changes: object) -> list[bytes]:
    """Return the lines of the recording of a script, which is written with `/` for its line ends."""
    script = Script.parse(text.replace("/", "\n"))
    world = played(script, settles=True)
    return [
        header_line(header_of(script, **changes)),
        *(step_line(step, Veil()) for step in world.steps),
        other_line(NoteLine(time=world.now, note="closed")),
    ]
