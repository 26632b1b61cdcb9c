"""Reading back what a connection has written down."""

from __future__ import annotations

import json
from pathlib import Path

from statemodel.recordings import Recording, read


def recordings_in(path: Path) -> list[Recording]:
    with path.open("rb") as file:
        return read(file)


def recording_in(path: Path) -> Recording:
    (recording,) = recordings_in(path)
    return recording


def lines_of(path: Path) -> list[object]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def spoil(path: Path, end: bytes) -> None:
    """Append what is no whole line, as a crash leaves it."""
    with path.open("ab") as file:
        file.write(end)
