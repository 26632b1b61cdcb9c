"""The rules of sockets (K1-K6, as far as the machine goes) and of retries (B1-B7)."""

import pytest

from statemodel import Code, Reason, Status, User
from statemodel import effects as fx
from statemodel import events as ev
from tests.statemodel import driving as given
from tests.statemodel.driving import AUTO, MANUAL, MODES, NEW_USER, WAITING, Driver, deny

each_mode = pytest.mark.parametrize("mode", MODES)


@each_mode
@pytest.mark.parametrize(
    "situation", [*given.DIALLING, *given.OPEN, given.closing, given.backgrounded]
)
@pytest.mark.parametrize("inputs", given.WAYS_BACK)
def test_no_dial_before_the_old_socket_is_aborted(mode, situation, inputs):
    """K1: if these inputs dial at all, they abort what there was first."""
    driver = situation(mode)
    driver.effects.clear()
    driver.play(*inputs)

    order = [type(e) for e in driver.asked(fx.Abort, fx.Dial)]
    assert order in ([], [fx.Abort], [fx.Abort, fx.Dial])


@each_mode
@pytest.mark.parametrize("situation", given.LOGGED_IN)
@pytest.mark.parametrize(("kind", "facts"), given.SOCKET_EVENTS.items())
def test_events_of_an_earlier_socket_have_no_effect(mode, situation, kind, facts):
    """K2: whatever an older generation says, the machine stays as it was."""
    driver = situation(mode)
    before = driver.machine.copy()
    driver.do(kind(generation=driver.machine.generation - 1, **facts))

    assert ((), before) == (driver.last, driver.machine)


@each_mode
def test_answers_to_an_earlier_login_or_logout_have_no_effect(mode):
    """K2: not even while a later one waits for such an answer."""
    driver = given.authenticating(mode)
    driver.call(ev.Logout)
    old = {"generation": driver.asked(fx.Authenticate)[0].generation}
    clearing = driver.asked(fx.Clear)[0].generation
    logout = driver.call(ev.Logout)
    driver.start_login("bob")
    driver.do(ev.AuthenticationSucceeded(user=User(uid="alice"), **old))
    driver.answer(ev.AuthenticationSucceeded, user=User(uid="bob"))
    driver.do(ev.SaveSucceeded(**old))
    driver.do(ev.SessionCleared(generation=clearing, error="late"))

    assert [User(uid="bob")] == [save.user for save in driver.asked(fx.Save)]
    assert (None, WAITING) == (driver.machine.user, driver.result(logout))


@each_mode
def test_timers_of_an_earlier_socket_have_no_effect(mode):
    """K2: closing until 5 and dialled anew at 2: the new dial has until 12, and is not closed."""
    driver = given.closing(mode)
    driver.wait(2)
    driver.call(ev.Connect)

    assert 12 == driver.until(fx.Abort)


@each_mode
def test_pings_of_an_earlier_socket_have_no_effect(mode):
    """K2: the heartbeat of 30 was due at 40; open anew at 30.5, one of 60.5 is, at 70.5."""
    driver = given.probing(mode)
    driver.answer(ev.SocketClosed)
    driver.until(fx.Dial)
    driver.open()

    assert 70.5 == driver.until(fx.Abort)


@each_mode
@pytest.mark.parametrize("situation", given.LOGGED_IN)
@pytest.mark.parametrize("kind", [ev.Disconnect, ev.Logout, ev.ShutDown])
def test_nothing_is_delivered_after_the_end(mode, situation, kind):
    """K3: unread messages are dropped, and no status but disconnected follows."""
    driver = situation(mode)
    driver.call(kind)
    dropped, told = driver.count(fx.DiscardUnread), len(driver.shown())
    for late, facts in given.SOCKET_EVENTS.items():
        driver.do(late(generation=driver.machine.generation, **facts))
    driver.wait(100)

    assert 1 == dropped
    assert {Status.DISCONNECTED} >= {status for status, _ in driver.shown()[told:]}


@each_mode
@pytest.mark.parametrize(
    "end", [*given.LOSSES.values(), lambda d: (d.do(ev.EnterBackground()), d.wait(30))]
)
def test_mere_loss_drops_no_message(mode, end):
    """K3: nor does the end of the window (M5); auto mode's background does, by A1."""
    driver = given.connected(mode)
    end(driver)

    assert (mode is AUTO and driver.is_in("background")) == bool(driver.asked(fx.DiscardUnread))


@each_mode
def test_closing_is_disconnected_at_once_and_aborted_at_close_timeout(mode):
    """K4: five seconds, and no second status."""
    driver = given.connected(mode)
    driver.call(ev.Disconnect)
    told = driver.shown()

    assert (Status.DISCONNECTED, Reason.DISCONNECT) == told[-1]
    assert (5, told) == (driver.until(fx.Abort), driver.shown())


@each_mode
@pytest.mark.parametrize("code", [1000, 1006, 1008, 4401, 4500])
def test_any_end_of_a_closing_socket_is_its_end(mode, code):
    """K4, B5: with whatever code, also at exactly the deadline, and nothing comes of it."""
    driver = given.closing(mode)
    driver.jump(5)
    driver.answer(ev.SocketClosed, code=code)

    assert [fx.Succeed] == driver.kinds()
    assert not driver.is_in("failed", "socket", "closing")


@each_mode
@pytest.mark.parametrize(("at", "opened"), [(10, True), (10.125, False)])
def test_attempt_takes_at_most_dial_timeout(mode, at, opened):
    """K5: at exactly the deadline the open socket wins; later it is aborted and retried."""
    driver = given.connecting(mode)
    driver.jump(at)
    driver.open()

    assert (opened, not opened) == (driver.is_in("connected"), driver.count(fx.Abort) == 1)
    assert (Reason.OPENED if opened else Reason.DIAL_FAILED) == driver.shown()[-1][1]


@each_mode
def test_pong_deadlines_start_again_with_the_next_read(mode):
    """K6: not reading from 4 to 100: pings of 0 and 50, and the heartbeat, have until 110."""
    driver = given.connected(mode)
    first, _ = driver.ping()
    driver.wait(4)
    driver.answer(ev.ReadingPaused)
    driver.wait(46)
    second, _ = driver.ping()
    driver.wait(50)
    waited = driver.result(first), driver.result(second), driver.asked(fx.Abort)
    driver.answer(ev.ReadingResumed)

    assert (WAITING, WAITING, []) == waited
    assert 110 == driver.until(fx.Abort)


@each_mode
def test_pause_ends_with_its_socket(mode):
    """K6, K2: the next socket is read, and its silence counts."""
    driver = given.connected(mode)
    driver.answer(ev.ReadingPaused)
    driver.answer(ev.SocketClosed)
    driver.until(fx.Dial)
    driver.open()
    driver.ping()

    assert 10.5 == driver.until(fx.Abort)


@each_mode
@pytest.mark.parametrize("draw", [0.0, 0.25, 0.96875])
@pytest.mark.parametrize(
    ("failures", "ceiling"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (7, 30), (1100, 30)]
)
def test_wait_is_drawn_after_the_cap(mode, draw, failures, ceiling):
    """B1, B3: uniform in [0, ceiling], from the first retry on and at the cap too."""
    driver = given.connecting(mode)
    driver.draw = draw
    for _ in range(failures - 1):
        driver.answer(ev.DialFailed)
        driver.until(fx.Dial)
    driver.answer(ev.DialFailed)

    assert (failures, draw * ceiling) == (driver.machine.failures, driver.shown_retry_in())
    assert driver.now + draw * ceiling == driver.until(fx.Dial)


@each_mode
@pytest.mark.parametrize(
    "inputs", [[ev.NetworkLost, ev.NetworkRestored], [ev.Disconnect, ev.Connect], [ev.Connect]]
)
@pytest.mark.parametrize("opened", [True, False])
def test_only_failed_dials_and_lost_connections_count(mode, inputs, opened):
    """B1: a cancelled dial, the network and our own close do not; the next failure is the 2nd."""
    driver = given.backing_off(mode)
    driver.until(fx.Dial)
    if opened:
        driver.open()
    driver.play(*inputs)
    driver.answer(ev.SocketClosed) if driver.is_in("connected") else driver.answer(ev.DialFailed)

    assert (2, 1.0) == (driver.machine.failures, driver.shown_retry_in())


@each_mode
def test_server_that_accepts_and_drops_is_backed_off(mode):
    """B2: each time for longer, here half of 1, 2, 4, 8, 16, 30 s."""
    driver = given.connecting(mode)
    waits = []
    for _ in range(6):
        driver.open()
        driver.answer(ev.SocketClosed)
        waits.append(driver.shown_retry_in())
        driver.until(fx.Dial)

    assert [0.5, 1, 2, 4, 8, 15] == waits


@each_mode
@pytest.mark.parametrize(("lasted", "failures"), [(9.875, 2), (10, 2), (10.125, 1)])
def test_failures_are_forgotten_after_stable_after(mode, lasted, failures):
    """B2, H4: a loss at exactly 10 s still counts as the second: the input goes first."""
    driver = given.backing_off(mode)
    driver.until(fx.Dial)
    driver.open()
    driver.jump(lasted)
    driver.answer(ev.SocketClosed)

    assert failures == driver.machine.failures


@each_mode
@pytest.mark.parametrize(
    ("status", "retry_after", "dials_at"),
    [(429, 60.0, 60.5), (503, 60.0, 60.5), (503, 301.0, 300.5), (500, 60.0, 0.5), (429, None, 0.5)],
)
def test_retry_after_comes_on_top_of_the_draw(mode, status, retry_after, dials_at):
    """B4: for 429 and 503 only, and at most `retry_after_cap`."""
    driver = given.connecting(mode)
    driver.answer(ev.DialFailed, http_status=status, retry_after=retry_after)

    assert dials_at == driver.until(fx.Dial)


@each_mode
@pytest.mark.parametrize("inputs", given.WAYS_BACK)
def test_retry_after_is_never_skipped(mode, inputs):
    """B4, N2, A2: at 10 these skip the draw, and dial at 60, a disconnect or logout between or not."""
    driver = given.connecting(mode)
    driver.answer(ev.DialFailed, http_status=503, retry_after=60.0)
    driver.wait(10)
    driver.play(*inputs)

    assert (50, 60) == (driver.shown_retry_in(), driver.until(fx.Dial))


def test_connect_in_background_does_not_outwait_retry_after():
    """B4, M8: nothing waits in background, so that it fails at once."""
    driver = given.held_off(MANUAL)
    driver.do(ev.EnterBackground())
    command = driver.call(ev.Connect)

    assert (Code.CONNECTION_LOST, None) == (driver.result(command), driver.until(fx.Dial))


@each_mode
@pytest.mark.parametrize("end", given.DENIALS, ids=str)
@pytest.mark.parametrize("situation", [given.connecting, given.connected])
def test_denied_credentials_are_refreshed_within_the_attempt(mode, situation, end):
    """B5, T6: still connecting; dialled as the new user, with a new `dial_timeout`."""
    driver = situation(mode)
    deny(driver, **end)
    asked, status, failures = driver.kinds(), driver.machine.status, driver.machine.failures
    driver.wait(20)
    driver.answer(ev.RefreshSucceeded, user=NEW_USER)

    assert ([fx.Abort, fx.Refresh], Status.CONNECTING, 0) == (asked, status, failures)
    assert {fx.KeepUser, fx.Dial} == set(driver.kinds())
    assert (NEW_USER, 30) == (driver.asked(fx.Dial)[-1].user, driver.until(fx.Abort))


def test_denied_credentials_are_refreshed_in_background_too():
    """B5, M7: the same attempt goes on, and the window with it."""
    driver = given.backgrounded(MANUAL)
    deny(driver, close_code=4401)
    driver.wait(5)
    driver.answer(ev.RefreshSucceeded, user=NEW_USER)
    driver.open()

    assert (Status.CONNECTED, 30) == (driver.machine.status, driver.until(fx.Close))


@each_mode
@pytest.mark.parametrize(
    "end", [lambda d: d.answer(ev.RefreshFailed), lambda d: d.wait(30)], ids=["failed", "too slow"]
)
def test_refresh_that_cannot_be_had_is_a_failed_dial(mode, end):
    """B5: counted, backed off, and then refreshed again if denied again."""
    driver = given.refreshing(mode)
    end(driver)
    failures, retried_in = driver.machine.failures, driver.shown_retry_in()
    driver.until(fx.Dial)
    deny(driver, http_status=401)

    assert (1, 0.5, 1) == (failures, retried_in, driver.count(fx.Refresh))


@each_mode
@pytest.mark.parametrize("lost_between", [True, False])
def test_credentials_denied_again_fail_for_good(mode, lost_between):
    """B5: without a second refresh, also after a loss and its retry; details say the status."""
    driver = given.refreshing(mode)
    command = driver.call(ev.Connect)
    driver.answer(ev.RefreshSucceeded, user=NEW_USER)
    if lost_between:
        driver.answer(ev.DialFailed)
        driver.until(fx.Dial)
    deny(driver, http_status=403)

    assert (Code.CONNECTION_REFUSED, 0) == (driver.result(command), driver.count(fx.Refresh))
    assert "403" in driver.asked(fx.Fail)[-1].details


@each_mode
@pytest.mark.parametrize(("lasted", "refreshed"), [(9.875, 0), (10.125, 1)])
def test_stable_connection_earns_another_refresh(mode, lasted, refreshed):
    """B5: denied after less than `stable_after` seconds connected, it fails."""
    driver = given.refreshing(mode)
    driver.answer(ev.RefreshSucceeded, user=NEW_USER)
    driver.open()
    driver.wait(lasted)
    deny(driver, close_code=4401)

    assert (refreshed, not refreshed) == (driver.count(fx.Refresh), driver.is_in("failed"))


@each_mode
@pytest.mark.parametrize("code", given.TERMINAL)
@pytest.mark.parametrize("situation", [given.connecting, given.connected])
def test_terminal_codes_fail_for_good(mode, situation, code):
    """B5, C4: not wanted, never retried; what waits fails, and details say the code."""
    driver = situation(mode)
    command = driver.call(ev.Connect) if situation is given.connecting else driver.ping()[0]
    deny(driver, close_code=code)
    end = driver.asked(fx.Fail)[-1]

    assert (command, Code.CONNECTION_REFUSED) == (end.command, end.code)
    assert str(code) in end.details
    assert (None, False) == (driver.until(fx.Dial), driver.is_in("wanted"))
    assert (Status.DISCONNECTED, Reason.REFUSED) == driver.shown()[-1]


@each_mode
@pytest.mark.parametrize("situation", [given.connecting, given.connected])
@pytest.mark.parametrize("code", given.LOSS)
def test_what_the_policy_does_not_list_is_a_loss(mode, situation, code):
    """B5, B7: retried after the wait, 1000 and 1001 included."""
    driver = situation(mode)
    deny(driver, close_code=code)

    assert (1, 0.5) == (driver.machine.failures, driver.until(fx.Dial))


@pytest.mark.parametrize(
    ("mode", "inputs"),
    [
        (AUTO, [ev.Connect]),
        (MANUAL, [ev.Connect]),
        (AUTO, [ev.EnterBackground, ev.EnterForeground]),
        (AUTO, [ev.Logout, Driver.login]),
        (MANUAL, [ev.Logout, Driver.login, ev.Connect]),
    ],
)
def test_failed_is_left_by_connect_logout_and_foreground(mode, inputs):
    """B5: in the same step, and the new attempt has a refresh of its own."""
    driver = given.refreshing(mode)
    driver.answer(ev.RefreshSucceeded, user=NEW_USER)
    deny(driver, http_status=401)
    driver.play(*inputs)
    dials = driver.count(fx.Dial)
    deny(driver, http_status=401)

    assert (1, 1) == (dials, driver.count(fx.Refresh))


@each_mode
@pytest.mark.parametrize("situation", [given.backing_off, given.held_off, given.offline])
@pytest.mark.parametrize("kind", [ev.NetworkLost, ev.Disconnect, ev.Logout, ev.EnterBackground])
def test_nothing_retries_where_nothing_may(mode, situation, kind):
    """B6: offline, held down or unwanted, logged out, in background; nor is a timer left."""
    driver = situation(mode)
    driver.call(kind)

    assert ({}, None) == (driver.machine.timers, driver.until(fx.Dial))
