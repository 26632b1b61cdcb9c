"""The page, put together: one HTML file that asks nothing of anybody.

Byte-stable: equal charts give equal files. The content security policy allows the scripts and styles
of this file, by their hashes, and nothing else.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from statemodel.explorer._data import explorer_data
from statemodel.explorer._reading import Reading

SCRIPTS = (
    "numbers.mjs", "model.mjs", "ends.mjs", "pings.mjs", "core.mjs", "machine.mjs", "surroundings.mjs", "world.mjs",
    "script.mjs", "link.mjs", "python.mjs", "moves.mjs", "words.mjs", "history.mjs", "elements.mjs",
    "diagram.mjs", "panels.mjs", "clock.mjs", "dialogs.mjs", "page.mjs",
)  # fmt: skip
"""In the order of their dependencies; in the file they are one module."""

_IMPORT = re.compile(r"^import \{[^}]*\} from '\./[a-z_]+\.mjs';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|const|function) )", re.MULTILINE)


def explorer_page(chart: type, *, source: str | None = None) -> str:
    """Return an HTML file in which a chart can be explored.

    Args:
        chart: The chart's class.
        source: Where it can be imported from, as `module:Class`; programs that the page writes say
            so. By default where the class says it was defined.

    Raises:
        InvalidChart: the chart does not compile.
    """
    where = source or f"{chart.__module__}:{chart.__qualname__}"
    data = explorer_data(Reading(chart), where)
    style = _text("explorer.css")
    script = "\n".join(_inlined(_text(name)) for name in SCRIPTS)
    # Whatever stands in a chart, it cannot end its element (HTML, 13.2.5.4).
    embedded = _json(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    values = {
        "TITLE": escape(data["chart"]),
        "POLICY": (
            f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
            "base-uri 'none'; form-action 'none'"
        ),
        "STYLE": style,
        "DATA": embedded,
        "SCRIPT": script,
    }
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: values[match[1]], _text("explorer.html"))


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=True, separators=(",", ":"), sort_keys=False)


def _inlined(script: str) -> str:
    """Return a module's text as it stands among the others: it neither imports nor exports."""
    return _EXPORT.sub("", _IMPORT.sub("", script))


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return files("statemodel.explorer").joinpath(name).read_text("utf-8")
