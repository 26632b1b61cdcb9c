"""Scripts as text: what is written can be read again, and what is wrong is named with its line."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemodel import InvalidInput, Mode, Timings
from statemodel import traces as t
from statemodel.scripts import ANSWERS, CLOSE_CODES, DIAL_ENDS, Script, Step, play

ALONE = ("connect", "disconnect", "logout", "ping", "send", "shut_down", "background", "foreground")
NAMES = st.text(min_size=1, max_size=8).filter(lambda n: n.split() == [n] and "#" not in n)
DRAWS = st.floats(0.0, 1.0, exclude_max=True)
SECONDS = st.floats(0.0, allow_infinity=False)


def _steps() -> st.SearchStrategy[Step]:
    return st.one_of(
        st.builds(Step, do=st.sampled_from(ALONE), draw=DRAWS),
        st.builds(
            Step, do=st.sampled_from(["login", "restored", "custom"]), what=NAMES, draw=DRAWS
        ),
        st.builds(Step, do=st.sampled_from(["wait", "reach", "sleep"]), number=SECONDS, draw=DRAWS),
        st.builds(Step, do=st.just("cancel"), number=st.integers(1), draw=DRAWS).filter(
            lambda step: step.number < 2**53
        ),
        st.builds(Step, do=st.just("network"), what=st.sampled_from(["down", "up"]), draw=DRAWS),
        *(
            st.builds(Step, do=st.just(who), what=st.sampled_from(words), draw=DRAWS)
            for who, words in ANSWERS.items()
        ),
    )


@st.composite
def _timings(draw) -> Timings:
    some = draw(st.sets(st.sampled_from(["dial_timeout", "close_timeout", "stable_after"])))
    positive = st.floats(0.0, exclude_min=True, allow_infinity=False)
    return Timings(**{name: draw(positive) for name in sorted(some)})


SCRIPTS = st.builds(
    Script,
    mode=st.sampled_from(Mode),
    foreground=st.booleans(),
    online=st.booleans(),
    timings=_timings(),
    steps=st.lists(_steps(), max_size=8).map(tuple),
)


@given(SCRIPTS)
def test_a_script_is_read_as_it_was_written(script):
    """Text and script say the same: reading what was written gives an equal script, numbers exact."""
    assert Script.parse(script.text()) == script


@given(_steps())
def test_a_step_is_one_line(step):
    """A step's text is one line, from which an equal step is read."""
    assert len(str(step).splitlines()) == 1
    assert Step.parse(str(step)) == step


def test_a_script_reads_like_what_happens():
    """Only what differs from the defaults is written, and numbers without needless digits."""
    text = (
        "open manual background\n"
        "timing background_grace 25.5\n"
        "login\n"
        "login bob draw 0.25\n"
        "wait 30\n"
        "cancel 2\n"
        "network down\n"
    )
    script = Script.parse(text)

    assert script.text() == text
    assert script.timings == Timings(background_grace=25.5)
    assert [step.what for step in script.steps] == ["alice", "bob", "", "", "down"]


def test_defaults_may_be_written_and_comments_and_empty_lines_mean_nothing():
    """What is usual may be said; what follows a `#` is for people."""
    lines = ["# a case", "", "open auto foreground online  # as usual", " ", "ping # now", "#wait"]

    assert Script.parse("\n".join(lines)) == Script(mode=Mode.AUTO, steps=(Step(do="ping"),))


BAD_LINES = {
    "dance": "'dance' is no step",
    "login alice bob": "is no step",
    "Login": "'Login' is no step",
    "connect now": "takes no word",
    "wait": "wait takes a number",
    "wait soon": "'soon' is no number",
    "wait -1": "seconds >= 0",
    "reach inf": "seconds >= 0",
    "sleep nan": "seconds >= 0",
    "cancel": "cancel takes a number",
    "cancel 0": "from 1",
    "cancel 1.5": "from 1",
    "ping draw 1": "in [0, 1)",
    "ping draw -0.5": "in [0, 1)",
    "ping draw luck": "'luck' is no number",
    "network": "allowed are down, up",
    "network sideways": "allowed are down, up",
    "peer saved": "allowed are accept",
    "store accept": "allowed are saved, not_saved, cleared, not_cleared",
    "reader sleep": "allowed are pause, resume",
    "authenticator": "allowed are authenticated",
    "custom": "custom takes one word",
    "timing dial_timeout 3": "settings come before the first step",
    "open auto": "'open' is no step",
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_wrong_line_is_named_with_what_is_allowed(line):
    """The message has the number of the line, counted with comments, and says what would do."""
    with pytest.raises(InvalidInput) as caught:
        Script.parse(f"# first\nopen auto\n\nlogin\n{line}\nping\n")

    assert str(caught.value).startswith("line 5: ")
    assert BAD_LINES[line] in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "a script begins with"),
        ("# nothing\n", 2, "a script begins with"),
        ("login\n", 1, "a script begins with"),
        ("\nopen\n", 2, "a script begins with"),
        ("open both\n", 1, "a script begins with"),
        ("open auto offline background\n", 1, "in this order"),
        ("open auto background foreground\n", 1, "in this order"),
        ("open auto upside_down\n", 1, "in this order"),
        ("open auto\ntiming dial_timeout\n", 2, "timing SETTING SECONDS"),
        ("open auto\ntiming tea_time 3\n", 2, "dial_timeout"),
        ("open auto\ntiming dial_timeout 0\n", 2, "finite and positive"),
        ("open auto\ntiming dial_timeout inf\n", 2, "finite and positive"),
        ("open auto\ntiming dial_timeout 3\ntiming dial_timeout 3\n", 3, "is set already"),
        ("open auto\ntiming backoff_cap 0.5\nping\n", 2, "backoff_base must not be above"),
    ],
)
def test_a_wrong_beginning_is_named_with_what_is_allowed(text, line, said):
    """How a connection is opened is checked like every line; settings also against each other."""
    with pytest.raises(InvalidInput) as caught:
        Script.parse(text)

    assert str(caught.value).startswith(f"line {line}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"do": "ping", "what": "hard"},
        {"do": "ping", "number": 1.0},
        {"do": "login"},
        {"do": "login", "what": "al ice"},
        {"do": "custom", "what": "a#b"},
        {"do": "wait", "number": None},
        {"do": "wait", "number": 10**400},
        {"do": "ping", "draw": 1.0},
    ],
)
def test_no_step_can_be_made_that_cannot_be_written(wrong):
    """A step is checked when it is made, not when it is written."""
    with pytest.raises(InvalidInput):
        Step(**wrong)


def test_every_answer_belongs_to_one_of_the_surroundings():
    """A word is enough to know who answers; others are refused with the words that there are."""
    words = [word for of_one in ANSWERS.values() for word in of_one]

    assert len(words) == len(set(words))
    assert {*DIAL_ENDS, *CLOSE_CODES} < set(ANSWERS["peer"])
    assert Step.answer("saved", draw=0.25) == Step.parse("store saved draw 0.25")
    with pytest.raises(InvalidInput, match="unthrottle"):
        Step.answer("maybe")


def test_each_setting_can_be_given():
    """All settings have a line."""
    for name in (field.name for field in fields(Timings)):
        value = getattr(Timings(), name)
        assert Script.parse(f"open auto\ntiming {name} {value}").timings == Timings()


def test_a_played_script_leaves_a_trace():
    """M3, M5: the window, from the outside: the socket is closed when it is over, and not before."""
    trace = play(
        Script.parse("""
            open manual
            login
            authenticator authenticated
            store saved
            connect
            peer accept
            wait 12.5
            background
            wait 100
        """)
    )

    assert isinstance(trace[0], t.Opened)
    assert [entry.time for entry in trace if isinstance(entry, t.CloseBegun)] == [42.5]
    assert play(Script(mode=Mode.AUTO)) == [
        t.Opened(time=0.0, mode=Mode.AUTO, foreground=True, online=True, timings=Timings())
    ]
