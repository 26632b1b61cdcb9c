"""Scripts made smaller: steps left out, turns taken apart, settings and numbers made plain.

Owns what is tried and in which order, without any chance. Whether a smaller script still shows
what is wrong is not known here: somebody plays it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from math import ceil, floor
from typing import Any

from statemodel._errors import InvalidInput
from statemodel._timings import Timings
from statemodel.conformance._playing import CALLS
from statemodel.scripts import Script, Step

Still = Callable[[Script], Script | None]
"""Plays a script; returns what was played of it if that still shows what is wrong."""

Change = Callable[[tuple[Step, ...], int, int], tuple[Step, ...]]
"""Steps with something else in place of so many from there on."""

_ROUND = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_DRAWS = (0.0, 0.25, 0.75)
_DEFAULTS = Timings()


def smallest(script: Script, still: Still) -> None:
    """Try smaller and smaller scripts, as long as they still show what is wrong.

    First what is there: steps, turns, ties, draws and settings. Then the numbers that are left:
    the least whole one, and only if there is none a plainer fraction.

    Args:
        script: What shows it.
        still: Plays the next one to try; the last that it answered is the smallest.
    """
    script = _changed(script, _without, still)
    script = _opened_plainly(script, still)
    for change in (_calmer, _apart, _untied, _undrawn, _joined, _without):
        script = _changed(script, change, still)
    script = _with_plain_numbers(script, still)
    script = _with_plain_draws(script, still)
    for change in (_joined, _without):
        script = _changed(script, change, still)


def _changed(script: Script, change: Change, still: Still) -> Script:
    """Change as many steps at once as can be, from half of them down to single ones."""
    size = max(1, len(script.steps) // 2)
    while size:
        at = 0
        while at < len(script.steps):
            steps = script.steps
            candidate = change(steps, at, size)
            found = None if candidate == steps else still(replace(script, steps=candidate))
            script = script if found is None else found
            if found is None or len(script.steps) >= len(steps):
                at += size
        size //= 2
    return script


# -- steps -----------------------------------------------------------------------------------------


def _without(steps: tuple[Step, ...], at: int, size: int) -> tuple[Step, ...]:
    """Return steps without some of them; a `cancel` goes with its call, or follows its number."""
    numbers: dict[int, int] = {}
    called = 0
    kept: list[Step] = []
    for index, step in enumerate(steps):
        left_out = at <= index < at + size
        if step.do in CALLS:
            called += 1
            if not left_out:
                numbers[called] = len(numbers) + 1
        if left_out:
            continue
        if step.do != "cancel":
            kept.append(step)
        elif int(step.number) in numbers:
            kept.append(replace(step, number=numbers[int(step.number)]))
    return tuple(kept)


def _joined(steps: tuple[Step, ...], at: int, size: int) -> tuple[Step, ...]:
    """Return steps with a run of waits as one."""
    some = steps[at : at + size + 1]
    if len(some) < 2 or any(step.do != "wait" or step.together for step in some):
        return steps
    one = replace(some[0], number=sum(step.number for step in some))
    return (*steps[:at], one, *steps[at + size + 1 :])


def _calmer(steps: tuple[Step, ...], at: int, size: int) -> tuple[Step, ...]:
    """Return steps without what is special: turns of several, ties, chosen draws."""
    return _apart(_untied(_undrawn(steps, at, size), at, size), at, size)


def _apart(steps: tuple[Step, ...], at: int, size: int) -> tuple[Step, ...]:
    plain = (replace(step, together=False) for step in steps[at : at + size])
    return (*steps[:at], *plain, *steps[at + size :])


def _untied(steps: tuple[Step, ...], at: int, size: int) -> tuple[Step, ...]:
    some = steps[at : at + size]
    plain = (replace(step, do="wait") if step.do == "reach" else step for step in some)
    return (*steps[:at], *plain, *steps[at + size :])


def _undrawn(steps: tuple[Step, ...], at: int, size: int) -> tuple[Step, ...]:
    plain = (replace(step, draw=0.5) for step in steps[at : at + size])
    return (*steps[:at], *plain, *steps[at + size :])


# -- settings --------------------------------------------------------------------------------------


def _opened_plainly(script: Script, still: Still) -> Script:
    """Leave out what the opening says beside the mode, as far as it does not matter."""
    plain: tuple[dict[str, Any], ...] = (
        {"timings": _DEFAULTS},
        {"foreground": True},
        {"online": True},
    )
    for values in (plain[0] | plain[1] | plain[2], *plain):
        candidate = replace(script, **values)
        if candidate != script and (found := still(candidate)) is not None:
            script = found
    changed = True
    while changed:  # of two settings one may have to go before the other
        changed = False
        for name in [field.name for field in fields(Timings)]:
            for candidate in _without_setting(script, name):
                if (found := still(candidate)) is not None:
                    script, changed = found, True
                    break
    return script


def _without_setting(script: Script, name: str) -> Iterator[Script]:
    """Yield scripts with a setting as it is by default: alone, or with the waits moved along."""
    old, new = getattr(script.timings, name), getattr(_DEFAULTS, name)
    if old == new:
        return
    try:
        plain = replace(script, timings=replace(script.timings, **{name: new}))
    except InvalidInput:  # not beside the others that there are
        return
    yield plain
    for least in (old, max(0.0, old - 1.0)):  # what waited so long, then what waited nearly so long
        steps = (
            replace(step, number=step.number - old + new)
            if step.do in ("wait", "reach") and step.number >= least
            else step
            for step in script.steps
        )
        yield replace(plain, steps=tuple(steps))


# -- numbers ---------------------------------------------------------------------------------------


def _with_plain_numbers(script: Script, still: Still) -> Script:
    """Let each wait be as short and plain as it can be."""
    at = 0
    while at < len(script.steps):
        if script.steps[at].do in ("wait", "reach"):
            script = _plain_wait(script, at, still)
        at += 1
    return script


def _plain_wait(script: Script, at: int, still: Still) -> Script:
    def tried(number: float) -> Script | None:
        step = replace(script.steps[at], number=number)
        return still(replace(script, steps=(*script.steps[:at], step, *script.steps[at + 1 :])))

    low = 0.0
    for number in _plain(script.steps[at].number, script.timings):
        found = tried(number)
        if found is None:
            low = number
            continue
        while number == int(number) and number - low > 1:  # which is the least whole one?
            middle = float(floor((low + number) / 2))
            nearer = tried(middle)
            if nearer is None:
                low = middle
            else:
                number, found = middle, nearer  # noqa: PLW2901 - the search goes on from there
        return found
    return script


def _plain(number: float, timings: Timings) -> list[float]:
    """Return the numbers to try in place of one: round ones and boundaries, then the nearest."""
    boundaries = {float(getattr(timings, field.name)) for field in fields(Timings)}
    found = sorted(n for n in boundaries.union(_ROUND) if n < number)
    for parts in (1, 2, 4):  # wholes, halves, quarters
        found += [floor(number * parts) / parts, ceil(number * parts) / parts]
        if number * parts == floor(number * parts):
            break
    return [n for n in dict.fromkeys(found) if n not in (0.0, number)]


def _with_plain_draws(script: Script, still: Still) -> Script:
    """Let the random numbers that matter be plain ones."""
    for plain in _DRAWS:
        steps = tuple(s if s.draw == 0.5 else replace(s, draw=plain) for s in script.steps)
        if steps != script.steps and (found := still(replace(script, steps=steps))) is not None:
            return found
    return script
