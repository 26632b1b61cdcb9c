"""The trace rules on the session, the modes, and pings: one trace that keeps each, one that breaks it."""

import pytest

from statemodel.trace_rules import TRACE_RULES, Finding, judge
from tests.statemodel.trace_building import AUTO_UP, MANUAL_UP, breaks, keeps, trace

LOGIN = "0: call 1 login u; store authenticate begun"
SAVING = "1: store authenticate done; store save begun"
AUTO_LOGIN = (LOGIN, SAVING, "2: store save done; ret 1")
CLOSE = "3: call 5 disconnect; close 1; is disconnected disconnect"
LOST = "ended 1 loss; gone 1"


def test_rules_have_numbers_and_one_sentence_each():
    for number, rule in TRACE_RULES.items():
        assert rule.number == number
        assert rule.statement.endswith(".")
        assert rule.statement.count(". ") == 0


def test_an_empty_trace_and_a_check_of_one_rule():
    assert judge([]) == []
    broken = trace("manual", "0: report restored u; dial 1; is connecting restored")
    assert all(f.rule == "M1" for f in TRACE_RULES["M1"].check(broken))
    assert Finding("M1", 0.0, "an attempt began although only a login came before it") in judge(
        broken
    )


def test_findings_come_by_time_then_rule():
    found = judge(trace("manual", "0: dial 1", "1: dial 2", "2: call 1 ping"))
    assert found == sorted(found, key=lambda finding: (finding.time, finding.rule))
    assert len(found) > 3


@pytest.mark.parametrize("times", [("1: call 1 ping", "0: ret 1 ERR_NOT_LOGGED_IN")])
def test_times_never_decrease(times):
    with pytest.raises(ValueError, match="never decrease"):
        judge(trace("manual", *times))


def test_a_trace_begins_with_opened():
    with pytest.raises(ValueError, match="only Opened"):
        judge(trace("manual", "0: report background")[1:])


def test_repeated_reports_do_nothing():
    """O3."""
    keeps("auto", *AUTO_UP, "2: report foreground", "3: report network_up")
    breaks("O3", "auto", *AUTO_UP, "2: report foreground; ping 1 1")


def test_shut_down_ends_what_waits():
    """O4."""
    up = ("0: report restored u; call 1 connect; dial 1; is connecting connect",)
    end = "1: call 2 shut_down; gone 1; is disconnected shut_down;"
    keeps("manual", *up, end + "ret 1 ERR_CLOSED; ret 2", "2: call 3 connect; ret 3 ERR_CLOSED")
    breaks("O4", "manual", *up, end + "ret 2")
    breaks("O4", "manual", "0: call 1 shut_down; ret 1", "1: call 2 ping; ret 2 ERR_NOT_LOGGED_IN")


def test_login_succeeds_after_saving():
    """S1."""
    keeps("manual", *AUTO_LOGIN)
    breaks("S1", "manual", LOGIN, "1: store authenticate done; ret 1")
    breaks("S1", "manual", LOGIN, "1: store authenticate failed")
    breaks("S1", "manual", LOGIN, "31: report background")


@pytest.mark.parametrize(
    ("number", "asked"),
    [
        ("S1", "store authenticate begun"),
        ("S1", "store save begun"),
        ("S5", "store clear begun"),
    ],
)
def test_nobody_asks_the_store_or_the_authenticator_without_a_reason(number, asked):
    """S1, S5, B5: once for each login, refresh and logout, and not again for the same."""
    again = f"3: {asked}"
    keeps("manual", *AUTO_LOGIN)
    breaks(number, "manual", *AUTO_LOGIN, again, again)
    if number == "S1":
        breaks(number, "manual", *AUTO_LOGIN, again)
        breaks(number, "manual", f"0: {asked}")


def test_a_failed_login_keeps_nothing():
    """S1."""
    late = (LOGIN, SAVING, "2: cancel 1")
    keeps("manual", *late, "3: store save done; store clear begun")
    breaks("S1", "manual", *late, "3: store save done")


def test_login_in_auto_mode_dials():
    """S2."""
    keeps("auto", *AUTO_LOGIN[:2], "2: store save done; ret 1; dial 1; is connecting login")
    breaks("S2", "auto", *AUTO_LOGIN)


def test_login_in_manual_mode_opens_nothing():
    """S3."""
    keeps("manual", *AUTO_LOGIN, "3: report background", "4: report foreground")
    breaks("S3", "manual", *AUTO_LOGIN, "3: dial 1; is connecting login")


def test_a_restored_user_is_logged_in():
    """S4."""
    keeps("auto", "0: report restored u; dial 1; is connecting restored")
    breaks("S4", "auto", "0: report restored u")
    breaks("S4", "manual", "0: report restored u; dial 1; is connecting restored")


def test_logout_clears_and_closes():
    """S5."""
    out = "2: call 2 logout; close 1; store clear begun; is disconnected logout"
    keeps(
        "manual",
        *MANUAL_UP,
        out,
        "3: gone 1",
        "4: store clear failed; ret 2 ERR_SESSION_NOT_CLEARED",
    )
    breaks("S5", "manual", *MANUAL_UP, out, "3: gone 1; ret 2")
    breaks("S5", "manual", *MANUAL_UP, out, "3: gone 1", "4: store clear done")
    breaks("S5", "manual", LOGIN, "1: call 2 logout; ret 2")


def test_nobody_can_connect_ping_or_disconnect():
    """S6."""
    keeps(
        "manual",
        "1: call 1 connect; ret 1 ERR_NOT_LOGGED_IN",
        "1: call 2 ping; ret 2 ERR_NOT_LOGGED_IN",
    )
    breaks("S6", "manual", "1: call 1 disconnect; ret 1")
    breaks(
        "S6", "manual", "1: call 1 connect; dial 1; is connecting connect; ret 1 ERR_NOT_LOGGED_IN"
    )


def test_a_second_login_is_refused():
    """S7."""
    keeps("manual", LOGIN, "1: call 2 login u; ret 2 ERR_LOGIN_IN_PROGRESS")
    keeps(
        "manual",
        *AUTO_LOGIN,
        "3: call 2 login u; ret 2",
        "4: call 3 login v; ret 3 ERR_ALREADY_LOGGED_IN",
    )
    breaks("S7", "manual", *AUTO_LOGIN, "3: call 2 login v; ret 2")
    breaks("S7", "manual", *AUTO_LOGIN, "3: call 2 login u; store authenticate begun")


def test_nobody_has_a_socket():
    """S8."""
    keeps("auto", "1: report background", "2: report foreground")
    breaks("S8", "auto", "1: dial 1; is connecting foreground")


def test_auto_background_has_no_socket():
    """A1."""
    keeps(
        "auto", *AUTO_UP, "2: report background; close 1; is disconnected background", "7: gone 1"
    )
    breaks("A1", "auto", *AUTO_UP, "2: report background")


def test_auto_foreground_dials():
    """A2."""
    away = ("0: report restored u",)
    keeps("auto", *away, "1: report foreground; dial 1; is connecting foreground", foreground=False)
    breaks("A2", "auto", *away, "1: report foreground", foreground=False)


def test_auto_foreground_waits_for_the_servers_time():
    """A2, B4."""
    away = (
        "0: report restored u; dial 1; is connecting restored",
        "1: ended 1 loss 20; gone 1; is disconnected dial_failed 20.5",
        "2: report background; is disconnected background",
    )
    keeps(
        "auto",
        *away,
        "3: report foreground; is disconnected foreground 18",
        "21: dial 2; is connecting retry",
    )
    breaks("B4", "auto", *away, "3: report foreground; dial 2; is connecting foreground")


@pytest.mark.parametrize(
    ("number", "mode", "up"), [("A3", "auto", AUTO_UP), ("M9", "manual", MANUAL_UP)]
)
def test_a_loss_in_foreground_comes_back(number, mode, up):
    """A3, M9."""
    lost = f"2: {LOST}; is disconnected closed_by_peer 0.5"
    keeps(mode, *up, lost, "2.5: dial 2; is connecting retry")
    breaks(number, mode, *up, lost, "9: report network_up")


def test_auto_disconnect_holds():
    """A4."""
    down = (*AUTO_UP, CLOSE, "4: gone 1; ret 5", "5: report network_down", "6: report network_up")
    keeps(
        "auto",
        *down,
        "7: report background",
        "8: report foreground; dial 2; is connecting foreground",
    )
    breaks("A4", "auto", *down, "7: dial 2; is connecting retry")


def test_auto_connect():
    """A5."""
    keeps(
        "auto",
        "0: report restored u; call 1 connect; ret 1 ERR_APP_IN_BACKGROUND",
        foreground=False,
    )
    breaks("A5", "auto", "0: report restored u; call 1 connect; ret 1", foreground=False)
    breaks("A5", "auto", *AUTO_UP, CLOSE, "4: gone 1; ret 5", "5: call 6 connect")


def test_only_connect_opens_in_manual_mode():
    """M1."""
    keeps("manual", *MANUAL_UP)
    breaks(
        "M1",
        "manual",
        "0: report restored u",
        "1: report network_down",
        "2: report network_up; dial 1",
    )


def test_manual_disconnect_lasts():
    """M2."""
    down = (*MANUAL_UP, CLOSE, "4: gone 1; ret 5", "5: report background")
    keeps(
        "manual", *down, "6: report foreground", "7: call 6 connect; dial 2; is connecting connect"
    )
    breaks("M2", "manual", *down, "6: report foreground; dial 2; is connecting foreground")


AWAY = (*MANUAL_UP, "2: report background")
OVER = "close 1; is disconnected background_timeout"


def test_the_window_is_as_long_as_the_grace():
    """M3."""
    keeps("manual", *AWAY, f"32: {OVER}", "37: gone 1")
    breaks("M3", "manual", *AWAY, f"20: {OVER}")
    breaks("M3", "manual", *AWAY, f"33: {OVER}")


def test_pings_in_background_extend_the_window():
    """M4."""
    ping = "call 2 ping; ping 1 1 2"
    keeps("manual", *AWAY, f"32: {ping}", "33: frame 1 1; ret 2", f"62: {OVER}")
    breaks("M4", "manual", *AWAY, f"12: {ping}", "13: frame 1 1; ret 2", f"32: {OVER}")


def test_what_timed_out_stays_closed_in_foreground():
    """M5."""
    keeps("manual", *AWAY, f"32: {OVER}", "33: gone 1", "34: report foreground")
    breaks("M5", "manual", *AWAY, "33: report foreground; ping 1 1")
    breaks("M5", "manual", *AWAY, f"32: {OVER}", "33: gone 1", "34: report foreground; dial 2")
    breaks("M5", "manual", *AWAY, "32: close 1; is disconnected background")


def test_foreground_in_time_keeps_the_socket():
    """M6."""
    back = "report foreground; ping 1 1"
    keeps("manual", *AWAY, f"32: {back}", "33: frame 1 1")
    breaks("M6", "manual", *AWAY, f"9: {back}; close 1; is disconnected background")
    breaks("M6", "manual", *AWAY, f"9: {back}", "10: frame 1 1", f"32: {OVER}")


def test_a_loss_in_background_stays():
    """M7."""
    lost = f"3: {LOST}; is disconnected closed_by_peer"
    keeps("manual", *AWAY, lost, "4: report foreground", "50: report network_up")
    breaks("M7", "manual", *AWAY, lost, "4: report foreground; dial 2; is connecting foreground")


def test_waiting_ends_in_background():
    """M8."""
    waits = "0: report restored u; call 1 connect; is disconnected connect"
    keeps("manual", waits, "1: report background; ret 1 ERR_CONNECTION_LOST", online=False)
    breaks(
        "M8", "manual", waits, "1: report background", "2: report network_up; dial 1", online=False
    )


def test_connect_in_background():
    """M10."""
    dial = "0: report restored u; call 1 connect; dial 1; is connecting connect"
    opened = "1: open 1; ret 1; is connected opened"
    keeps("manual", dial, opened, "9: call 2 connect; ret 2", f"30: {OVER}", foreground=False)
    breaks("M10", "manual", dial, opened, f"31: {OVER}", foreground=False)
    offline = {"foreground": False, "online": False}
    keeps("manual", "0: report restored u; call 1 connect; ret 1 NO_INTERNET_CONNECTION", **offline)
    breaks("M10", "manual", "0: report restored u; call 1 connect", **offline)


def test_earlier_pings_pay_for_nothing():
    """M11."""
    ping = ("2: call 2 ping; ping 1 1 2", "3: frame 1 1; ret 2", "4: report background")
    keeps("manual", *MANUAL_UP, *ping, f"34: {OVER}")
    breaks("M11", "manual", *MANUAL_UP, *ping, f"35: {OVER}")


def test_no_heartbeat_in_background():
    """M12."""
    keeps("manual", *AWAY, "31.5: frame 1")
    breaks("M12", "manual", *AWAY, "31: ping 1 1")
