"""The trace rules on pings, commands, sockets, retries, the network and the status."""

from dataclasses import replace

from statemodel.trace_rules import View, judge
from statemodel.traces import StatusSeen
from tests.statemodel.trace_building import AUTO_UP, MANUAL_UP, breaks, keeps, trace

CLOSE = "3: call 5 disconnect; close 1; is disconnected disconnect"
LOST = "ended 1 loss; gone 1; is disconnected closed_by_peer"
DIAL = "0: report restored u; call 1 connect; dial 1; is connecting connect"
PING = "2: call 2 ping; ping 1 7 2"
SILENT = "gone 1; is disconnected no_answer 0.5"


def test_a_ping_call_sends_one_ping():
    """P1."""
    keeps("manual", *MANUAL_UP, PING, "3: frame 1 7; ret 2")
    breaks("P1", "manual", *MANUAL_UP, "2: call 2 ping")
    breaks("P1", "manual", *MANUAL_UP, PING + "; ping 1 8 2")


def test_a_ping_call_ends():
    """P2."""
    keeps("manual", *MANUAL_UP, PING, "9: frame 1", "12: ret 2 ERR_PING_TIMEOUT")
    keeps("manual", *MANUAL_UP, PING, f"9: {LOST} 0.5; ret 2 ERR_CONNECTION_LOST")
    breaks("P2", "manual", *MANUAL_UP, PING, "9: frame 1", "13: frame 1")
    breaks("P2", "manual", *MANUAL_UP, PING, "3: frame 1 7")
    breaks("P2", "manual", *MANUAL_UP, PING, f"9: {LOST} 0.5")
    breaks("P2", "manual", *MANUAL_UP, PING, "9: frame 1; ret 2 ERR_PING_TIMEOUT")


def test_no_ping_without_a_socket():
    """P3."""
    keeps("manual", "0: report restored u; call 1 ping; ret 1 NO_WEBSOCKET_CONNECTION")
    breaks("P3", "manual", "0: report restored u; call 1 ping")
    breaks(
        "P3", "manual", "0: report restored u; call 1 ping; dial 1; ret 1 NO_WEBSOCKET_CONNECTION"
    )


def test_a_stray_pong_is_only_a_frame():
    """P4."""
    keeps("manual", *MANUAL_UP, PING, "3: frame 1 99", "4: frame 1 7; ret 2")
    breaks("P4", "manual", *MANUAL_UP, PING, "3: frame 1 99; ret 2")
    breaks(
        "P4", "manual", *MANUAL_UP, PING, "3: frame 1 99", f"12: {SILENT}; ret 2 ERR_PING_TIMEOUT"
    )


def test_silence_after_a_ping_is_a_loss():
    """P5."""
    keeps("manual", *MANUAL_UP, PING, f"12: {SILENT}; ret 2 ERR_PING_TIMEOUT")
    breaks("P5", "manual", *MANUAL_UP, PING, "12: ret 2 ERR_PING_TIMEOUT", "13: frame 1")
    breaks("P5", "manual", *MANUAL_UP, PING, f"11: {SILENT}; ret 2 ERR_CONNECTION_LOST")


def test_connect_with_a_socket_succeeds():
    """C1."""
    keeps("manual", *MANUAL_UP, "2: call 2 connect; ret 2")
    breaks("C1", "manual", *MANUAL_UP, "2: call 2 connect")
    breaks("C1", "manual", *MANUAL_UP, "2: call 2 connect; gone 1; dial 2; ret 2")


def test_connect_joins_an_attempt_and_outlives_it():
    """C2."""
    joined = (DIAL, "1: call 2 connect", "2: ended 1 loss; gone 1; is disconnected dial_failed 1")
    keeps(
        "manual",
        *joined,
        "3: dial 2; is connecting retry",
        "4: open 2; ret 1; ret 2; is connected opened",
    )
    breaks("C2", "manual", *joined[:2], joined[2] + "; ret 2 ERR_CONNECTION_LOST")
    breaks("C2", "manual", DIAL, "1: call 2 connect; gone 1; dial 2")


def test_connect_does_not_wait_for_back_off():
    """C3."""
    wait = (*MANUAL_UP, f"2: {LOST} 0.9")
    keeps("manual", *wait, "2.5: call 3 connect; dial 2; is connecting connect")
    breaks("C3", "manual", *wait, "2.5: call 3 connect")


def test_every_call_ends_once():
    """C4."""
    keeps("manual", DIAL, "1: cancel 1", "2: open 1; is connected opened")
    auto = "0: report restored u; dial 1; is connecting restored; call 1 connect"
    away = "report background; gone 1; is disconnected background"
    keeps("auto", auto, f"1: {away}; ret 1 ERR_APP_IN_BACKGROUND")
    breaks("C4", "auto", auto, f"1: {away}")
    breaks("C4", "manual", DIAL, "2: open 1; is connected opened")
    breaks("C4", "manual", *MANUAL_UP, "2: ret 1")
    breaks("C4", "manual", DIAL, "1: call 2 disconnect; gone 1; ret 1 ERR_CONNECTION_LOST; ret 2")


def test_disconnect_waits_for_the_socket():
    """C5."""
    keeps(
        "manual", *MANUAL_UP, CLOSE, "4: call 6 disconnect", "5: ended 1 loss; gone 1; ret 5; ret 6"
    )
    keeps("manual", *MANUAL_UP, CLOSE, "4: cancel 5; gone 1")
    gone = "gone 1; is disconnected disconnect"
    keeps("manual", DIAL, f"1: call 2 disconnect; {gone}; ret 1 ERR_DISCONNECTED; ret 2")
    breaks("C5", "manual", *MANUAL_UP, CLOSE + "; ret 5")
    breaks("C5", "manual", *MANUAL_UP, CLOSE, "5: gone 1")
    breaks("C5", "manual", *MANUAL_UP, CLOSE, "4: cancel 5")


def test_a_dial_aborts_what_is_closing():
    """C6."""
    dial = "dial 2; is connecting connect"
    keeps("manual", *MANUAL_UP, CLOSE, f"4: call 6 connect; gone 1; ret 5; {dial}")
    breaks("C6", "manual", *MANUAL_UP, CLOSE, f"4: call 6 connect; {dial}; gone 1; ret 5")


def test_the_last_command_decides():
    """C7."""
    burst = (*MANUAL_UP, CLOSE, "3: call 6 connect; gone 1; ret 5; dial 2; is connecting connect")
    last = "3: call 7 disconnect; gone 2; is disconnected disconnect; ret 6 ERR_DISCONNECTED; ret 7"
    keeps("manual", *burst, last)
    breaks("C7", "manual", *burst, last, "4: dial 3; is connecting connect")
    breaks("C7", "manual", *MANUAL_UP, CLOSE, "4: gone 1; ret 5", "5: call 6 connect")


def test_connect_offline_waits():
    """C8."""
    wait = "0: report restored u; call 1 connect; is disconnected connect"
    keeps("manual", wait, "1: report network_up; dial 1; is connecting network_up", online=False)
    breaks("C8", "manual", wait, "1: report network_up", online=False)
    breaks(
        "C8",
        "manual",
        "0: report restored u; call 1 connect; ret 1 NO_INTERNET_CONNECTION",
        online=False,
    )


def test_one_socket_at_a_time():
    """K1."""
    dial = "dial 2; is connecting retry"
    keeps("manual", *MANUAL_UP, f"2: {LOST} 0; {dial}")
    breaks(
        "K1",
        "manual",
        *MANUAL_UP,
        f"2: ended 1 loss; is disconnected closed_by_peer 0; {dial}; gone 1",
    )


def test_of_each_dial_it_is_said_once_that_it_came_too_early():
    """K1: however many sockets are there; who never closes one shall be judged in a reasonable time."""
    dials = "; ".join(f"dial {number}" for number in range(2, 502))
    flood = trace("manual", *MANUAL_UP, f"2: {dials}")
    complaints = judge(flood, rules=("K1",))

    assert len({complaint.message.split()[1] for complaint in complaints}) == len(complaints) == 500
    assert len(View(flood).moments[-1].after.sockets) <= 101


def test_what_is_gone_has_no_effect():
    """K2."""
    again = (*MANUAL_UP, f"2: {LOST} 0; dial 2; is connecting retry")
    keeps("manual", *again, "3: frame 1", "4: ended 1 terminal; gone 1")
    breaks("K2", "manual", *again, "3: ended 1 loss; gone 2; is disconnected closed_by_peer 0.5")


def test_nothing_is_delivered_after_a_close():
    """K3."""
    keeps("manual", *MANUAL_UP, "2: deliver 1 1", f"3: {LOST} 0.9", "3.5: deliver 1 2")
    breaks("K3", "manual", *MANUAL_UP, CLOSE, "3.5: deliver 1 1")
    breaks("K3", "manual", *MANUAL_UP, CLOSE, "4: gone 1; ret 5", "5: is connected opened")


def test_closing_is_short():
    """K4."""
    keeps("manual", *MANUAL_UP, CLOSE, "8: gone 1; ret 5")
    breaks("K4", "manual", *MANUAL_UP, CLOSE, "9: gone 1; ret 5")
    breaks("K4", "manual", *MANUAL_UP, "3: call 5 disconnect; close 1")


def test_a_dial_is_short():
    """K5."""
    keeps("manual", DIAL, "10: gone 1; is disconnected dial_failed 1")
    breaks("K5", "manual", DIAL, "11: gone 1; is disconnected dial_failed 1")
    breaks("K5", "manual", DIAL, "9: gone 1; is disconnected dial_failed 1")


def test_messages_in_order_and_no_loss_while_not_reading():
    """K6."""
    off = (*MANUAL_UP, PING, "3: reading 1 off")
    keeps("manual", *MANUAL_UP, "2: deliver 1 1; deliver 1 2")
    keeps("manual", *off, "20: reading 1 on", f"30: {SILENT}; ret 2 ERR_PING_TIMEOUT")
    breaks("K6", "manual", *MANUAL_UP, "2: deliver 1 1; deliver 1 1")
    breaks("K6", "manual", *off, f"12: {SILENT}; ret 2 ERR_PING_TIMEOUT")


def test_a_retry_comes_within_its_bound():
    """B1."""
    failed = "ended 2 loss; gone 2; is disconnected dial_failed"
    again = (*MANUAL_UP, f"2: {LOST} 1", "3: dial 2; is connecting retry")
    keeps("manual", *again, f"4: {failed} 2", "6: dial 3; is connecting retry")
    breaks("B1", "manual", *again, f"4: {failed} 2.5", "6.5: dial 3; is connecting retry")


def test_failures_are_forgotten_once_stable():
    """B2."""
    again = (
        *MANUAL_UP,
        f"2: {LOST} 1",
        "3: dial 2; is connecting retry",
        "4: open 2; is connected opened",
    )
    lost = "ended 2 loss; gone 2; is disconnected closed_by_peer"
    keeps("manual", *again, f"14: {lost} 2")
    breaks("B2", "manual", *again, f"15: {lost} 2")


def test_retry_after_is_kept():
    """B4."""
    later = (DIAL, "1: ended 1 loss 60; gone 1; is disconnected dial_failed 60.5")
    down = "2: call 2 disconnect; is disconnected disconnect; ret 2; ret 1 ERR_DISCONNECTED"
    keeps("manual", *later, "61.5: dial 2; is connecting retry")
    breaks("B4", "manual", *later, down, "3: call 3 connect; dial 2; is connecting connect")
    away = "4: call 3 connect"
    keeps("manual", *later, down, "3: report background", away + "; ret 3 ERR_CONNECTION_LOST")
    breaks("B4", "manual", *later, down, "3: report background", away)


def test_auth_refusals_are_refreshed_once():
    """B5."""
    auth = (DIAL, "1: ended 1 auth; gone 1; refresh begun", "2: refresh done; dial 2")
    failed = "is disconnected refused; ret 1 ERR_CONNECTION_REFUSED"
    keeps(
        "manual",
        *auth,
        f"3: ended 2 auth; gone 2; {failed}",
        "4: call 2 connect; dial 3; is connecting connect",
    )
    keeps("manual", *auth[:2], f"2: refresh refused; {failed}")
    breaks("B5", "manual", *auth, "3: ended 2 auth; gone 2; refresh begun")
    breaks("B5", "manual", *auth[:2], "2: refresh done")
    breaks("B5", "manual", DIAL, f"1: ended 1 auth; gone 1; {failed}")
    breaks("B5", "manual", DIAL, "1: ended 1 terminal; gone 1; is disconnected refused")
    breaks(
        "B5", "auto", *AUTO_UP, "2: ended 1 terminal; gone 1; is disconnected refused", "3: dial 2"
    )


def test_nothing_retries_where_it_must_not():
    """B6."""
    lost = f"2: {LOST}"
    keeps("manual", *MANUAL_UP, "1.5: report background", lost)
    breaks(
        "B6", "manual", *MANUAL_UP, "1.5: report background", lost, "3: dial 2; is connecting retry"
    )


def test_an_ordinary_close_by_the_server_is_a_loss():
    """B7."""
    keeps("auto", *AUTO_UP, f"2: {LOST} 1", "3: dial 2; is connecting retry")
    breaks("B7", "auto", *AUTO_UP, f"2: {LOST}", "9: frame 1")


def test_network_down_gives_the_socket_up():
    """N1."""
    down = "2: report network_down; gone 1; is disconnected network_down"
    keeps("auto", *AUTO_UP, down, "60: report network_down")
    breaks("N1", "auto", *AUTO_UP, "2: report network_down; close 1; is disconnected network_down")
    breaks("N1", "auto", *AUTO_UP, down, "3: dial 2; is connecting retry")


def test_network_up_dials():
    """N2."""
    down = (*AUTO_UP, "2: report network_down; gone 1; is disconnected network_down")
    keeps("auto", *down, "3: report network_up; dial 2; is connecting network_up")
    breaks("N2", "auto", *down, "3: report network_up")


def test_network_up_does_nothing_unwanted():
    """N3."""
    keeps("manual", "0: report restored u", "1: report network_up", online=False)
    breaks("N3", "manual", "0: report restored u", "1: report network_up; dial 1", online=False)


def test_heartbeats():
    """H1."""
    keeps("auto", *AUTO_UP, "5: frame 1", "35: ping 1 1", "36: frame 1 1", "66: ping 1 2")
    breaks("H1", "auto", *AUTO_UP, "5: frame 1", "36: frame 1")
    breaks("H1", "auto", *AUTO_UP, "5: frame 1", "34: ping 1 1")
    breaks("H1", "auto", *AUTO_UP, "31: ping 1 1; ping 1 2")


def test_coming_back_probes():
    """H2."""
    away = (*MANUAL_UP, "2: report background")
    keeps("manual", *away, "3: report foreground; ping 1 1", f"8: {SILENT}")
    breaks("H2", "manual", *away, "3: report foreground")


def test_nothing_before_a_grace_deadline_that_has_passed():
    """H5."""
    away = (*MANUAL_UP, "2: report background")
    keeps(
        "manual",
        *away,
        "32: close 1; is disconnected background_timeout",
        "33: call 2 connect; gone 1; dial 2; is connecting connect",
    )
    breaks("H5", "manual", *away, "40: call 2 ping; ping 1 1 2")


def test_the_status_is_what_the_sockets_are():
    """T1."""
    keeps("auto", *AUTO_UP)
    breaks("T1", "auto", AUTO_UP[0], "1: open 1")


def test_changes_are_told_once_and_in_order():
    """T2."""
    keeps("auto", *AUTO_UP, f"2: {LOST} 0.5", "2.5: dial 2; is connecting retry")
    breaks("T2", "auto", *AUTO_UP, "2: is connected opened")
    breaks("T2", "auto", *AUTO_UP, f"2: {LOST}")
    breaks("T2", "auto", *AUTO_UP, f"2: {LOST} 0.5", "2.7: dial 2; is connecting retry")
    breaks("T2", "auto", *AUTO_UP, f"2: {LOST} 0.5", "2.3: dial 2; is connecting retry")
    entries = trace("auto", *AUTO_UP)
    twice = [
        replace(e, change=replace(e.change, sequence=1)) if isinstance(e, StatusSeen) else e
        for e in entries
    ]
    assert "T2" in {finding.rule for finding in judge(twice)}


def test_a_loss_shows_as_disconnected_first():
    """T3."""
    keeps("auto", *AUTO_UP, f"2: {LOST} 0; dial 2; is connecting retry")
    breaks("T3", "auto", *AUTO_UP, "2: ended 1 loss; gone 1; dial 2; is connecting retry")


def test_connecting_needs_an_attempt():
    """T6."""
    keeps("auto", AUTO_UP[0], "1: ended 1 auth; gone 1; refresh begun")
    breaks("T6", "auto", "0: report restored u; is connecting restored", online=False)
    breaks("T6", "auto", AUTO_UP[0], "1: ended 1 loss; gone 1")


def test_throttling_is_the_servers_word():
    """T7."""
    keeps(
        "auto",
        *AUTO_UP,
        "2: throttled 1 on; is feature_throttled throttled",
        "3: throttled 1 off; is connected unthrottled",
    )
    breaks("T7", "auto", *AUTO_UP, "2: throttled 1 on")
    breaks("T7", "auto", AUTO_UP[0], "1: open 1; is feature_throttled opened")
