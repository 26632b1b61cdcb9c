"""Settings and the numbers behind the retry rules: what is rejected, and what the bounds are."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, fields

import pytest

from statemodel import InvalidInput, Policy, StateModelError, Timings
from statemodel._policy import End, backoff

NAMES = [field.name for field in fields(Timings)]
LARGEST_DRAW = math.nextafter(1.0, 0.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value", [0, 0.0, -0.0, -1, -1e-9, math.nan, math.inf, -math.inf], ids=repr
)
def test_times_that_are_not_finite_and_positive_are_rejected(name: str, value: float) -> None:
    """Zero, negative, NaN and infinite times are refused; the message names setting and value."""
    with pytest.raises(InvalidInput) as caught:
        Timings(**{name: value})
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value", [True, False, "1", "", None, b"1", 1j, [1.0], (1,), object], ids=repr
)
def test_times_that_are_no_numbers_are_rejected(name: str, value: object) -> None:
    """Booleans, strings and other objects are refused; the message names setting and value."""
    with pytest.raises(InvalidInput) as caught:
        Timings(**{name: value})
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)


def test_integers_too_large_for_a_float_are_rejected() -> None:
    """A time beyond the range of a float is no finite number of seconds."""
    with pytest.raises(InvalidInput, match="backoff_cap"):
        Timings(backoff_cap=10**400)


@pytest.mark.parametrize(
    ("settings", "first", "second"),
    [
        ({"backoff_base": 2.0, "backoff_cap": 1.0}, "backoff_base", "backoff_cap"),
        ({"backoff_base": 31.0}, "backoff_base", "backoff_cap"),
        ({"backoff_cap": 0.5}, "backoff_base", "backoff_cap"),
        ({"keep_alive_interval": 30.0}, "keep_alive_interval", "background_grace"),
        ({"keep_alive_interval": 31.0}, "keep_alive_interval", "background_grace"),
        ({"background_grace": 25.0}, "keep_alive_interval", "background_grace"),
        ({"pong_timeout": 30.5}, "pong_timeout", "heartbeat_interval"),
        ({"heartbeat_interval": 9.0}, "pong_timeout", "heartbeat_interval"),
    ],
    ids=str,
)
def test_pairs_that_contradict_each_other_are_rejected(
    settings: dict[str, float], first: str, second: str
) -> None:
    """Two settings that cannot both hold are refused; the message names both."""
    with pytest.raises(InvalidInput, match=first) as caught:
        Timings(**settings)
    assert second in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"backoff_base": 30.0},
        {"backoff_base": 7, "backoff_cap": 7},
        {"keep_alive_interval": math.nextafter(30.0, 0.0)},
        {"pong_timeout": 30.0},
        {"probe_timeout": 1000.0},
        {"background_grace": 1e300},
        {"dial_timeout": 5e-324},
        dict.fromkeys(sorted(set(NAMES) - {"background_grace"}), 1),
    ],
    ids=str,
)
def test_values_at_the_allowed_limits_are_accepted(settings: dict[str, float]) -> None:
    """Equal pairs, integers and extreme but finite times are fine, and kept as given."""
    timings = Timings(**settings)
    assert {name: getattr(timings, name) for name in settings} == settings


def test_invalid_input_is_a_value_error_of_this_package() -> None:
    """A wrong setting can be caught as ValueError and as the package's own error."""
    assert issubclass(InvalidInput, ValueError)
    assert issubclass(InvalidInput, StateModelError)


def test_timings_are_values() -> None:
    """Timings compare by value, can be keys, and do not change."""
    assert Timings() == Timings()
    assert hash(Timings(dial_timeout=1)) == hash(Timings(dial_timeout=1.0))
    with pytest.raises(FrozenInstanceError):
        Timings().dial_timeout = 1.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        Timings(1.0)  # type: ignore[misc]


@pytest.mark.parametrize("draw", [0.0, 5e-324, 0.25, 0.5, LARGEST_DRAW])
@pytest.mark.parametrize(
    ("base", "cap"),
    [
        (1.0, 30.0),
        (0.001, 0.001),
        (5e-324, 1e-300),
        (1, 7),
        (3.5, 1e308),
        (1e308, 1.7e308),
        (5e-324, 1.7e308),
        (10**307, 10**308),
    ],
)
def test_backoff_stays_within_its_bounds(base: float, cap: float, draw: float) -> None:
    """For 1 to 5000 failures the wait is finite, never negative, and never above the cap (B1)."""
    timings = Timings(backoff_base=base, backoff_cap=cap)
    before = 0.0
    for failures in range(1, 5001):
        wait = backoff(failures, draw, timings)
        assert math.isfinite(wait)
        assert before <= wait <= cap
        if draw:
            assert wait / draw == pytest.approx(cap) or wait < cap
        before = wait


@pytest.mark.parametrize("failures", range(1, 61))
def test_backoff_is_the_drawn_part_of_the_doubled_base(failures: int) -> None:
    """The upper end doubles with each failure until the cap, and the draw is applied last (B1)."""
    timings = Timings(backoff_base=0.75, backoff_cap=1000.0)
    end = min(1000.0, 0.75 * 2 ** (failures - 1))
    for draw in (0.0, 0.125, 0.5, LARGEST_DRAW):
        assert backoff(failures, draw, timings) == pytest.approx(draw * end, rel=1e-12)


def test_backoff_of_the_smallest_base_still_reaches_the_largest_cap() -> None:
    """Enough failures in a row reach the cap, however far it is from the base."""
    timings = Timings(backoff_base=1.0, backoff_cap=1.7e308)
    assert backoff(5000, 0.5, timings) == pytest.approx(0.5 * 1.7e308, rel=0.5)


def test_backoff_keeps_its_spread_at_the_cap() -> None:
    """Two machines with different draws wait differently even after many failures (B1)."""
    waits = {backoff(5000, draw / 16, Timings()) for draw in range(16)}
    assert len(waits) == 16


AUTH = [3000, 3003, 4401, 4403]
TERMINAL = [1002, 1003, 1007, 1008, 1009, 1010, 3500, 3501, 3999, 4500, 4999]
LOSS = [None, 0, 1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015, 2999, 3001, 3002, 3499]
LOSS += [4000, 4400, 4402, 4404, 4499, 5000, 65535, -1]


@pytest.mark.parametrize(
    ("code", "end"),
    [
        *((code, End.AUTH) for code in AUTH),
        *((code, End.TERMINAL) for code in TERMINAL),
        *((code, End.LOSS) for code in LOSS),
    ],
)
def test_close_codes_mean_what_the_rulebook_says(code: int | None, end: End) -> None:
    """Each close code is a loss, a refusal of the credentials or a refusal for good (B5)."""
    assert Policy().end(None, code) is end


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (401, End.AUTH),
        (403, End.AUTH),
        *((status, End.LOSS) for status in (None, 101, 200, 301, 400, 404, 407, 429, 500, 503)),
    ],
)
def test_http_statuses_mean_what_the_rulebook_says(status: int | None, end: End) -> None:
    """Only 401 and 403 refuse the credentials; every other answer is a loss (B5)."""
    assert Policy().end(status, None) is end


def test_every_end_is_one_of_three() -> None:
    """The policy is total over statuses and close codes."""
    policy = Policy()
    for code in range(-10, 6000):
        assert isinstance(policy.end(None, code), End)
        assert isinstance(policy.end(code, None), End)
        assert policy.end(code, None) is not End.TERMINAL


def test_auth_codes_win_over_terminal_ones() -> None:
    """A code that is listed as both refuses the credentials."""
    policy = Policy(auth_codes={4999}, terminal_codes=(range(4000, 5000),))
    assert policy.end(None, 4999) is End.AUTH
    assert policy.end(None, 4998) is End.TERMINAL


def test_a_refusing_status_wins_over_a_terminal_code() -> None:
    """Credentials that are refused by status are refused whatever the close code says."""
    assert Policy().end(401, 1002) is End.AUTH


def test_a_policy_of_ones_own_replaces_the_default() -> None:
    """What a user lists is what counts; nothing of the default remains."""
    policy = Policy(auth_statuses=(418,), auth_codes=[1], terminal_codes=({2}, range(7, 9)))
    assert policy.end(418, None) is policy.end(None, 1) is End.AUTH
    assert [policy.end(None, code) for code in (2, 7, 8)] == [End.TERMINAL] * 3
    assert [policy.end(401, None), policy.end(None, 4401), policy.end(None, 9)] == [End.LOSS] * 3


def test_an_empty_policy_makes_everything_a_loss() -> None:
    """Without any list there is nothing but losses."""
    policy = Policy(auth_statuses=(), auth_codes=(), terminal_codes=(), retry_after_statuses=())
    assert {policy.end(s, c) for s in (None, 401, 403) for c in (None, 1002, 4401)} == {End.LOSS}


def test_retry_after_is_believed_with_429_and_503() -> None:
    """By default exactly these statuses may bring a Retry-After (B4)."""
    assert set(Policy().retry_after_statuses) == {429, 503}  # type: ignore[call-overload]


def test_policies_are_values() -> None:
    """Policies compare by value and do not change."""
    assert Policy() == Policy()
    with pytest.raises(FrozenInstanceError):
        Policy().auth_codes = ()  # type: ignore[misc]
