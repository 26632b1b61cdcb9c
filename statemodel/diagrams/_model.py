"""A chart as plain data, for whoever draws it or writes it down.

Everything that a picture or page of a chart says comes from here. The types know neither the
statechart engine nor a format. Texts are as the chart has them: who writes them into a format
escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the source says beside a line of a chart."""

    rules: tuple[str, ...] = ()
    """The rule numbers in the comment, in its order: one or two capitals and a number, as M3."""
    text: str = ""
    """The comment's words, with the numbers."""
    place: str = ""
    """File and line where it is declared; empty without source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateModel:
    """A state of a region, without the region itself."""

    name: str
    title: str
    """What the chart calls it in words; equal to `name` unless the chart says something else."""
    region: str
    parent: str | None
    """The compound state that it is within; `None` directly under the region."""
    children: tuple[str, ...]
    initial: bool
    """Is it the one that its parent (or region) starts in?"""
    enter: tuple[str, ...]
    """Actions on entering it, in order."""
    exit: tuple[str, ...]
    """Actions on leaving it, in order."""
    timers: tuple[str, ...]
    """The timers that run while it is active."""
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionModel:
    """A transition, as it is declared."""

    key: str
    """Unique in the chart and equal for equal charts: the region and a number from 1."""
    region: str
    source: str
    target: str | None
    """`None`: it has actions and leads nowhere."""
    events: tuple[str, ...]
    """Each of them triggers it; none: it is taken whenever its guard holds."""
    guard: str
    """A Python expression of states and questions with `and`, `or`, `not`; empty: always."""
    actions: tuple[str, ...]
    """Its own actions, in order; those of the states that it leaves and enters come around them."""
    internal: bool
    """Does it stay inside its source, which is then neither left nor entered?"""
    chain: int
    """Equal for the transitions of one `|` chain, of which the first that is enabled wins."""
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionModel:
    """One of the parallel regions; exactly one of its atomic states is active."""

    name: str
    meaning: str
    """What it remembers: its docstring, or its row of the table in the chart's or module's."""
    states: tuple[StateModel, ...]
    """In document order, a compound state before those within it."""
    transitions: tuple[TransitionModel, ...]
    """In document order."""
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerModel:
    """A timer: entering a state that owns it starts it, leaving stops it."""

    name: str
    event: str
    """What it fires as."""
    settings: tuple[str, ...]
    """The fields of `Timings` that it depends on."""
    states: tuple[str, ...]
    """Its owners, in document order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventModel:
    """An event of the chart."""

    name: str
    timer: str | None
    """The timer that fires as this event."""
    heard: str
    """The guard outside which it is stale; empty: it is heard everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalModel:
    """Calls that are turned down; the first that applies counts."""

    guard: str
    code: str
    events: tuple[str, ...]
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardModel:
    """Answers that count only while the guard holds."""

    guard: str
    events: tuple[str, ...]
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeModel:
    """What ends a waiting command; the first that holds counts."""

    waiting: str
    guard: str
    code: str | None
    """The failure; `None`: it ends well."""
    after: tuple[str, ...]
    """Only after one of these events; none: after any."""
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusModel:
    """The status that a state stands for; the first that is active counts."""

    state: str
    status: str
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonModel:
    """Why a status changed; the first that applies counts."""

    events: tuple[str, ...]
    guard: str
    reason: str
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEndModel:
    """A state in which waiting is in vain, and what it fails with."""

    state: str
    code: str
    note: Note


@dataclass(frozen=True, kw_only=True)
class ChartModel:
    """A chart: all that it declares, in document order."""

    name: str
    """The name of its class."""
    summary: str
    """The first line of its docstring."""
    root: str
    """The parallel state that holds the regions."""
    regions: tuple[RegionModel, ...]
    events: tuple[EventModel, ...]
    """Sorted by name."""
    timers: tuple[TimerModel, ...]
    """In the order in which equal deadlines fire (H4)."""
    questions: tuple[str, ...]
    """What guards may ask of the machine, beside states (`context`)."""
    starts: tuple[tuple[str, ...], ...]
    """The choices at the start: one state of each group."""
    refusals: tuple[RefusalModel, ...]
    heard: tuple[HeardModel, ...]
    outcomes: tuple[OutcomeModel, ...]
    statuses: tuple[StatusModel, ...]
    reasons: tuple[ReasonModel, ...]
    dead_ends: tuple[DeadEndModel, ...]
    noticed: tuple[str, ...]
    """The states that, beside the status, make a change one that listeners are told (T2)."""

    @cached_property
    def states(self) -> dict[str, StateModel]:
        """Every state by its name."""
        return {state.name: state for region in self.regions for state in region.states}

    @cached_property
    def transitions(self) -> dict[str, TransitionModel]:
        """Every transition by its key."""
        return {move.key: move for region in self.regions for move in region.transitions}

    @cached_property
    def rules(self) -> tuple[str, ...]:
        """Every rule number beside any line, sorted by letters and number."""
        notes = [note for region in self.regions for note in _notes(region)]
        for lines in (self.refusals, self.heard, self.outcomes, self.statuses):
            notes += [line.note for line in lines]
        for others in (self.reasons, self.dead_ends):
            notes += [line.note for line in others]
        found = {rule for note in notes for rule in note.rules}
        return tuple(sorted(found, key=lambda r: (r.rstrip("0123456789"), len(r), r)))

    def region(self, name: str) -> RegionModel:
        """Return a region by its name.

        Raises:
            LookupError: there is none; the message names those that there are.
        """
        for region in self.regions:
            if region.name == name:
                return region
        names = ", ".join(region.name for region in self.regions)
        raise LookupError(f"{self.name} has no region {name!r}; there are {names}")


def _notes(region: RegionModel) -> list[Note]:
    return [region.note, *(s.note for s in region.states), *(t.note for t in region.transitions)]
