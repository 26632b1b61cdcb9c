"""Random histories for the explorer's machine, and what Python's own makes of them, as JSON can hold it."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import fields, replace
from functools import cache
from typing import Any

from statemodel import (
    ConnectionChart,
    Credentials,
    InvalidInput,
    Machine,
    Mode,
    Status,
    Table,
    Timings,
    User,
    effects,
    events,
)
from statemodel._connection_table import TABLE
from statemodel._moves import wait_until
from statemodel._world import World
from statemodel.explorer._data import explorer_data
from statemodel.explorer._reading import Reading
from statemodel.scripts import ANSWERS, Step

STARTS = [
    {"mode": mode, "foreground": foreground, "online": online}
    for mode in Mode
    for foreground in (True, False)
    for online in (True, False)
]
CALLS = ("login", "login bob", "logout", "connect", "disconnect", "ping", "send", "shut_down")
REPORTS = ("background", "foreground", "network down", "network up", "restored")
MORE_ENDS = (
    "refuse_503_after_0",
    "refuse_599",
    "refuse_3003",
    "refuse_429_after_9999",
    "close_4500",
)
MORE_ENDS += ("close_1012", "close_3500", "refuse_200_after_7")
WORDS = [word for words in ANSWERS.values() for word in words]
CODES = (1000, 1006, 1008, 1011, 3000, 3499, 3500, 3999, 4000, 4401, 4500, 5000)


@cache
def our_data() -> dict[str, Any]:
    """Return what the page knows of our own chart."""
    return explorer_data(Reading(ConnectionChart), "statemodel:ConnectionChart")


def chosen(start: dict[str, Any]) -> list[str]:
    """Return a start's states, as the chart offers them."""
    return [
        start["mode"].value,
        "foreground" if start["foreground"] else "background",
        "online" if start["online"] else "offline",
    ]


def random_timings(dice: random.Random) -> Timings:
    """Return settings that are valid; half of the time the defaults."""
    if dice.random() < 0.5:
        return Timings()
    while True:
        given = {field.name: dice.choice((0.1, 1.3, 5, 12.7, 30)) for field in fields(Timings)}
        try:
            return Timings(**given)
        except InvalidInput:
            continue


def plain(value: Any) -> Any:
    """Return a value with dictionaries for dataclasses and text for bytes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value.decode() if isinstance(value, bytes) else value


def tagged(value: events.Event | effects.Effect) -> dict[str, Any]:
    """Return an event or effect with the name of its class."""
    return {"type": type(value).__name__, **plain(value)}


_TABLES: dict[int, Table] = {}


@cache
def _dispositions(number: int, at: int, *, embargoed: bool) -> str:
    table = _TABLES[number]
    rows = [table.row(at, event, embargoed=embargoed) for event in table.events]
    return " ".join(row.code or row.disposition.value for row in rows)


def dispositions(machine: Machine, now: float) -> str:
    """Return what becomes of every event now, in order: a disposition, or a refusal's code."""
    _TABLES[id(machine.table)] = machine.table
    return _dispositions(id(machine.table), machine._at, embargoed=machine._not_before > now)


def seen(machine: Machine, now: float) -> dict[str, Any]:
    """Return everything that can be asked of a machine."""
    return {
        "configuration": sorted(machine.configuration),
        "status": machine.status,
        "dead_end": machine.dead_end,
        "dispositions": dispositions(machine, now),
        "deadlines": machine.timers,
        "pings": [[p.decode(), f.deadline] for p, f in machine._pings.running.items()],
        "next_deadline": machine.next_deadline,
        "generation": machine.generation,
        "failures": machine.failures,
        "details": machine.details,
        "user": plain(machine.user),
        "waiting": sorted(machine.waiting),
        "last_change": plain(machine.last_change(now)),
    }


# -- any input at any time ------------------------------------------------------------------------


def _any_event(dice: random.Random, machine: Machine, command: int) -> events.Event:
    """Return an input that may be in place or not, with generations that are mostly the newest."""
    newest = {"login": machine._login, "clear": machine._clear}
    kind = dice.choice([kind for kind in events.Event.__args__ if kind is not events.TimePassed])
    values: dict[str, Any] = {}
    for field in fields(kind):
        match field.name:
            case "command":
                values["command"] = (
                    command if kind is not events.Cancel else dice.randint(0, command)
                )
            case "credentials":
                values["credentials"] = Credentials(uid=dice.choice(("alice", "bob")))
            case "user":
                values["user"] = User(uid=dice.choice(("alice", "bob")), auth_token="new")
            case "generation":
                owner = "clear" if kind is events.SessionCleared else "login"
                login = kind.__name__.startswith(("Auth", "Save", "SessionC"))
                number = newest[owner] if login else machine.generation
                values["generation"] = number - (dice.random() < 0.1)
            case "payload":
                values["payload"] = b"%d" % dice.randint(1, max(1, machine._pings._next))
            case "http_status":
                values["http_status"] = dice.choice((None, None, 401, 403, 404, 429, 503))
            case "close_code":
                values["close_code"] = dice.choice((None, None, None, *CODES))
            case "code":
                values["code"] = dice.choice(CODES)
            case "retry_after":
                values["retry_after"] = dice.choice((None, None, 0.0, -1.0, 0.3, 8.1, 900.0))
            case "refused":
                values["refused"] = dice.random() < 0.3
            case "error" | "details":
                texts = ("", "HTTP 401 again", "odd: <b>\u2028&", "close code 1008 it says")
                values[field.name] = dice.choice(texts)
            case "name":
                values["name"] = dice.choice(("no_such", "connect", *machine.table.events[:3]))
    return kind(**values)


def _likely_event(dice: random.Random, machine: Machine, command: int) -> events.Event:
    """Return an input that leads somewhere from here."""
    here, user = machine.configuration, User(uid="alice")
    mine = machine.generation
    if "ended" in here or dice.random() < 0.1:
        return _any_event(dice, machine, command)
    if "logged_out" in here:
        return events.Login(command=command, credentials=Credentials(uid="alice"))
    if "authenticating" in here:
        return events.AuthenticationSucceeded(generation=machine._login, user=user)
    if "saving" in here:
        return events.SaveSucceeded(generation=machine._login)
    if "connecting" in here:
        return events.DialSucceeded(generation=mine)
    if "refreshing" in here:
        return events.RefreshSucceeded(generation=mine, user=user)
    if "connected" in here:
        last = b"%d" % machine._pings._next
        return dice.choice(
            (
                events.Ping(command=command),
                events.PingWritten(generation=mine, payload=last),
                events.PongReceived(generation=mine, payload=last),
                events.ReadingPaused(generation=mine),
                events.ReadingResumed(generation=mine),
                events.EnterBackground(),
                events.EnterForeground(),
                events.SocketClosed(generation=mine, code=dice.choice(CODES)),
            )
        )
    return dice.choice((events.Connect(command=command), events.EnterForeground(command=command)))


def _taken(
    machine: Machine, event: events.Event, at: float, luck: float, now: float
) -> dict[str, Any]:
    """Give a machine an input; return it with everything that the machine then is."""
    out = error = None
    try:
        out = [tagged(effect) for effect in machine.handle(event, at, luck)]
    except InvalidInput as refused:
        error = str(refused)
    return {
        "event": tagged(event),
        "now": at if at == now else str(at),
        "draw": luck,
        "after": now,
        "expected": {"effects": out, "error": error, **seen(machine, now)},
    }


def machine_walk(seed: int, steps: int) -> dict[str, Any]:
    """Feed a machine with random inputs; return them with everything that it then is."""
    dice = random.Random(seed)
    start, timings = dice.choice(STARTS), random_timings(dice)
    machine, now = Machine(timings=timings, **start), 0.0
    walk = {"chosen": chosen(start), "timings": plain(timings), "steps": []}
    for command in range(1, steps + 1):
        due = machine.next_deadline
        if due is not None and dice.random() < 0.4:
            late = dice.choice((0.0, 0.0, 0.0, 0.7, 1.0, 1.1, 40.3))
            now = max(now, due + late)
        elif dice.random() < 0.3:
            now += dice.choice((0.1, 0.5, 3.3, 1 / 3, 29.9))
        draw = dice.choice((0.0, 0.5, 0.1, dice.random(), 1 - 2**-53))
        choose = _any_event if dice.random() < 0.4 else _likely_event
        event = choose(dice, machine, command)
        if dice.random() < 0.2:
            event = events.TimePassed()
        at, luck = now, draw
        if dice.random() < 0.02:
            at, luck = dice.choice(
                ((float("inf"), 0.5), (now, 1.0), (now, -0.25), (float("nan"), 0.5))
            )
        walk["steps"].append(_taken(machine, event, at, luck, now))
    return walk


def crowded_walk() -> dict[str, Any]:
    """Return a walk with eleven pings that are due at one instant: the tenth and eleventh go first."""
    user, mine = User(uid="alice"), {"generation": 1}
    inputs: list[tuple[events.Event, float]] = [
        (events.Login(command=1, credentials=Credentials(uid="alice")), 0.0),
        (events.AuthenticationSucceeded(**mine, user=user), 0.0),
        (events.SaveSucceeded(**mine), 0.0),
        (events.DialSucceeded(**mine), 0.0),
        *((events.Ping(command=number), 1.0) for number in range(2, 13)),
        (events.FrameReceived(**mine), 2.0),
        (events.TimePassed(), 11.0),
    ]
    machine = Machine()
    steps = [_taken(machine, event, now, 0.5, now) for event, now in inputs]
    return {"chosen": chosen(STARTS[0]), "timings": plain(Timings()), "steps": steps}


# -- scripts --------------------------------------------------------------------------------------


LEAD = (
    "network up", "foreground", "login", "authenticator authenticated", "store saved", "connect",
    "peer accept", "ping", "ping", "ping", "peer pong", "peer pong", "peer pong",
)  # fmt: skip
"""How some walks begin: with several pings on one socket."""

KIND_ANSWERS = {"authenticated", "saved", "refreshed", "accept", "resume", "pong", "throttle"}
KIND_ANSWERS |= {"unthrottle", "closed"}


def _forward(world: World, answers: list[str]) -> list[str]:
    """Return lines that lead towards an open socket and an interesting life of it."""
    lines = [str(Step.answer(word)) for word in answers if word in KIND_ANSWERS]
    here = world.machine.configuration
    lines += ["login"] * ("logged_out" in here) + ["connect"] * ({"logged_in", "unwanted"} <= here)
    return (
        lines + ["ping", "ping", "disconnect"] * ("connected" in here)
        if "offline" not in here
        else ["network up"]
    )


def random_step(dice: random.Random, world: World) -> Step:
    """Return a step that is mostly possible."""
    kind = dice.random()
    answers = world.possible_answers()
    customs = world.machine.custom_events
    luck = dice.choice((0.5, 0.5, 0.0, dice.random()))
    if kind < 0.3 and (forward := _forward(world, answers)):
        return replace(Step.parse(dice.choice(forward)), draw=luck)
    if kind < 0.4 and answers:
        return Step.answer(dice.choice(answers), draw=luck)
    if kind < 0.6:
        due = world.next_deadline
        do = dice.choice(("wait", "wait", "wait", "reach", "sleep"))
        if due < float("inf") and dice.random() < 0.7:
            return replace(wait_until(world, due), do=do, draw=luck)
        return Step(do=do, number=dice.choice((0.0, 0.1, 1.0, 9.7, 31.3)), draw=luck)
    if kind < 0.63:
        line = dice.choice(
            ("ping", "disconnect", "connect", "background", "logout", "network down")
        )
        return replace(Step.parse(line), inside=dice.choice(list(Status)), draw=luck)
    if kind < 0.66:
        return Step.parse(f"peer {dice.choice(MORE_ENDS)}")
    if kind < 0.85:
        calls = CALLS[:-1] if dice.random() < 0.95 else CALLS
        return replace(Step.parse(dice.choice((*calls, "connect", "login"))), draw=luck)
    if kind < 0.95:
        return replace(Step.parse(dice.choice(REPORTS)), draw=luck)
    if customs and dice.random() < 0.5:
        return Step(do="custom", what=dice.choice(customs))
    if world.waiting and dice.random() < 0.7:
        return Step(do="cancel", number=dice.choice(sorted(world.waiting)))
    return Step.answer(dice.choice(WORDS), draw=luck)


class ListeningWorld(World):
    """A world that notes the effects of its last step."""

    __slots__ = ("effects",)

    def play(self, step: Step) -> None:
        """Play one step."""
        self.effects: list[effects.Effect] = []
        super().play(step)

    def _perform(self, effect: effects.Effect) -> None:
        self.effects.append(effect)
        super()._perform(effect)


def world_seen(world: ListeningWorld) -> dict[str, Any]:
    """Return everything that the last step did, and where the world is now."""
    due = world.next_deadline
    return {
        "now": world.now,
        "answers": world.possible_answers(),
        "calls": [list(call) for call in world.waiting.items()],
        "effects": [tagged(effect) for effect in world.effects],
        "rows": [list(row) for row in world.machine.rows],
        "due": None if due == float("inf") else due,
        "impossible": len(world.impossible),
        "until": wait_until(world, world.now * 7.3 + 1 / 3).number,
        **seen(world.machine, world.now),
    }


def world_walk(seed: int, steps: int, table: Table = TABLE) -> dict[str, Any]:
    """Play a random script; return its steps with everything that there is after each."""
    dice = random.Random(seed)
    start, timings = dice.choice(STARTS), random_timings(dice)
    world = ListeningWorld(
        start["mode"],
        timings,
        foreground=start["foreground"],
        online=start["online"],
        table=table,
        traced=False,
    )
    walk = {"chosen": chosen(start), "timings": plain(timings), "steps": []}
    lead = [Step.parse(line) for line in LEAD] if seed % 10 == 0 else []
    for number in range(steps):
        step = lead[number] if number < len(lead) else random_step(dice, world)
        world.play(step)
        walk["steps"].append({"step": plain(step), "expected": world_seen(world)})
    return walk
