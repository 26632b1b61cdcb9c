"""Add a region to a chart.

A subclass of a `StateChart` cannot redeclare the parallel root, so the root is rebuilt: copied with
all its regions, and given one more.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from statemachine import State, StateChart
from statemachine.callbacks import CallbackGroup
from statemachine.transition import Transition

from statemodel._clauses import Heard
from statemodel._errors import InvalidChart
from statemodel._source import declared, mark_region, places, state_places, walk

if TYPE_CHECKING:
    from collections.abc import Iterable


def extend(
    chart: type,
    region: State | type,
    *,
    custom_effects: Iterable[str] = (),
    heard: Iterable[object] = (),
    name: str | None = None,
) -> type:
    """Return a chart that is like another and has one more parallel region.

    Args:
        chart: The chart to extend; it is left as it is.
        region: A `State.Compound` class, as a chart has them. Its guards may name states of the
            chart; its transitions may use the chart's events, and new ones, which are sent with
            `events.Custom`. The library forgets the class's own name: give the region one with
            `class Battery(State.Compound, name="battery")`.
        custom_effects: Action names of the region, which the machine returns as `effects.Custom`.
        heard: More `Heard` lines, for events of the region.
        name: The new class's name; by default the region's name and the chart's.

    Raises:
        InvalidChart: the region has the name of one that is there, or is no region.
    """
    if not (isinstance(chart, type) and issubclass(chart, StateChart)):
        raise InvalidChart(f"{chart!r} is no chart's class")
    if isinstance(custom_effects, str):
        raise InvalidChart(f"custom_effects is a collection of names, not {custom_effects!r}")
    heard = tuple(heard)
    for line in heard:
        if not isinstance(line, Heard):
            raise InvalidChart(f"{line!r} in `heard` is no statemodel.Heard")
    if not isinstance(region, State) or not region.states:
        raise InvalidChart(f"{region!r} is no region: declare it as a State.Compound class")
    root = chart.states[0]
    key = region.name.strip().replace(" ", "_").lower() or f"{region.states[0].id}_region"
    taken = {state.id for state in walk(root)} & {key, *(state.id for state in walk(region))}
    if taken:
        raise InvalidChart(f"{chart.__name__} already has {sorted(taken)}")
    mark_region(region, sys._getframe(1))
    for transition, place in places(chart).items():
        transition.declared_at = place  # type: ignore[attr-defined]  # copied along
    sites = state_places(chart)
    for state in walk(root):
        if state.id in sites:
            state.declared_at = sites[state.id]  # type: ignore[attr-defined]  # copied along
    body: dict[str, Any] = {
        attribute: getattr(chart, attribute)
        for attribute in (
            "catch_errors_as_events", "validate_disconnected_states", "context", "starts",
            "refusals", "outcomes", "statuses", "noticed", "dead_ends", "reasons",
        )
        if hasattr(chart, attribute)
    }  # fmt: skip
    body["heard"] = (*getattr(chart, "heard", ()), *heard)
    body["custom_effects"] = (*getattr(chart, "custom_effects", ()), *custom_effects)
    body["__module__"] = chart.__module__
    body[root.id] = _with_region(root, region, key)
    title = name or f"{chart.__name__}With{key.title().replace('_', '')}"
    extended = types.new_class(title, (StateChart,), exec_body=lambda space: space.update(body))
    extended.extends = chart  # type: ignore[attr-defined]  # where the lines copied above stand
    return extended


def _with_region(root: State, region: State, key: str) -> State:
    """Return a copy of a parallel root with one more region.

    Copied piece by piece: the library's objects register themselves under the addresses of their
    parts, which `copy.deepcopy` changes.
    """
    copies: dict[State, State] = {}
    regions = [_copy_state(state, copies) for state in root.states]
    regions.append(_copy_state(region, copies))
    regions[-1]._set_id(key)
    for state in (*(s for s in walk(root)), *walk(region)):
        for transition in declared(state):
            _copy_transition(transition, copies)
    return State(root.name, states=regions, parallel=True)


def _copy_state(state: State, copies: dict[State, State]) -> State:
    copied = State(
        state.name,
        value=state.value or None,  # a region that comes in has none yet
        initial=state.initial,
        parallel=state.parallel,
        states=[_copy_state(child, copies) for child in state.states],
        enter=_names(state, CallbackGroup.ENTER),
        exit=_names(state, CallbackGroup.EXIT),
    )
    if state.id:
        copied._set_id(state.id)
    if hasattr(state, "declared_at"):
        copied.declared_at = state.declared_at  # type: ignore[attr-defined]  # our own mark
    copies[state] = copied
    return copied


def _copy_transition(transition: Transition, copies: dict[State, State]) -> None:
    copied = Transition(
        copies[transition.source],
        copies[transition.target] if transition.target else None,
        event=[str(event) for event in transition.events] or None,
        internal=transition.internal,
        cond=_names(transition, CallbackGroup.COND, wish=True),
        unless=_names(transition, CallbackGroup.COND, wish=False),
        before=_names(transition, CallbackGroup.BEFORE),
        on=_names(transition, CallbackGroup.ON),
        after=_names(transition, CallbackGroup.AFTER),
    )
    if hasattr(transition, "declared_at"):
        copied.declared_at = transition.declared_at  # type: ignore[attr-defined]  # our own mark
    copied.source.transitions.add_transitions(copied)


def _names(
    owner: State | Transition, group: CallbackGroup, *, wish: bool | None = None
) -> list[str]:
    """Return the names that were declared for a group, without those the library adds."""
    return [
        str(spec.func)
        for spec in owner._specs
        if spec.group is group
        and not spec.is_convention
        and (wish is None or spec.expected_value is wish)
    ]
