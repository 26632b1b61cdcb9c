"""The protocol: what is written can be read, what is wrong is named, and the schema says the same."""

from __future__ import annotations

import json
import re
from contextlib import closing, nullcontext
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemodel import Code, InvalidInput, Mode, Reason, Status, StatusChange, Timings
from statemodel import traces as t
from statemodel.conformance import CAPABILITIES, ProcessSubject, SubjectError, replay
from statemodel.conformance._codec import (
    act_to_json,
    entry_from_json,
    entry_to_json,
    opening_to_json,
)
from statemodel.conformance._entries import is_report
from statemodel.conformance._subject import Act
from statemodel.scripts import ANSWERS, Script, Step, close_code, dial_end, play
from tests.conformance.subjects import PYTHON

SCHEMA = json.loads(
    files("statemodel.conformance").joinpath("protocol-1.schema.json").read_text("utf-8")
)

CODES = (1000, 1003, 1007, 1014, 3000, 4999)
TIMES = st.floats(0, 1e9)
NUMBERS = st.integers(1, 10**6)
CHANGES = st.builds(
    StatusChange,
    sequence=NUMBERS,
    time=TIMES,
    previous=st.sampled_from(Status),
    current=st.sampled_from(Status),
    reason=st.none() | st.sampled_from(Reason),
    retry_in=st.none() | TIMES,
)
REPORTS = st.one_of(
    st.builds(t.Returned, time=TIMES, command=NUMBERS, code=st.none() | st.sampled_from(Code)),
    *(
        st.builds(kind, time=TIMES, socket=NUMBERS)
        for kind in (t.Dialled, t.CloseBegun, t.SocketGone)
    ),
    st.builds(t.PingSent, time=TIMES, socket=NUMBERS, ping=NUMBERS, command=st.none() | NUMBERS),
    CHANGES.map(lambda change: t.StatusSeen(time=change.time, change=change)),
    st.builds(
        t.Stored,
        time=TIMES,
        what=st.sampled_from(["authenticate", "save", "clear"]),
        phase=st.just("begun"),
    ),
    st.builds(t.Stored, time=TIMES, what=st.just("clear"), phase=st.just("given_up")),
    st.builds(t.Refreshed, time=TIMES, phase=st.just("begun")),
    st.builds(t.Reading, time=TIMES, socket=NUMBERS, on=st.booleans()),
    st.builds(t.Delivered, time=TIMES, socket=NUMBERS, number=NUMBERS),
)


def wrong(value, schema, whole=SCHEMA):
    """Say what is wrong with a value by a JSON Schema, of the words that ours use; or nothing."""
    if "$ref" in schema:
        return wrong(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    for word, least in (("oneOf", 1), ("anyOf", 1)):
        if word in schema:
            fits = sum(not wrong(value, option, whole) for option in schema[word])
            if fits < least or (word == "oneOf" and fits > 1):
                return f"{value} fits {fits} of {word}"
    if "const" in schema and value != schema["const"]:
        return f"{value} is not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{value} is not in {schema['enum']}"
    kinds = {
        "object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
        "boolean": bool, "null": type(None),
    }  # fmt: skip
    allowed = schema.get("type", [])
    allowed = [allowed] if isinstance(allowed, str) else allowed
    if allowed and not any(
        isinstance(value, kinds[kind]) and (kind == "boolean" or not isinstance(value, bool))
        for kind in allowed
    ):
        return f"{value} is no {allowed}"
    if isinstance(value, (int, float)) and not (
        schema.get("minimum", value) <= value < schema.get("exclusiveMaximum", 1e300)
    ):
        return f"{value} is out of range"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        return f"{value} is not like {schema['pattern']}"
    least = schema.get("minLength", schema.get("minItems", 0))
    if isinstance(value, (str, list)) and len(value) < least:
        return f"{value} is too short"
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        for name in schema.get("required", ()):
            if name not in value:
                return f"{name} is missing"
        for name, part in value.items():
            if name not in known:
                return f"{name} is not known"
            if found := wrong(part, known[name], whole):
                return found
    if isinstance(value, list) and "items" in schema:
        return next((w for part in value if (w := wrong(part, schema["items"], whole))), "")
    return ""


@given(REPORTS)
def test_a_report_is_read_as_it_was_written(entry):
    """Item and entry say the same, also after a trip through JSON, and the schema knows the item."""
    item = json.loads(json.dumps(entry_to_json(entry)))

    assert entry_from_json(item) == entry
    assert wrong(item, SCHEMA["$defs"]["item"]) == ""
    assert is_report(entry)


@given(REPORTS, st.data())
def test_a_changed_item_is_refused_or_as_good(entry, data):
    """Whatever stands in an item, reading it gives an entry or says what is wrong."""
    item = entry_to_json(entry)
    name = data.draw(st.sampled_from([*item, "more"]))
    value = data.draw(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.lists(st.none())
    )
    item[name] = value
    try:
        read = entry_from_json(item)
    except SubjectError as error:
        assert "the subject lied" in str(error)
    else:
        assert is_report(read)
    del item[name]
    with pytest.raises(SubjectError, match="lied"):
        entry_from_json({**item, "more": 1})


@pytest.mark.parametrize("item", [None, 3, [], "dialled", {}, {"saw": []}, {"saw": {}}])
def test_what_is_no_item_is_refused(item):
    """Anything but an object with a known `saw` is named."""
    with pytest.raises(SubjectError, match="lied"):
        entry_from_json(item)


@pytest.mark.parametrize("socket", [0, -1, 1.5, True, "1", None, [1], 2.0])
def test_a_number_is_a_whole_one_from_1_on(socket):
    """Sockets, pings, calls and messages are counted from 1."""
    with pytest.raises(SubjectError, match="'socket' of dialled is a whole number from 1 on"):
        entry_from_json({"time": 0, "saw": "dialled", "socket": socket})


@pytest.mark.parametrize("time", [-1, True, "1", None, float("nan"), float("inf"), 10**400, [0]])
def test_a_time_is_a_finite_number_from_0_on(time):
    """Times are seconds since the opening."""
    with pytest.raises(SubjectError, match="'time' of dialled is"):
        entry_from_json({"time": time, "saw": "dialled", "socket": 1})


def test_only_what_a_subject_reports_can_be_written():
    """What the kit itself does is no item."""
    with pytest.raises(ValueError, match="not a subject's to report"):
        entry_to_json(t.SocketOpened(time=0.0, socket=1))


def test_the_schema_knows_every_step_and_every_opening():
    """Each step that a subject can be given, and each way to open it, is what the schema allows."""
    lines = ["login", "logout", "connect", "disconnect", "ping", "send", "shut_down", "cancel 3"]
    lines += ["background", "foreground", "network up", "network down", "restored bob", "wait 2.5"]
    lines += [f"{who} {word}" for who, words in ANSWERS.items() for word in words]
    lines += [f"peer {kind}_{number}" for kind in ("close", "refuse") for number in CODES]
    lines += [f"peer refuse_{status}{end}" for status in (200, 599) for end in ("", "_after_0")]
    acts = [
        Act(Step.parse(line + end), 1 if number < 7 else None)
        for number, line in enumerate(lines)
        for end in ("", " together")
    ]
    steps = [act_to_json(act) for act in acts]
    opening = opening_to_json(Script(mode=Mode.AUTO, timings=Timings(dial_timeout=3)), (0.5, 0.25))

    assert wrong({"id": 3, "do": "steps", "steps": steps}, SCHEMA) == ""
    assert wrong({"id": 2, "do": "open", **opening}, SCHEMA) == ""
    assert wrong({"id": 3, "do": "steps", "steps": [{"do": "fly"}]}, SCHEMA) != ""


@given(st.from_regex(r"(refuse|close)_[0-9]{1,5}(_after_[0-9]{1,5})?", fullmatch=True))
def test_the_schema_and_the_kit_know_the_same_ends(word):
    """A word that scripts can say is one that a subject can be given, and no other is."""
    step = {"do": "peer", "what": word}
    known = dial_end(word) is not None or close_code(word) is not None

    assert (wrong({"id": 3, "do": "steps", "steps": [step]}, SCHEMA) == "") == known
    with nullcontext() if known else pytest.raises(InvalidInput):
        Step(**step)


def test_the_schema_knows_every_capability():
    """The words of `hello` are those of the kit."""
    hello = {"id": 1, "protocol": 1, "name": "x", "capabilities": list(CAPABILITIES)}

    assert wrong(hello, SCHEMA) == ""
    assert wrong({**hello, "capabilities": ["flying"]}, SCHEMA) != ""


def test_a_whole_session_keeps_to_the_schema(monkeypatch):
    """What is asked and what is answered, line by line, is what the schema allows."""
    lines = []
    real = ProcessSubject._parsed
    monkeypatch.setattr(
        ProcessSubject, "_parsed", lambda self, line: lines.append(line) or real(self, line)
    )
    script = Script.parse("open manual\nlogin\nauthenticator authenticated\nstore saved\nconnect\n")
    with closing(ProcessSubject(PYTHON)) as subject:
        replay(subject, script)

    assert len(lines) > 5
    assert [found for line in lines if (found := wrong(json.loads(line), SCHEMA))] == []


def test_a_trace_through_the_process_is_that_of_the_machine():
    """JSON loses nothing: a script played there gives the trace of the machine played here."""
    script = Script.parse(
        "open manual\nlogin\nauthenticator authenticated\nstore saved\nconnect\npeer refuse_401\n"
        "authenticator refreshed\npeer accept\nping\npeer pong\nreader pause\nreader resume\n"
        "peer drop\nwait 0.7\npeer accept\ndisconnect\nwait 5\nlogout\nstore cleared\n"
    )
    with closing(ProcessSubject(PYTHON)) as subject:
        from statemodel.conformance import Playing

        playing = Playing(subject, script)
        playing.play_script(script)

    assert playing.trace == play(script)
    assert playing.script == script
