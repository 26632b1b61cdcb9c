"""What `compile_chart` rejects, each on a tiny chart that is wrong in one way.

`written` writes a chart to a file of its own and imports it, because its messages cite the source.
Its regions are `light`, with the lines given, and `power`.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from statemachine import State, StateChart

from statemodel import Code, InvalidChart, Reason, Status, compile_chart
from statemodel._clauses import Heard, Outcome, Refusal
from statemodel._table import Table

_HEAD = """\
from statemachine import HistoryState, State, StateChart


class Lamp(StateChart):
    catch_errors_as_events = False
    validate_disconnected_states = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
{light}
        class power(State.Compound):
            plugged = State(initial=True)
            pulled = State()
            pull = plugged.to(pulled)
            plug = pulled.to(plugged)
"""
BRIGHT = "bright = State()\n"
PRESS = "press = dark.to(bright) | bright.to(dark)\n"
NUMBER = count()

Written = Callable[[str], type]


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Return a function that makes a chart of the lines of its region `light`."""
    names: list[str] = []

    def make(light: str) -> type:
        name = f"lamp_{next(NUMBER)}"
        path = tmp_path / f"{name}.py"
        path.write_text(_HEAD.format(light=textwrap.indent(light, " " * 12)), "utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        names.append(name)
        spec.loader.exec_module(module)
        return module.Lamp

    yield make
    for name in names:
        del sys.modules[name]


@pytest.fixture
def lamp(written: Written) -> type:
    """Return a chart that is right, for a test to add one wrong declaration."""
    return written(BRIGHT + PRESS)


def _rejection(chart: type, **options: int) -> str:
    with pytest.raises(InvalidChart) as caught:
        compile_chart(chart, **options)
    return str(caught.value)


def _cited(chart: type, message: str) -> list[str]:
    """Return the source lines that a message points at."""
    path = Path(sys.modules[chart.__module__].__file__ or "")
    lines = path.read_text("utf-8").splitlines()
    return [lines[int(n) - 1].strip() for n in re.findall(rf"{path.name}:(\d+)", message)]


def _target(table: Table, source: set[str], event: str) -> frozenset[str]:
    return table.active[table.row(table.active.index(frozenset(source)), event).target]


def test_the_chart_that_the_others_vary_is_accepted(lamp: type) -> None:
    """The lamp itself compiles, so that what is rejected below is what was added to it."""
    table = compile_chart(lamp)
    assert (table.chart, table.events) == ("Lamp", ("plug", "press", "pull"))
    assert len(table.configurations) == 4


REJECTED = {  # what is wrong: (lines of the region, words of the message, lines it cites)
    "reentry of every region": (
        BRIGHT + PRESS + "blink = bright.to.itself(internal=True)\n",
        ["'power' ends in ['plugged', 'pulled']", "'blink'", "{bright pulled}", "bright -> bright"],
        ["blink = bright.to.itself(internal=True)"],
    ),
    "region with two states": (
        "class both(State.Parallel):\n    red = State()\n    green = State()\n"
        "press = dark.to(both) | both.to(dark)\n",
        ["'light' ends in ['red', 'green']", "'press'", "{dark p", "dark -> both [press]"],
        ["press = dark.to(both) | both.to(dark)"],
    ),
    "region with no state": (
        "class on(State.Compound):\n    red = State(initial=True)\n    green = State()\n"
        "    before = HistoryState()\n    change = red.to(green)\n"
        "press = dark.to(on.before) | on.to(dark)\n",
        ["'light' ends in []", "'press'", "{dark p"],
        ["press = dark.to(on.before) | on.to(dark)"],
    ),
    "transition without an effect": (
        BRIGHT + "press = dark.to(bright, on='shout')\nback = bright.to(dark)\n",
        ["dark -> bright [press]", "names 'shout', which is no effect"],
        ["press = dark.to(bright, on='shout')"],
    ),
    "two transitions for one event": (
        BRIGHT + "dim = State()\npress = dark.to(bright)\ndark.to(dim, event='press')\n"
        "back = bright.to(dark) | dim.to(dark)\n",
        ["both enabled in {dark p", "dark -> bright [press]", "dark -> dim [press]"],
        ["press = dark.to(bright)", "dark.to(dim, event='press')"],
    ),
    "two transitions with guards that overlap": (
        BRIGHT + "dim = State()\npress = dark.to(bright, cond='plugged')\n"
        "dark.to(dim, event='press', unless='pulled')\nback = bright.to(dark) | dim.to(dark)\n",
        ["both enabled in {dark plugged}", "dark -> bright [press]", "dark -> dim [press]"],
        ["press = dark.to(bright, cond='plugged')", "dark.to(dim, event='press', unless='pulled')"],
    ),
    "two transitions without an event": (
        BRIGHT + "dim = State()\npress = dark.to(bright)\nbright.to(dark, cond='pulled')\n"
        "bright.to(dim, cond='pulled')\nback = dim.to(dark) | bright.to(dim)\n",
        ["both enabled in {bright pulled}", "bright -> dark", "bright -> dim"],
        ["bright.to(dark, cond='pulled')", "bright.to(dim, cond='pulled')"],
    ),
    "state whose ways in never open": (
        BRIGHT + "dim = State()\n" + PRESS + "dark.to(dim, event='hit', cond='bright')\n",
        ["state 'dim' cannot be reached", "dark -> dim [hit]"],
        ["dark.to(dim, event='hit', cond='bright')"],
    ),
    "endless loop": (
        BRIGHT + "dim = State()\npress = dark.to(bright)\nbright.to(dim)\ndim.to(bright)\n",
        ["an endless loop", "bright -> dim [without event]", "dim -> bright [without event]"],
        ["bright.to(dim)", "dim.to(bright)"] * 2,
    ),
    "event assigned twice": (
        BRIGHT + "press = dark.to(bright)\npress = bright.to(dark)\n",
        ["'press' is assigned twice in 'light'"],
        ["press = bright.to(dark)"],
    ),
    "guard of an unknown state": (
        BRIGHT + "press = dark.to(bright, cond='sunny') | bright.to(dark)\n",
        ["press", "'sunny'"],
        ["press = dark.to(bright, cond='sunny') | bright.to(dark)"],
    ),
}

TO = "press = dark.to(bright)\n"
DUE = "dial_due = bright.to(dark)\n"
TIMER = "bright = State(enter='start_dial', exit='stop_dial')\n"
TEA = TIMER + TO + DUE
REJECTED_WITHOUT_LINE = {
    "stuck": (BRIGHT + PRESS + "kick = dark.to(bright, cond='bright')\n", "event 'kick' anywhere"),
    "entry without an effect": (
        "bright = State(enter='shout')\n" + PRESS,
        "'bright' names 'shout'",
    ),
    "exit without an effect": ("bright = State(exit='shout')\n" + PRESS, "'bright' names 'shout'"),
    "state is event": (BRIGHT + PRESS + "bright.to(dark, event='dark')\n", "['dark'] name more"),
    "state is effect": (BRIGHT + "press = dark.to(bright, on='dark')\n", "names 'dark'"),
    "no way in": (BRIGHT + PRESS + "dim = State()\nback = dim.to(dark)\n", "state 'dim' cannot"),
    "not stopped": ("bright = State(enter='start_dial')\n" + TO + DUE, "'bright' must start timer"),
    "not started": ("bright = State(exit='stop_dial')\n" + TO + DUE, "'bright' must start timer"),
    "started on the way": (BRIGHT + "press = dark.to(bright, on='start_dial')\n" + DUE, "dial_due"),
    "unknown timer": (TEA.replace("dial", "tea"), "there is no timer 'tea'"),
    "unheard timer": (TIMER + PRESS, "nobody handles the event 'dial_due'"),
    "unstarted timer": (BRIGHT + TO + DUE, "no state starts the timer of event 'dial_due'"),
    "code": (BRIGHT + PRESS + "hit = dark.to(bright, cond=lambda: True)\n", "hit"),
}


@pytest.mark.parametrize(("light", "words", "cited"), REJECTED.values(), ids=REJECTED)
def test_what_cannot_be_meant_is_rejected_with_its_lines(
    written: Written, light: str, words: list[str], cited: list[str]
) -> None:
    """Each of these is an invalid chart; the message names states and event, and cites its lines."""
    chart = written(light)
    message = _rejection(chart)
    assert re.search(".*".join(map(re.escape, words)), message), message
    assert _cited(chart, message) == cited, message


@pytest.mark.parametrize(
    ("light", "words"), REJECTED_WITHOUT_LINE.values(), ids=REJECTED_WITHOUT_LINE
)
def test_what_cannot_be_meant_is_rejected(written: Written, light: str, words: str) -> None:
    """Each of these is an invalid chart; the message names the state or event."""
    assert words in _rejection(written(light))


DECLARED = {
    "refusals": lambda guard, events: Refusal(guard, Code.CLOSED, events),
    "heard": Heard,
    "outcomes": lambda guard, events: Outcome("press", guard, after=events),
    "reasons": lambda guard, events: (events, guard, Reason.LOGIN),
}


@pytest.mark.parametrize("where", DECLARED)
def test_event_that_nobody_handles_is_rejected(lamp: type, where: str) -> None:
    """A declaration about an event that no transition has names the list and the event."""
    setattr(lamp, where, (DECLARED[where]("dark", "press smash"),))
    assert _rejection(lamp) == f"Lamp.{where}: nobody handles the event 'smash'"


def test_event_that_is_refused_everywhere_is_rejected(lamp: type) -> None:
    """An event whose every transition is refused is one that nobody handles."""
    lamp.refusals = (Refusal("pulled", Code.CLOSED, "plug"),)
    assert _rejection(lamp) == "Lamp: nobody handles the event 'plug' anywhere"


@pytest.mark.parametrize("guard", ["sunny", "not sunny", "dark()", "dark > 1", "'\ud800'"])
@pytest.mark.parametrize("where", DECLARED)
def test_guard_that_is_not_made_of_states_is_rejected(lamp: type, where: str, guard: str) -> None:
    """A declaration's guard with an unknown state, or that is no expression, is quoted."""
    lamp.statuses = (("bright", Status.CONNECTED),)
    lamp.reasons = (("press", "", Reason.LOGIN),)
    setattr(lamp, where, (DECLARED[where](guard, "press"),))
    assert repr(guard) in _rejection(lamp)


def test_guard_may_use_the_operators_of_the_library(written: Written) -> None:
    """`!`, `^` and `v` are not, and, or, as python-statemachine reads them."""
    table = compile_chart(written(BRIGHT + PRESS.replace("bright)", "bright, cond='!pulled')")))
    assert _target(table, {"dark", "plugged"}, "press") == {"bright", "plugged"}
    assert _target(table, {"dark", "pulled"}, "press") == {"dark", "pulled"}


def test_guard_whose_unknown_state_is_never_asked_for_is_rejected(lamp: type) -> None:
    """An unknown state is found even where the words before it decide every time."""
    lamp.outcomes = (Outcome("press", "dark or bright or sunny"),)
    assert "sunny" in _rejection(lamp)


@pytest.mark.parametrize(
    ("where", "declaration"),
    [
        ("statuses", ("sunny", Status.CONNECTED)),
        ("noticed", "sunny"),
        ("starts", ("dark", "sunny")),
        ("outcomes", Outcome("sunny", "dark")),
    ],
)
def test_other_unknown_names_are_rejected(lamp: type, where: str, declaration: object) -> None:
    """A status, notice, start or waiting command with a name that does not exist names it."""
    setattr(lamp, where, (declaration,))
    assert "sunny" in _rejection(lamp)


def test_change_of_status_without_a_reason_is_rejected(lamp: type) -> None:
    """A visible change that no line of `reasons` explains is named with event and configuration."""
    lamp.statuses = (("bright", Status.CONNECTED),)
    assert "event 'press' in {dark p" in _rejection(lamp)


def test_name_of_a_state_and_a_question_is_rejected(lamp: type) -> None:
    """One name for a state and a question of `context` would make a guard mean two things."""
    lamp.context = ("bright",)
    assert "bright" in _rejection(lamp)


def test_catching_errors_as_events_is_rejected(lamp: type) -> None:
    """A chart whose errors become events would hide the compiler's own."""
    lamp.catch_errors_as_events = True
    assert _rejection(lamp) == "Lamp: set catch_errors_as_events = False"


def test_flat_root_is_rejected() -> None:
    """A flat chart has no regions."""

    class Flat(StateChart):
        catch_errors_as_events = False
        dark = State(initial=True)
        bright = State()
        press = dark.to(bright) | bright.to(dark)

    assert _rejection(Flat) == "Flat: the root must be one parallel state"


def test_compound_root_is_rejected() -> None:
    """One compound state as root has no regions either."""

    class Nested(StateChart):
        catch_errors_as_events = False

        class light(State.Compound):
            dark = State(initial=True)
            bright = State()
            press = dark.to(bright) | bright.to(dark)

    assert _rejection(Nested) == "Nested: the root must be one parallel state"


@pytest.mark.parametrize("wrong", [int, Exception, State])
def test_class_that_is_no_chart_is_rejected(wrong: type) -> None:
    """What is no StateChart is an invalid chart, and the message names it."""
    assert wrong.__name__ in _rejection(wrong)


@pytest.mark.parametrize("limit", [1, 3])
def test_limit_that_is_exceeded_says_which_regions_multiply(lamp: type, limit: int) -> None:
    """Too many configurations are an error that counts the states of each region seen so far."""
    message = _rejection(lamp, limit=limit)
    assert re.fullmatch(
        f"Lamp: more than {limit} configurations: light x[12], power x[12]", message
    )
    assert message.endswith("light x1, power x1") == (limit == 1)


def test_limit_that_is_just_kept_is_no_error(lamp: type) -> None:
    """A chart with as many configurations as allowed is accepted."""
    assert len(compile_chart(lamp, limit=4).configurations) == 4


def test_first_of_a_chain_that_overlaps_wins(written: Written) -> None:
    """Within one `|` chain two transitions may be enabled, with or without event."""
    chart = written(
        BRIGHT + "dim = State()\npress = dark.to(bright, cond='plugged') | dark.to(dim)\n"
        "bright.to(dim, cond='pulled') | bright.to(dark, cond='pulled')\nback = dim.to(dark)\n"
    )
    table = compile_chart(chart)
    assert _target(table, {"dark", "plugged"}, "press") == {"bright", "plugged"}
    assert _target(table, {"dark", "pulled"}, "press") == {"dim", "pulled"}
    assert _target(table, {"bright", "plugged"}, "pull") == {"dim", "pulled"}


def test_first_of_a_chain_wins_over_a_child(written: Written) -> None:
    """If a chain names the parent's transition first, the child's is not taken, or it is rejected."""
    chart = written(
        "class on(State.Compound):\n    red = State(initial=True)\nbright = State()\n"
        "press = dark.to(on)\nhit = on.to(dark) | on.red.to(bright)\nback = bright.to(dark)\n"
    )
    try:
        table = compile_chart(chart)
    except InvalidChart:
        return
    assert _target(table, {"on", "red", "plugged"}, "hit") == {"dark", "plugged"}


def test_lines_are_right_after_transitions_declared_backwards(written: Written) -> None:
    """`a.from_(b)` is a transition of b, and does not shift the lines of the others."""
    chart = written(
        BRIGHT + "dim = State()\nback = dark.from_(bright, dim)\npress = dark.to(bright)\n"
        "bright.to(dim, event='hit')\nbright.to(dark, event='hit')\n"
    )
    message = _rejection(chart)
    cited = ["bright.to(dim, event='hit')", "bright.to(dark, event='hit')"]
    assert _cited(chart, message) == cited, message


def test_a_subclass_compiles_like_its_chart(written: Written) -> None:
    """Chains of the parent class are known in a subclass that only changes declarations."""
    chart = written(
        BRIGHT + "dim = State()\npress = dark.to(bright, cond='plugged') | dark.to(dim)\n"
        "back = bright.to(dark) | dim.to(dark)\n"
    )
    child = type(chart)("Lamp", (chart,), {"__module__": "nowhere"})
    assert compile_chart(child) == compile_chart(chart)


def test_a_state_may_be_called_as_something_inside_the_compiler(written: Written) -> None:
    """The names `done` and `taken` are free for states."""
    light = "done = State()\ntaken = State()\npress = dark.to(done) | done.to(taken)\n"
    assert len(compile_chart(written(light + "back = taken.to(dark)\n")).configurations) == 6
