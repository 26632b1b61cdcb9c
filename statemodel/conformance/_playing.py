"""Playing on a subject: steps go in, a trace comes out, and what is possible next is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from statemodel import traces as t
from statemodel._errors import InvalidInput
from statemodel._record import maker
from statemodel._vocabulary import Mode
from statemodel.conformance._entries import Truth
from statemodel.conformance._pending import Pending
from statemodel.conformance._subject import Act, Subject, SubjectError, Trouble
from statemodel.scripts import Script, Step

CALLS = ("login", "logout", "connect", "disconnect", "ping", "send", "shut_down")
_CAPABLE = frozenset({*CALLS, "cancel", "restored"}) - {"connect", "disconnect"}
"""The steps that a subject has to have a word for, its own; every subject can connect."""
_act = maker(Act)  # as many as there are steps
_REPORTS = {"background": "background", "foreground": "background", "network": "network"}


@dataclass(frozen=True, slots=True)
class Burst:
    """Where in a trace the acts of one turn stand."""

    start: int
    """The index of its first entry."""
    cuts: tuple[int, ...]
    """For each act, the index after its last entry."""
    callbacks: tuple[int, ...] = ()
    """Which of the acts were done in a callback; each begins with its call or report."""


class Playing:
    """One case on a subject, from its opening on.

    Steps for which the moment is not right, and those that a subject cannot take, are left out.

    Args:
        subject: Who is played on.
        opening: How it is opened; its steps are not played yet.
        draws: The random numbers that it is given; none: it draws itself.

    Raises:
        SubjectError: it is not capable of such an opening, or in trouble.
    """

    def __init__(self, subject: Subject, opening: Script, draws: Sequence[float] = ()) -> None:
        self._subject = subject
        self.draws = tuple(draws)
        """The random numbers that it is given."""
        self._can = subject.capabilities
        missing = missing_for(opening, self._can)
        if missing:
            raise SubjectError(Trouble.REFUSED, f"it is not capable of {missing}")
        self._opening = replace(opening, steps=())
        self._steps: list[Step] = []
        self._truth = Truth()
        self._commands = 0
        self._armed: dict[str, Act] = {}  # what is done in a callback, by status
        self._numbers: dict[int, int] = {}  # of the calls of a script that is played as a whole
        self.now = 0.0
        """Seconds since the opening."""
        self.pending = Pending(
            opening.mode, opening.timings, self._can, foreground=opening.foreground
        )
        """What waits for an answer."""
        self.pending.online = opening.online
        self.trace: t.Trace = [
            t.Opened(
                time=0.0,
                mode=opening.mode,
                foreground=opening.foreground,
                online=opening.online,
                timings=opening.timings,
            )
        ]
        """What has happened."""
        self.bursts: list[Burst] = []
        """Where several things happened in one turn."""
        self.end: int | None = None
        """The index in the trace of what `finish` reports."""
        self._note(subject.open(self._opening, draws), 0.0)

    @property
    def script(self) -> Script:
        """The steps that were played."""
        return replace(self._opening, steps=tuple(self._steps))

    @property
    def capabilities(self) -> frozenset[str]:
        """What the subject can do."""
        return self._can

    @property
    def connected(self) -> bool:
        """Whether a socket was open at any time."""
        return self.pending.ever_open

    def due(self) -> list[float]:
        """Return the next times at which something may be due."""
        return sorted(moment for moment in self.pending.moments if moment > self.now)[:6]

    # -- playing ---------------------------------------------------------------------------------

    def play(self, *steps: Step) -> None:
        """Play steps, in turns as their `together` says.

        Raises:
            InvalidInput: no subject can take such a step.
            SubjectError: the subject is in trouble.
        """
        turn: list[Step] = []
        for step in steps:
            if turn and step.do in ("wait", "reach"):
                self._perform(turn)
                turn = []
            if self._right(step, turn):
                turn.append(step)
            if turn and not step.together and step.do != "reach":
                self._perform(turn)
                turn = []
        if turn:
            self._perform(turn)

    def play_script(self, script: Script) -> None:
        """Play all steps of a script; its `cancel` counts the calls that are left out as well.

        Raises:
            InvalidInput: no subject can take such a step.
            SubjectError: the subject is in trouble.
        """
        called = 0
        turn: list[Step] = []
        for step in script.steps:
            chosen = step
            if step.do in CALLS:
                called += 1
                if self._capable(step):
                    before = len([step for step in turn if step.do in CALLS])
                    self._numbers[called] = self._commands + before + 1
            elif step.do == "cancel":
                number = self._numbers.get(int(step.number))
                if number is None:
                    continue
                chosen = replace(step, number=number)
            turn.append(chosen)
            if not chosen.together and chosen.do != "reach":
                self.play(*turn)
                turn = []
        self.play(*turn)

    def finish(self) -> None:
        """Report once more what is known already, so that what is overdue can be seen.

        Raises:
            SubjectError: the subject is in trouble.
        """
        played = list(self._steps)
        self.end = len(self.trace)
        try:
            if "network" in self._can:
                self.play(Step(do="network", what="up" if self.pending.online else "down"))
            elif "background" in self._can:
                self.play(Step(do="foreground" if self.pending.foreground else "background"))
        finally:
            self._steps = played

    def _right(self, step: Step, turn: list[Step]) -> bool:
        """Say whether the moment is right for a step, after those of its turn so far."""
        if step.do in ("sleep", "custom"):
            raise InvalidInput(
                f"{step}: a subject's clock is on time, and knows the rulebook's events"
            )
        if not self._capable(step):
            return False
        if step.inside:
            return True
        match step.do:
            case "restored":
                return not self._steps and not turn
            case "cancel":
                return _only_waits(turn) and int(step.number) in self.pending.calls
            case "store" | "authenticator":
                return _only_waits(turn) and self.pending.allows(step.what)
            case "peer" | "reader" if not turn:
                return self.pending.allows(step.what)
            case _:
                return True

    def _capable(self, step: Step) -> bool:
        if step.inside and not {"callbacks", "status"} <= self._can:
            return False
        if step.do in _CAPABLE:
            return step.do in self._can
        needed = _REPORTS.get(step.do)
        return needed is None or needed in self._can

    def _perform(self, turn: list[Step]) -> None:
        """Let the acts of one turn happen, and write both sides down."""
        acts = []
        for at, step in enumerate(turn):
            together = at < len(turn) - 1
            command = None
            if step.do in CALLS:
                self._commands += 1
                command = self._commands
            do = "wait" if step.do == "reach" else step.do  # a tie needs something to come first
            if do == "wait" and "ties" not in self._can:
                together = False
            same = step.do == do and step.together == together
            acts.append(_act(step if same else replace(step, do=do, together=together), command))
        if len(acts) > 1 and not acts[0].step.together:
            self._turn(acts[:1])
            acts = acts[1:]
        self._turn(acts)

    def _turn(self, acts: list[Act]) -> None:
        self._steps += [_as_written(act.step) for act in acts]
        seen = self._subject.perform(acts)
        if len(seen) != len(acts):
            raise SubjectError(
                Trouble.BABBLED, f"{len(acts)} steps were answered with {len(seen)} lists"
            )
        start = len(self.trace)
        cuts: list[int] = []
        callbacks: list[int] = []
        for act, entries in zip(acts, seen, strict=True):
            before = self.now
            if act.step.do == "wait":
                self.now += act.step.number
            if act.step.inside:
                self._armed[act.step.inside] = act
            else:
                self._happen(act, self.now)
            called = self._note(entries, before)
            if act.step.do == "wait":  # nothing in it belongs to another act
                if called:
                    self.bursts += _bursts_of(self.trace, start, called)
                start = len(self.trace)
                continue
            for at in called:
                cuts.append(at)
                callbacks.append(len(cuts))
            cuts.append(len(self.trace))
        if len(cuts) > 1:
            self.bursts.append(Burst(start, tuple(cuts), tuple(callbacks)))

    def _happen(self, act: Act, now: float) -> None:
        if act.command is not None:
            self._truth.called(act.command, act.step.do)
        happened = self.pending.do(act.step, act.command, now)
        self.trace += happened
        for entry in happened:
            if isinstance(entry, t.Stored) and entry.what == "clear":
                self._truth.cleared()

    def _note(self, entries: Sequence[t.Entry], since: float) -> list[int]:
        """Write reports down; return where in the trace stands what was done in callbacks."""
        called: list[int] = []
        for reported in entries:
            entry = self._truth.check(reported, since=since, until=self.now)
            since = entry.time
            self.pending.note(entry)
            self.trace.append(entry)
            if isinstance(entry, t.StatusSeen):
                act = self._armed.pop(entry.change.current, None)
                if act is not None:
                    called.append(len(self.trace))
                    self._happen(act, entry.time)
        return called


def _bursts_of(trace: t.Trace, start: int, called: Sequence[int]) -> list[Burst]:
    """Return the turns that callbacks make of the instants of a wait.

    Args:
        trace: With the entries of the wait at its end.
        start: Where they begin.
        called: Where what was done in a callback stands.
    """
    found: dict[float, list[int]] = {}
    for at in called:
        found.setdefault(trace[at].time, []).append(at)
    bursts = []
    for time, places in found.items():
        here = [at for at in range(start, len(trace)) if trace[at].time == time]
        cuts = (*places, here[-1] + 1)
        bursts.append(Burst(here[0], cuts, tuple(range(1, len(cuts)))))
    return bursts


def _only_waits(turn: list[Step]) -> bool:
    return all(step.do in ("wait", "reach") for step in turn)


def _as_written(step: Step) -> Step:
    if step.do == "wait" and step.together:
        return replace(step, do="reach", together=False)
    return step


def missing_for(opening: Script, capabilities: frozenset[str]) -> str:
    """Return the first capability that an opening needs and a subject lacks, or nothing."""
    needs = ["auto" if opening.mode is Mode.AUTO else "manual"]
    needs += [] if opening.foreground else ["background"]
    needs += [] if opening.online else ["network"]
    return next((need for need in needs if need not in capabilities), "")
