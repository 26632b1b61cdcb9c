"""`statemodel paths`: runs of a chart as scripts, for whoever wants only those."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from statemodel._compile import compile_chart
from statemodel._connection_table import TABLE
from statemodel._errors import StateModelError
from statemodel._runs import Runs
from statemodel._world import World
from statemodel.commands._loading import OURS, load_chart
from statemodel.scripts import Script

if TYPE_CHECKING:
    from argparse import Namespace

    from statemodel._table import Table


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    paths = commands.add_parser(
        "paths",
        help="write shortest and covering runs as JSON",
        description="Write runs of a chart as JSON: one object with `chart`, what was asked for, "
        "`steps` (how many in all) and `scripts`. A script is text, a step a line, beginning with "
        "how the connection is opened; `statemodel play` plays it, and so does "
        "`statemodel conform --replay`.",
        epilog="Exit code 2 if there is no such state, or no run that comes to these states.",
    )
    what = paths.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--cover",
        choices=("transitions", "states"),
        help="scripts that together take every row of the table, or come to every configuration",
    )
    what.add_argument(
        "--to",
        nargs="+",
        metavar="STATE",
        help="the shortest script to where all these states hold, such as: manual connected",
    )
    paths.add_argument("--chart", default=OURS, help="module:Class (default: %(default)s)")
    paths.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    table = TABLE if options.chart == OURS else compile_chart(load_chart(options.chart))
    data: dict[str, Any] = {"chart": table.chart}
    if options.to:
        data["to"] = options.to
        scripts = [_shortest(table, options.to)]
    elif options.cover == "states":
        data["cover"] = "states"
        scripts = _to_every_state(table)
    else:
        data["cover"] = "transitions"
        scripts = list(Runs(table).covering())
    data["steps"] = sum(len(script.steps) for script in scripts)
    data["scripts"] = [script.text() for script in scripts]
    print(json.dumps(data, indent=2))
    return 0


def _shortest(table: Table, words: list[str]) -> Script:
    """Return the shortest run to a configuration that has all these states.

    Raises:
        StateModelError: there is no such state, configuration or run.
    """
    states = {state for configuration in table.configurations for state in configuration}
    for word in words:
        if word not in states:
            raise StateModelError(
                f"there is no state {word!r}; there are {', '.join(sorted(states))}"
            )
    wanted = [
        index
        for index, configuration in enumerate(table.configurations)
        if set(words) <= set(configuration)
    ]
    runs = Runs(table)
    found = [script for index in wanted if (script := runs.to(index)) is not None]
    if not found:
        raise StateModelError(f"no run comes to a configuration with {' and '.join(words)}")
    return min(found, key=lambda script: (len(script.steps), script.text()))


def _to_every_state(table: Table) -> list[Script]:
    """Return shortest runs that together come to every configuration that can be reached in time.

    The longest first: what is on the way of one needs no run of its own.
    """
    runs = Runs(table)
    reached = {index: runs.to(index) for index in range(len(table.configurations))}
    ranked = sorted(
        ((index, script) for index, script in reached.items() if script is not None),
        key=lambda pair: (-len(pair[1].steps), pair[1].text()),
    )
    seen: set[int] = set()
    chosen = []
    for index, script in ranked:
        if index in seen:
            continue
        chosen.append(script)
        world = World.of(script, table=table, traced=False)
        seen.add(world.machine.at)
        for step in script.steps:
            world.play(step)
            seen.add(world.machine.at)
    return chosen
