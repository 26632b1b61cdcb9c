"""Scripts of what happens to a connection: read them, write them, play them on the pure machine.

`statemodel check` and `statemodel conform` print their counterexamples in this language.
`docs/scripts.md` explains it; a wrong line is answered with all that is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemodel._ends import CLOSE_CODES, DIAL_ENDS, close_code, dial_end
from statemodel._script import ANSWERS, USER, Script, Step
from statemodel._table import table_of
from statemodel._world import World

if TYPE_CHECKING:
    from statemodel._table import Table
    from statemodel.traces import Trace

__all__ = [
    "ANSWERS",
    "CLOSE_CODES",
    "DIAL_ENDS",
    "USER",
    "Script",
    "Step",
    "close_code",
    "dial_end",
    "play",
]


def play(script: Script, chart: type | Table | None = None) -> Trace:
    """Play a script on the pure machine and return what could be seen from outside.

    Args:
        script: What happens.
        chart: The chart that runs, or its table; by default that of `ConnectionChart`.

    Raises:
        InvalidInput: the script names a custom event that the table does not have.
        LookupError: the table has no such start.
    """
    world = World.of(script, table=table_of(chart))
    world.play_all(script)
    return world.trace or []
