"""One small machine in five libraries: what a connection's link does, with effects and deadlines.

`down`, `connecting`, `connected`, `waiting` and `closing`; a dial may take 10 s, a closing 5 s, and
the wait before a retry is half a second. Each peer is written as its documentation says one should,
and answers an event with the effects that it asks for and with its next deadline. That all give the
same answers is checked before anything is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from automat import TypeMachineBuilder
from sismic.interpreter import Interpreter
from sismic.io import import_from_yaml
from statemachine import State, StateMachine
from transitions import Machine as TransitionsMachine

from statemodel import Credentials, Machine, Mode, Timings, User, effects, events
from tests.benchmarks.small import Bare

Answer = tuple[tuple[str, ...], float | None]
"""The effects of an event, and the next deadline."""

DIAL, STABLE, CLOSE, RETRY = 10.0, 10.0, 5.0, 0.5

CYCLE = (
    ("connect", 0.25),
    ("opened", 0.25),
    ("lost", 0.25),
    ("retry", RETRY),
    ("opened", 0.25),
    ("disconnect", 0.25),
    ("closed", 0.25),
)
"""Events, each with the seconds since the one before."""

# state: event -> (target, effects)
_RULES: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "down": {"connect": ("connecting", ("dial",))},
    "connecting": {"opened": ("connected", ()), "disconnect": ("down", ("abort",))},
    "connected": {
        "lost": ("waiting", ("abort",)),
        "disconnect": ("closing", ("close",)),
    },
    "waiting": {"retry": ("connecting", ("dial",)), "disconnect": ("down", ())},
    "closing": {"closed": ("down", ())},
}
_LIMITS = {"connecting": DIAL, "connected": STABLE, "waiting": RETRY, "closing": CLOSE}


class Peer(Protocol):
    """A machine at work."""

    def step(self, event: str, now: float) -> Answer:
        """Take one event."""
        ...


class Ours:
    """`statemodel.Machine` with the whole chart, of which the small one is a part."""

    def __init__(self) -> None:
        always = Timings(backoff_base=1.0, backoff_cap=1.0)  # the peers count no failures
        self.machine = machine = Machine(mode=Mode.MANUAL, timings=always)
        self.generation = 0
        alice = User(uid="alice")
        self._tell(events.Login(command=0, credentials=Credentials(uid="alice")), 0.0)
        self._tell(events.AuthenticationSucceeded(generation=self.generation, user=alice), 0.0)
        self._tell(events.SaveSucceeded(generation=self.generation), 0.0)
        assert "logged_in" in machine.configuration
        self.events = {
            "connect": lambda: events.Connect(command=1),
            "opened": lambda: events.DialSucceeded(generation=self.generation),
            "lost": lambda: events.SocketClosed(generation=self.generation, code=1006),
            "retry": events.TimePassed,
            "disconnect": lambda: events.Disconnect(command=2),
            "closed": lambda: events.SocketClosed(generation=self.generation, code=1000),
        }

    def _tell(self, event: Any, now: float) -> tuple[effects.Effect, ...]:
        asked = self.machine.handle(event, now, 0.5)
        for effect in asked:
            self.generation = getattr(effect, "generation", self.generation)
        return asked

    def step(self, event: str, now: float) -> Answer:
        """Take one event."""
        asked = self._tell(self.events[event](), now)
        names = (_EFFECTS.get(type(effect), "") for effect in asked)
        return tuple(name for name in names if name), self.machine.next_deadline


_EFFECTS = {effects.Dial: "dial", effects.Close: "close", effects.Abort: "abort"}


class Transitions:
    """`transitions`, without its queue and with callbacks by name."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.deadline: float | None = None
        self.now = 0.0
        moves = [
            {
                "trigger": event,
                "source": source,
                "dest": target,
                "before": [f"do_{name}" for name in asked],
            }
            for source, row in _RULES.items()
            for event, (target, asked) in row.items()
        ]
        states = [{"name": name, "on_enter": f"limit_{name}"} for name in _RULES]
        self.machine = TransitionsMachine(
            self, states=states, transitions=moves, initial="down", auto_transitions=False
        )

    def do_dial(self) -> None:
        self.asked.append("dial")

    def do_abort(self) -> None:
        self.asked.append("abort")

    def do_close(self) -> None:
        self.asked.append("close")

    def limit_down(self) -> None:
        self.deadline = None

    def limit_connecting(self) -> None:
        self.deadline = self.now + DIAL

    def limit_connected(self) -> None:
        self.deadline = self.now + STABLE

    def limit_waiting(self) -> None:
        self.deadline = self.now + RETRY

    def limit_closing(self) -> None:
        self.deadline = self.now + CLOSE

    def step(self, event: str, now: float) -> Answer:
        """Take one event."""
        self.asked, self.now = [], now
        self.trigger(event)  # type: ignore[attr-defined]  # the library adds it
        return tuple(self.asked), self.deadline


class _Link(Protocol):
    def connect(self) -> None: ...
    def opened(self) -> None: ...
    def lost(self) -> None: ...
    def retry(self) -> None: ...
    def disconnect(self) -> None: ...
    def closed(self) -> None: ...


class _Core:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.deadline: float | None = None
        self.now = 0.0


def _automat() -> Callable[[_Core], _Link]:
    builder = TypeMachineBuilder(_Link, _Core)
    states = {name: builder.state(name) for name in _RULES}

    def arrives(asked: tuple[str, ...], limit: float | None) -> Callable[[_Link, _Core], None]:
        def take(_: _Link, core: _Core) -> None:
            core.asked.extend(asked)
            core.deadline = None if limit is None else core.now + limit

        return take

    for source, row in _RULES.items():
        for event, (target, asked) in row.items():
            where = states[source].upon(getattr(_Link, event)).to(states[target])
            where(arrives(asked, _LIMITS.get(target)))
    return builder.build()


class Automat:
    """Automat's `TypeMachineBuilder`."""

    def __init__(self) -> None:
        self.core = _Core()
        self.link = _automat()(self.core)

    def step(self, event: str, now: float) -> Answer:
        """Take one event."""
        core = self.core
        core.asked, core.now = [], now
        getattr(self.link, event)()
        return tuple(core.asked), core.deadline


class _Chart(StateMachine):
    down = State(initial=True)
    connecting = State()
    connected = State()
    waiting = State()
    closing = State()

    connect = down.to(connecting, on="dial")
    opened = connecting.to(connected)
    lost = connected.to(waiting, on="abort")
    retry = waiting.to(connecting, on="dial")
    disconnect = (
        connecting.to(down, on="abort") | connected.to(closing, on="close") | waiting.to(down)
    )
    closed = closing.to(down)

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.deadline: float | None = None
        self.now = 0.0
        super().__init__()

    def dial(self) -> None:
        self.asked.append("dial")

    def abort(self) -> None:
        self.asked.append("abort")

    def close(self) -> None:
        self.asked.append("close")

    def on_enter_state(self, target: State) -> None:
        limit = _LIMITS.get(target.id)
        self.deadline = None if limit is None else self.now + limit


class Engine:
    """python-statemachine itself, which the chart is compiled with and does not run on."""

    def __init__(self) -> None:
        self.machine = _Chart()

    def step(self, event: str, now: float) -> Answer:
        """Take one event."""
        machine = self.machine
        machine.asked, machine.now = [], now
        machine.send(event)
        return tuple(machine.asked), machine.deadline


def _yaml() -> Iterator[str]:
    yield "statechart:\n  name: link\n  root state:\n    name: root\n    initial: down\n    states:"
    for name, row in _RULES.items():
        limit = _LIMITS.get(name)
        entry = "deadline(None)" if limit is None else f"deadline({limit})"
        yield f"      - name: {name}\n        on entry: {entry}\n        transitions:"
        for event, (target, asked) in row.items():
            yield f"          - event: {event}\n            target: {target}"
            if asked:
                yield f"            action: ask({asked[0]!r})"


class Sismic:
    """sismic, whose actions are Python text."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.due: float | None = None
        self.now = 0.0
        context = {"ask": self._ask, "deadline": self._deadline}
        self.interpreter = Interpreter(
            import_from_yaml("\n".join(_yaml())), initial_context=context
        )
        self.interpreter.execute()

    def _ask(self, name: str) -> None:
        self.asked.append(name)

    def _deadline(self, limit: float | None) -> None:
        self.due = None if limit is None else self.now + limit

    def step(self, event: str, now: float) -> Answer:
        """Take one event."""
        self.asked, self.now = [], now
        self.interpreter.queue(event).execute()
        return tuple(self.asked), self.due


PEERS: dict[str, Callable[[], Peer]] = {
    "Machine.handle": Ours,
    "bare table": Bare,
    "transitions": Transitions,
    "Automat": Automat,
    "python-statemachine": Engine,
    "sismic": Sismic,
}


def answers(peer: Peer, cycles: int) -> list[Answer]:
    """Return what a peer answers to the cycle of events, so many times."""
    found, now = [], 0.0
    for _ in range(cycles):
        for event, seconds in CYCLE:
            now += seconds
            found.append(peer.step(event, now))
    return found


def check() -> None:
    """Compare the answers of all.

    Raises:
        AssertionError: two differ; the message says where.
    """
    told = {name: answers(make(), 3) for name, make in PEERS.items()}
    ours = told["Machine.handle"]
    for name, given in told.items():
        for number, (one, other) in enumerate(zip(ours, given, strict=True)):
            event = CYCLE[number % len(CYCLE)][0]
            assert one == other, f"{name} answers {event} (number {number}) with {other}, we {one}"
