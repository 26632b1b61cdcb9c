"""The kit finds what is wrong, names it, and has nothing to say of what is right."""

from __future__ import annotations

import sys
from contextlib import closing

import pytest

from statemodel import StateModelError
from statemodel.conformance import (
    CAPABILITIES,
    MachineSubject,
    ProcessSubject,
    conform,
    conformance_suite,
    replay,
)
from statemodel.conformance._cases import shrunk
from statemodel.conformance._drawing import drawn
from statemodel.scripts import Script
from statemodel.trace_rules import TRACE_RULES
from tests.conformance.subjects import CLIENT, LONG, Hasty, Limited, bugs, needs_node

EXAMPLES = 2000 if LONG else 30
EVERY_RULE = {*TRACE_RULES, "B3"}

NAMES = {
    "pong_arms_window": {"M3"},
    "stale_watchdog": {"P5"},
    "old_window_kills": {"M6", "M10"},  # whether the fresh connection is in foreground or not
    "manual_background_retry": {"M7"},
    "dial_not_cancelled_by_disconnect": {"M2", "A4"},  # by the mode
    "dial_not_cancelled_by_background": {"A1"},
    "dial_not_cancelled_by_logout": {"S5"},
    "two_connects_two_sockets": {"K1"},
    "handler_per_login": {"K1"},
    "connect_lost_while_closing": {"C7"},
    "callback_never": {"C4"},
    "callback_late": {"C4"},
    "status_stuck_connecting": {"T6"},
    "no_jitter": {"B1"},
    "count_reset_early": {"B2"},
    "pong_timeout_reconnects_in_background": {"M7"},
    "early_ping_pays": {"M11"},
    "capped_after_draw": {"B1"},
    "few_draws": {"B1"},
    "never_soon": {"B1"},
    "one_draw_per_connection": {"B1"},
    "retry_after_undrawn": {"B4"},
    "retry_after_of_any_status": {"B1"},
    "connect_skips_retry_after": {"B4"},
    "count_reset_by_connect": {"C3"},
    "count_reset_by_disconnect": {"B2"},
    "count_reset_by_network": {"B2"},
    "count_reset_by_foreground": {"B2"},
    "count_reset_by_refresh": {"B2"},
    "stable_too_early": {"B2", "B5"},
    "stable_timer_left": {"B2"},
    "lost_while_throttled": {"K6"},
    "lost_in_background": {"K6"},
    "message_while_closing": {"K3"},
    "throttled_refuses": {"P1"},
    "throttled_for_ever": {"T7"},
    "joining_connect_moves_window": {"M10"},
    "refused_ping_extends": {"M10", "M4"},
    "only_first_ping_extends": {"M4"},
    "background_repeated": {"M3"},
    "window_survives_foreground": {"M6"},
    "network_loss_survives_background": {"M7"},
    "heartbeat_in_background": {"M12"},
    "no_heartbeat": {"H1"},
    "no_probe": {"H2"},
    "slow_probe": {"P5"},
    "own_frames_prove_life": {"H1", "P5"},
    "deadline_while_paused": {"P2", "K6"},
    "deadline_never_resumed": {"P2"},
    "any_pong_answers": {"P2", "P4"},
    "ping_outlives_loss": {"P2"},
    "refresh_never_forgotten": {"B5"},
    "refresh_every_time": {"B5"},
    "policy_forgets_403": {"B5"},
    "policy_forgets_3003": {"B5"},
    "policy_ends_at_4998": {"B5"},
    "policy_takes_1011_for_final": {"B5"},
    "policy_takes_all_3xxx_for_final": {"B5"},
    "refusal_outlives_background": {"A2"},
    "dial_never_given_up": {"K5"},
    "close_never_aborted": {"K4"},
    "connect_dials_offline": {"N1"},
    "connect_returns_twice": {"C4"},
    "cancelled_connect_disconnects": {"C4"},
    "foreground_waits": {"A2"},
    "network_up_waits": {"N2"},
    "retry_survives_network_loss": {"N1"},
    "hold_ends_with_network": {"A4"},
    "login_dials_in_background": {"A1"},
    "restored_dials_in_background": {"A1"},
    "login_replaces_user": {"S7"},
    "save_outlives_login": {"S1"},
    "logout_keeps_user": {"S5"},
    "shut_down_clears_user": {"O4"},
    "status_told_again": {"T2"},
}
LEFT_OUT = sorted(set(CAPABILITIES) - {"messages"}) if LONG else ("background", "network", "status")
STATISTICAL = {
    "no_jitter", "capped_after_draw", "few_draws", "never_soon", "one_draw_per_connection",
    "retry_after_undrawn", "count_reset_early", "count_reset_by_connect", "count_reset_by_disconnect",
    "count_reset_by_network", "count_reset_by_foreground", "count_reset_by_refresh",
    "stable_timer_left",
}  # fmt: skip
"""What only many waits together show."""


def test_the_pure_machine_conforms():
    """The reference keeps every rule."""
    report = conform(MachineSubject(), examples=EXAMPLES)

    assert report.failures == ()
    assert report.ok


@pytest.mark.parametrize("seed", range(10))
def test_walks_on_the_pure_machine_find_nothing(seed):
    """The reference keeps every rule, whatever the seed."""
    cases = drawn(MachineSubject(), EVERY_RULE, seed, EXAMPLES)

    assert [case.failure for case in cases] == [None] * EXAMPLES
    assert sum(case.connected for case in cases) > EXAMPLES / 3


@needs_node
def test_the_javascript_client_conforms():
    """A client that was written by hand, and chooses otherwise where it may, keeps every rule."""
    with closing(ProcessSubject(["node", CLIENT])) as subject:
        report = conform(subject, examples=EXAMPLES)

    assert report.failures == ()
    assert report.ok
    assert set(report.judged) == EVERY_RULE


@needs_node
@pytest.mark.parametrize("seed", range(10))
def test_walks_on_the_javascript_client_find_nothing(seed):
    """It keeps every rule, whatever the seed."""
    with closing(ProcessSubject(["node", CLIENT])) as subject:
        cases = drawn(subject, EVERY_RULE, seed, EXAMPLES)

    assert [case.failure for case in cases] == [None] * EXAMPLES


@needs_node
def test_every_bug_has_its_rule():
    """The table above knows every bug of the client."""
    assert set(NAMES) == set(bugs())


@needs_node
@pytest.mark.parametrize("bug", list(NAMES)[:: 1 if LONG else 4])
def test_each_bug_is_found_and_named(bug):
    """The first failure names the rule that the bug breaks, with a script that is short."""
    with closing(ProcessSubject(["node", CLIENT, "--bug", bug])) as subject:
        report = conform(subject)

    assert report.failures[0].rule in NAMES[bug]
    assert len(report.failures[0].script.steps) <= (210 if bug in STATISTICAL else 8)
    assert not report.ok


def test_a_failure_is_shrunk_to_what_matters():
    """M3: of a window that is too short, the script keeps the way there and the wait."""
    failure = conformance_suite(Hasty()).failures[0]

    assert failure.rule == "M3"
    assert [step.do for step in failure.script.steps] == [
        "restored", "connect", "peer", "background", "wait",
    ]  # fmt: skip


def test_what_is_special_is_taken_out_of_a_failure():
    """M3: turns, ties and draws that do not matter go, and waits become one."""
    script = Script.parse(
        "open manual\nrestored draw 0.25\nconnect draw 0.25 together\nnetwork up\npeer accept\n"
        "background together\nnetwork up\nwait 14\nreach 14.25 draw 0.125\nnetwork up\nwait 9\n"
    )
    [failure] = shrunk(Hasty(), replay(Hasty(), script, only=["M3"]).failures, {"M3"})

    assert "draw" not in failure.script.text()
    assert "together" not in failure.script.text()
    assert [step.do for step in failure.script.steps].count("wait") == 1
    assert len(failure.script.steps) == 5


@needs_node
def test_failures_come_with_the_simplest_first():
    """Of several verdicts the one with the shortest script leads; what is only told comes last."""
    with closing(ProcessSubject(["node", CLIENT, "--bug", "manual_background_retry"])) as subject:
        told_as_well = conformance_suite(subject).failures
    with closing(ProcessSubject(["node", CLIENT, "--bug", "pong_arms_window"])) as subject:
        several = conformance_suite(subject).failures

    assert [failure.rule for failure in told_as_well] == ["M7", "T2"]
    assert len(several) > 2
    sizes = [len(failure.script.steps) for failure in several]
    assert sizes == sorted(sizes)


def test_walks_alone_find_it_too():
    """M3: steered walks find the window that is too short without the suite."""
    cases = drawn(Hasty(), {"M3", "M4", "M10"}, 0, 300)

    assert cases[-1].failure is not None
    assert [case.failure for case in cases[:-1]] == [None] * (len(cases) - 1)


def test_only_the_chosen_rules_are_judged():
    """A rule that was not asked for breaks nothing."""
    report = conform(Hasty(), examples=5, only=["S1", "K1"])

    assert report.ok
    assert report.asked == ("S1", "K1")


def test_walks_without_hypothesis_say_what_to_install(monkeypatch):
    """The suite needs nothing; walks say what they need."""
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "statemodel.conformance._drawing")

    assert conform(MachineSubject(), examples=0, only=["M3"]).ok
    with pytest.raises(StateModelError, match=r"install statemodel\[conformance\]"):
        conform(MachineSubject(), examples=1, only=["M3"])


def test_an_unknown_rule_is_refused():
    """The numbers of rules are those of the rulebook."""
    with pytest.raises(StateModelError, match="no rule 'X9'"):
        conform(MachineSubject(), only=["X9"])


@pytest.mark.parametrize(
    "capabilities",
    [
        ("auto", "login"),
        ("manual", "restored", "status"),
        ("manual", "restored", "ping", "background", "ties"),
        *(tuple(sorted(set(CAPABILITIES) - {"messages", one})) for one in LEFT_OUT),
    ],
    ids=len,
)
def test_what_a_subject_cannot_do_is_left_out(capabilities):
    """A subject without some capabilities conforms, and the rules it cannot show are named."""
    report = conformance_suite(Limited(*capabilities))

    assert report.failures == ()
    assert report.ok
    for word in set(CAPABILITIES) - set(capabilities):
        assert not set(CAPABILITIES[word]) & set(report.judged)
        assert all(word in report.not_exercised[number] for number in CAPABILITIES[word])


def test_a_subject_without_a_mode_is_refused():
    """Neither mode: nothing can be played, and that is no success."""
    report = conform(Limited("restored", "status"))

    assert not report.ok
    assert "neither mode" in report.text()


def test_never_connected_is_not_passed():
    """With nobody ever logged in no socket opens; nothing is broken, but nothing is known."""

    class Deaf(MachineSubject):
        def perform(self, acts):
            return [[] for _ in acts]

    report = conform(Deaf(), examples=5, only=["K1", "S1"])

    assert report.failures == ()
    assert not report.ok
    assert report.connected == 0
    assert "Nothing is known" in report.text()


def test_the_suite_is_the_same_every_time():
    """No chance is in the deterministic part."""
    assert conformance_suite(Hasty()).data() == conformance_suite(Hasty()).data()


def test_walks_are_the_same_for_a_seed_and_others_for_another():
    """The seed decides the walks."""
    first, again, other = (
        [case.script for case in drawn(MachineSubject(), (), seed, 30)] for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other
