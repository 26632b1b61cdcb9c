"""What one small change makes of a transition or a state of the chart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from tests.mutants.guards import guard_mutations
from tests.mutants.source import ChartSource, DeclaredState, DeclaredTransition, Edit, texts

Change = tuple[str, str, str, tuple[Edit, ...]]
"""The kind of change, which of its kind, the line's new text for people, and the edits."""

FAMILIES = (
    ("dial_failed", "refresh_failed", "socket_closed", "peer_silent"),
    ("credentials_denied", "server_refused"),
    ("authentication_failed", "save_failed"),
    ("authentication_succeeded", "save_succeeded", "session_restored"),
    ("dial_succeeded", "refresh_succeeded"),
    ("connect", "disconnect"),
    ("logout", "shut_down", "abandon_login"),
    ("login", "login_again"),
    ("ping", "send_message"),
    ("enter_background", "enter_foreground"),
    ("network_lost", "network_restored"),
    ("throttling_started", "throttling_ended"),
    ("overslept", "own_pings_over"),
)
"""Events that one may take for each other; the timers' events are a family too."""

LIKE = {
    "abort": ("close", "cancel_login"),
    "adopt_user": ("drop_user",),
    "authenticate": ("save",),
    "cancel_login": ("abort",),
    "clear": ("discard_unread",),
    "close": ("abort",),
    "count_failure": ("forget_failures",),
    "dial": ("refresh",),
    "discard_unread": ("clear",),
    "drop_user": ("adopt_user",),
    "forget_failures": ("count_failure",),
    "note_foreground": ("forget_failures",),
    "refresh": ("dial",),
    "save": ("authenticate",),
    "send_heartbeat": ("send_ping", "send_probe"),
    "send_ping": ("send_probe", "send_heartbeat"),
    "send_probe": ("send_ping", "send_heartbeat"),
}
"""Actions that one may take for each other; the timers' are in `_state_actions`."""

ADDED = ("abort", "clear", "count_failure", "discard_unread")
"""What is added to a transition that does nothing."""


def transition_changes(source: ChartSource, it: DeclaredTransition) -> Iterator[Change]:
    """Yield every mutation of one transition."""
    here = source.of_region(it.region)
    for kind, guard in guard_mutations(it.guard, source.neighbours()):
        yield _call(it, kind, guard, guard=guard)
    yield _removed(it)
    for target in (*(state.name for state in here if state.atomic), "None"):
        if target != it.target:
            yield _call(it, "target", target, target=target)
    for state in here:
        if state.name != it.source:
            yield _call(it, "source", state.name, source=state.name)
    yield from _event_changes(source, it)
    yield from _action_changes(it)
    if it.index + 1 < len(it.chain):
        following = replace(it, index=it.index + 1)
        edits = (
            (it.call, source.segment(following.call)),
            (following.call, source.segment(it.call)),
        )
        yield "order of | swapped", f"with {following.label}", following.written(), edits


def _call(it: DeclaredTransition, kind: str, which: str, **parts: object) -> Change:
    text = it.written(**parts)  # type: ignore[arg-type]  # as `written` has them
    return kind, which, text, ((it.call, text),)


def _removed(it: DeclaredTransition) -> Change:
    others = [ast.unparse(call) for call in it.chain if call is not it.call]
    if not others:
        return "transition removed", "", "pass", ((it.statement, "pass"),)
    text = f"{it.assigned} = " if it.assigned else ""
    text += f"({' | '.join(others)})"
    return "transition removed", "", "", ((it.statement, text),)


def _event_changes(source: ChartSource, it: DeclaredTransition) -> Iterator[Change]:
    events = it.events
    if len(events) > 1:
        for event in events:
            rest = [other for other in events if other != event]
            yield _call(it, "event removed", event, events=rest)
    for event in events:
        for other in _family(source, event):
            if other in events:
                continue
            renamed = [other if one == event else one for one in events]
            which = f"{event} -> {other}"
            if not it.assigned:
                yield _call(it, "event renamed", which, events=renamed)
            elif it.index == 0:  # a whole statement: its chain decides for one event
                links = [
                    DeclaredTransition(it.region, it.statement, it.chain, index, "")
                    for index in range(len(it.chain))
                ]
                text = f"({' | '.join(link.written(events=renamed) for link in links)})"
                yield "event renamed", which, text, ((it.statement, text),)


def _family(source: ChartSource, event: str) -> list[str]:
    if event.endswith("_due"):
        timers = {
            action.removeprefix("start_") for s in source.states for action in entry_actions(s)
            if action.startswith("start_")
        }  # fmt: skip
        return sorted(f"{timer}_due" for timer in timers if f"{timer}_due" != event)
    return [one for family in FAMILIES if event in family for one in family if one != event]


def _action_changes(it: DeclaredTransition) -> Iterator[Change]:
    actions = it.actions
    for kind, which, changed in _list_changes(actions):
        yield _call(it, kind, which, actions=changed)
    if not actions:
        for action in ADDED:
            yield _call(it, "action added", action, actions=[action])


def _list_changes(actions: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    for index, action in enumerate(actions):
        before, after = actions[:index], actions[index + 1 :]
        yield "action removed", action, before + after
        for other in LIKE.get(action, ()):
            yield "action replaced", f"{action} -> {other}", [*before, other, *after]
        if after:
            yield "actions swapped", action, [*before, after[0], action, *after[1:]]


# -- states ----------------------------------------------------------------------------------------


def entry_actions(state: DeclaredState) -> list[str]:
    """Return what a state does when it is entered."""
    return _actions(state, "enter")


def _actions(state: DeclaredState, when: str) -> list[str]:
    words = state.call.keywords if state.call else []
    return next((texts(word.value) for word in words if word.arg == when), [])


def _is_initial(state: DeclaredState) -> bool:
    return state.call is not None and any(word.arg == "initial" for word in state.call.keywords)


def _state(
    state: DeclaredState,
    *,
    enter: list[str] | None = None,
    exit_: list[str] | None = None,
    initial: bool | None = None,
) -> str:
    enter = _actions(state, "enter") if enter is None else enter
    exit_ = _actions(state, "exit") if exit_ is None else exit_
    parts = ["initial=True"] if (_is_initial(state) if initial is None else initial) else []
    parts += [f"enter={enter!r}"] if enter else []
    parts += [f"exit={exit_!r}"] if exit_ else []
    return f"State({', '.join(parts)})"


def state_changes(source: ChartSource, state: DeclaredState) -> Iterator[Change]:
    """Yield every mutation of one state: what it does on entry and exit, and whether it is first."""
    if state.call is None:
        return

    def changed(kind: str, which: str, text: str) -> Change:
        assert state.call is not None
        return kind, which, text, ((state.call, text),)

    enter, exit_ = _actions(state, "enter"), _actions(state, "exit")
    for kind, which, actions in _list_changes(enter):
        yield changed(kind, f"enter {which}", _state(state, enter=actions))
    for kind, which, actions in _list_changes(exit_):
        yield changed(kind, f"exit {which}", _state(state, exit_=actions))
    for action in enter:
        rest = [one for one in enter if one != action]
        yield changed("enter -> exit", action, _state(state, enter=rest, exit_=[*exit_, action]))
    for action in exit_:
        rest = [one for one in exit_ if one != action]
        yield changed("exit -> enter", action, _state(state, enter=[*enter, action], exit_=rest))
    yield from _timer_changes(source, state)
    if _is_initial(state):
        for other in source.of_region(state.region):
            if other.call is not None and other is not state:
                edits = (
                    (state.call, _state(state, initial=False)),
                    (other.call, _state(other, initial=True)),
                )
                yield "initial", other.name, f"{other.name} = {edits[1][1]}", edits


def _timer_changes(source: ChartSource, state: DeclaredState) -> Iterator[Change]:
    """Let two states start and stop each other's timer; each pair of states once."""
    timer = _timer(state)
    later = source.states[source.states.index(state) + 1 :] if timer else []
    for other in later:
        others = _timer(other)
        if others:
            one, two = _with_timer(state, timer, others), _with_timer(other, others, timer)
            assert state.call is not None
            assert other.call is not None
            edits = ((state.call, one), (other.call, two))
            yield "timers exchanged", f"{timer} with {others} of {other.name}", one, edits


def _timer(state: DeclaredState) -> str:
    starts = [action for action in entry_actions(state) if action.startswith("start_")]
    return starts[0].removeprefix("start_") if starts else ""


def _with_timer(state: DeclaredState, timer: str, other: str) -> str:
    return _state(
        state,
        enter=[f"start_{other}" if a == f"start_{timer}" else a for a in _actions(state, "enter")],
        exit_=[f"stop_{other}" if a == f"stop_{timer}" else a for a in _actions(state, "exit")],
    )
