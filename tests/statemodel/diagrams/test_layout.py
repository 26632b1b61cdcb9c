"""Where a region's states stand: everything in the picture, nothing on anything else."""

from __future__ import annotations

import itertools

import pytest

from statemodel import ConnectionChart, StateModelError
from statemodel.diagrams import Box, ChartModel, Kind, Layout, lay_out, read_chart
from statemodel.diagrams import _layout as layout_module
from tests.statemodel.diagrams.charts import Lamp, hostile


@pytest.fixture(scope="module")
def ours() -> ChartModel:
    """Return the model of our own chart."""
    return read_chart(ConnectionChart)


def _overlap(one: Box, other: Box) -> bool:
    return (
        abs(one.x - other.x) * 2 < one.width + other.width - 1
        and abs(one.y - other.y) * 2 < one.height + other.height - 1
    )


def _boxes(layout: Layout) -> list[Box]:
    inner = [node.box for node in layout.nodes if node.kind is not Kind.COMPOUND]
    return inner + [edge.label for edge in layout.edges if edge.label is not None]


@pytest.mark.parametrize("chart", [ConnectionChart, Lamp, hostile()], ids=lambda c: c.__name__)
def test_no_box_covers_another_and_all_are_inside(chart: type) -> None:
    """States, marks and labels of every region have room of their own within the picture."""
    for region in read_chart(chart).regions:
        layout = lay_out(region)
        for one, other in itertools.combinations(_boxes(layout), 2):
            assert not _overlap(one, other)
        for box in _boxes(layout):
            assert box.width / 2 <= box.x <= layout.width - box.width / 2
            assert box.height / 2 <= box.y <= layout.height - box.height / 2


def test_every_state_and_transition_is_laid_out(ours: ChartModel) -> None:
    """Each state once; each transition with a target in one line, with its words."""
    for region in ours.regions:
        layout = lay_out(region)
        named = [n.name for n in layout.nodes if n.kind in (Kind.STATE, Kind.COMPOUND)]
        keys = [key for edge in layout.edges for key in edge.keys]

        assert sorted(named) == sorted(state.name for state in region.states)
        assert sorted(keys) == sorted(t.key for t in region.transitions if t.target is not None)
        for edge in layout.edges:
            assert len(edge.lines) == len(edge.keys)
            assert len(edge.curves) == (1 if edge.label is None else 2)
            assert all(len(curve) % 3 == 1 for curve in edge.curves)
            assert edge.tip == edge.curves[-1][-1]


def test_states_stand_within_their_compound_state(ours: ChartModel) -> None:
    """`connected` is drawn inside `socket`."""
    boxes = {n.name: n.box for n in lay_out(ours.region("link")).nodes if n.title}
    socket, connected = boxes["socket"], boxes["connected"]

    assert abs(socket.x - connected.x) * 2 < socket.width - connected.width
    assert abs(socket.y - connected.y) * 2 < socket.height - connected.height


def test_the_same_region_is_laid_out_the_same(ours: ChartModel) -> None:
    """Equal regions have equal layouts."""
    assert lay_out(ours.region("link")) == lay_out(read_chart(ConnectionChart).region("link"))


def test_without_the_program_one_is_told_what_to_install(
    ours: ChartModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing `graphviz-pure` is one clear error."""
    monkeypatch.setattr(layout_module, "PROGRAM", "no-such-program")
    with pytest.raises(StateModelError, match=r"pip install 'statemodel\[diagrams\]'"):
        lay_out(ours.region("grace"))
