"""All files of a chart's diagrams, and whether those on disk are they."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from statemodel.diagrams._highlight import NOTHING, Highlight
from statemodel.diagrams._labels import identifiers
from statemodel.diagrams._model import ChartModel
from statemodel.diagrams._render import FORMATS


def files(
    model: ChartModel, *, only: str | None = None, highlight: Highlight = NOTHING
) -> dict[str, str]:
    """Return the text of each file by its name: `chart.*`, and `region-*.*` for each region.

    Args:
        model: The chart.
        only: This format only.
        highlight: What to mark; formats that mark nothing are then left out.
    """
    words = identifiers(model, ())
    found: dict[str, str] = {}
    for name, one in FORMATS.items():
        if only not in (None, name) or (highlight != NOTHING and not one.marks):
            continue
        if one.whole is not None:
            found[f"chart.{one.ending}"] = one.whole(model, highlight)
        for region in model.regions if one.part is not None and name != "markdown" else ():
            assert one.part is not None
            text = one.part(model, region, highlight)
            found[f"region-{words[region.name]}.{one.ending}"] = text
    return dict(sorted(found.items()))


def write(directory: Path, texts: Mapping[str, str]) -> None:
    """Write files into a directory, which is made if it is not there.

    Raises:
        OSError: it cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (directory / name).write_bytes(text.encode())


def stale(directory: Path, texts: Mapping[str, str], *, all_formats: bool) -> list[str]:
    """Return what is wrong with the files of a directory, a line each; nothing if they are fresh.

    Args:
        directory: Where they are.
        texts: What they should be.
        all_formats: Whether `texts` is all that may be there of a chart.
    """
    wrong = []
    for name, text in texts.items():
        file = directory / name
        if not file.is_file():
            wrong.append(f"{file} is missing")
        elif file.read_bytes() != text.encode():
            wrong.append(f"{file} is stale")
    if all_formats and directory.is_dir():
        ours = {*directory.glob("chart.*"), *directory.glob("region-*.*")}
        wrong += [f"{file} is left over" for file in sorted(ours) if file.name not in texts]
    return wrong
