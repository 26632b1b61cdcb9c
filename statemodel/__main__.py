"""The command `statemodel`: what one may ask of a chart from a shell."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from statemodel._compile import compile_chart
from statemodel._errors import StateModelError
from statemodel._write_table import module_text

_OURS = "statemodel:ConnectionChart"
_COMMITTED = Path(__file__).parent / "_connection_table.py"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0 well, 1 a check failed, 2 it could not be done."""
    parser = argparse.ArgumentParser(prog="statemodel", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("table", help="compile a chart into its transition table")
    table.add_argument(
        "chart", nargs="?", default=_OURS, help="module:Class (default: %(default)s)"
    )
    table.add_argument("-o", "--output", type=Path, help="write the table's module to this file")
    table.add_argument(
        "--check", action="store_true", help="exit 1 unless the file is what would be written"
    )
    options = parser.parse_args(arguments)
    try:
        return _table(options.chart, options.output, check=options.check)
    except (StateModelError, OSError) as error:
        print(f"statemodel: {error}", file=sys.stderr)
        return 2


def _load(name: str) -> type:
    module, _, attribute = name.partition(":")
    sys.path.insert(0, "")  # a chart in the directory one stands in, as `python -m` finds it
    try:
        chart = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever a user's module raises
        text = " ".join(str(error).split())
        raise StateModelError(f"cannot load {name!r}: {type(error).__name__}: {text}") from error
    if not isinstance(chart, type):
        raise StateModelError(f"{name!r} is no chart class")
    return chart


def _table(chart: str, output: Path | None, *, check: bool) -> int:
    if output is None and chart == _OURS:
        output = _COMMITTED
    if check and output is None:
        raise StateModelError("--check needs the file to check: -o FILE")
    compiled = compile_chart(_load(chart))
    text = module_text(compiled)
    print(
        f"{compiled.chart}: {len(compiled.configurations)} configurations, "
        f"{len(compiled.events)} events, {sum(map(len, compiled.handled))} cells act, "
        f"{len(text.encode()) / 1024:.0f} KiB"
    )
    if check:
        assert output is not None, "refused above"
        fresh = output.exists() and output.read_bytes() == text.encode()
        print(f"{output} is {'fresh' if fresh else 'stale: run `statemodel table`'}")
        return 0 if fresh else 1
    if output is not None:
        output.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
