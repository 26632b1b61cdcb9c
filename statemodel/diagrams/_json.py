"""The whole model as JSON.

The text is one object: `schema` (the version below), `generated` (who wrote it) and `chart`, in
which every field of `ChartModel` and of what it holds stands under its own name: tuples are
arrays, what is not there is `null`. The version grows when a field changes its meaning or goes;
fields may be added within one. Letters that are markup in HTML are written as escapes, so that the
text can stand in a page's script.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from statemodel.diagrams._model import ChartModel

SCHEMA = 1
"""The version of what is written."""

_MARKUP = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&"}


def json_text(model: ChartModel) -> str:
    """Write a model as JSON; equal models give equal texts."""
    data = {
        "schema": SCHEMA,
        "generated": "by `statemodel diagrams`; do not edit",
        "chart": asdict(model),
    }
    return json.dumps(data, indent=1).translate(_MARKUP) + "\n"
