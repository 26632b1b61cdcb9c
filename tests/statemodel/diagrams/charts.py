"""Charts for the tests of diagrams: a small one with comments, one without, and a hostile one."""

from __future__ import annotations

from typing import Any

from statemachine import State, StateChart

from statemodel import Code, Heard, Refusal
from statemodel._clauses import Outcome


class Lamp(StateChart[Any]):
    """A lamp, for reading.

    ``light`` shines or not
    ``power`` comes from the wall
    """

    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):  # L1: what one sees
            dark = State(initial=True)
            # L2, L3: bright states
            bright = State(enter="dial", exit="abort")  # L2
            dim = State()

            # L4: pressing turns it round.
            press = dark.to(bright, cond="powered") | bright.to(dark)  # L5 | L6
            soften = bright.to(dim)
            harden = (  # L7
                dim.to(bright)  # L8
                | bright.to(None, on="clear")
                # L9
                | dark.to(None)
            )

            dim.to(dark, cond="not powered", on=["clear", "save"])
            bright.to(dark, unless="powered")

        class power(State.Compound):
            """Is there power?"""

            powered = State(initial=True)
            cut = State()

            power_cut = powered.to(cut)
            power_back = cut.to(powered)

    refusals = (
        Refusal("cut", Code.CLOSED, "press"),  # L10
        Refusal("cut or dark", Code.DISCONNECTED, "soften"),
    )
    outcomes = (Outcome("press", "dark"), Outcome("press", "bright"))
    """L11: how pressing ends."""


class Room(StateChart[Any]):
    """Has a transition that stays inside its state, and one that does not."""

    catch_errors_as_events = False
    custom_effects = ("greet", "part", "knock")

    class root(State.Parallel):
        class place(State.Compound):
            outside = State(initial=True)

            class inside(State.Compound, enter="greet", exit="part"):
                standing = State(initial=True)
                sitting = State()

            come = outside.to(inside)
            go = inside.to(outside)
            sit = inside.to(inside.sitting, internal=True, on="knock")
            stand = inside.to(inside.standing, on="knock")


class Fan(State.Compound, name="fan"):
    """Turns the air."""

    still = State(initial=True)
    turning = State(enter="whirr")  # F1

    turn = still.to(turning, cond="powered") | turning.to(still)  # F2 | F3


HOSTILE = """</text><script>alert("1")</script> `tick` | pipe ]] --> & 'quote' \\ %% # ; : {x} &lt;b&gt;"""
"""Ends tags, strings, tables, comments and labels of every format, if it is let."""


def hostile() -> type:
    """Return a chart in whose names, words and guards stands what could be taken for markup."""
    evil = HOSTILE
    inner = {
        "first": State(HOSTILE, initial=True),
        "second": State("two\nlines\t\u202e\x07" + HOSTILE),
    }
    inner["third"] = type(State.Compound)(
        "third",
        (State.Compound,),
        {"deep": State(initial=True), "deeper": State()},
        name=f"{HOSTILE} end note",
        enter=f"end note {evil}",
    )
    inner["sink"] = inner["first"].to(inner["third"]) | inner["third"].to(inner["first"])
    inner["dive"] = inner["third"].deep.to(inner["third"].deeper)
    inner["go"] = inner["first"].to(inner["second"], cond=repr(evil), on=evil)
    inner["end"] = inner["second"].to(inner["first"], cond=f"first or {evil + chr(10)!r}")
    region = type(State.Compound)("Region", (State.Compound,), inner)
    body: dict[str, Any] = {
        "__doc__": f"{HOSTILE}\n\n``region`` {HOSTILE}\n",
        "__module__": __name__,
        "catch_errors_as_events": False,
        "custom_effects": (evil, f"end note {evil}"),
        "root": type(State.Parallel)("root", (State.Parallel,), {"region": region}),
        "heard": (Heard(repr(evil), "go"),),
        "refusals": (Refusal(repr(evil), Code.CLOSED, "end"),),
    }
    return type(StateChart)("Hostile", (StateChart,), body)
