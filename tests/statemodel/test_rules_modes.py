"""The rules of auto mode (A1-A5) and of manual mode (M1-M12)."""

from functools import partial
from itertools import product

import pytest

from statemodel import Code, Reason, Status, Timings
from statemodel import effects as fx
from statemodel import events as ev
from tests.statemodel import driving as given
from tests.statemodel.driving import AUTO, MANUAL, MODES, SUCCESS, Driver, dials_of, stir


@pytest.mark.parametrize("situation", given.SITUATIONS)
def test_auto_background_has_no_socket_and_nothing_waiting(situation):
    """A1: from whatever there was, in the same step and for as long as background lasts."""
    driver = situation(AUTO)
    driver.do(ev.EnterBackground())
    at_once = driver.is_in("socket", "waiting", "wanted")
    dials = dials_of(driver, driver.do, ev.NetworkLost())
    dials += dials_of(driver, driver.do, ev.NetworkRestored())
    dials += dials_of(driver, driver.wait, 1000)

    assert (False, 0) == (at_once, dials)
    assert not driver.is_in("socket", "waiting", "wanted")


@pytest.mark.parametrize("situation", given.OPEN)
def test_auto_background_starts_the_close_in_the_same_step(situation):
    """A1, K3: a closing handshake, shown as disconnected at once; unread messages are dropped."""
    driver = situation(AUTO)
    driver.do(ev.EnterBackground())

    assert (1, 0) == (driver.count(fx.Close), driver.count(fx.Abort))
    assert 1 == driver.count(fx.DiscardUnread)
    assert (Status.DISCONNECTED, Reason.BACKGROUND) == driver.shown()[-1]


@pytest.mark.parametrize("situation", given.DIALLING)
def test_auto_background_cancels_a_dial(situation):
    """A1: and the dial that succeeds all the same is stale."""
    driver = situation(AUTO)
    driver.do(ev.EnterBackground())
    driver.answer(ev.DialSucceeded)

    assert () == driver.last
    assert Status.DISCONNECTED == driver.machine.status


@pytest.mark.parametrize(
    "situation", [given.backgrounded, given.closing, given.idle, given.failed, given.backing_off]
)
def test_auto_foreground_dials_in_the_same_step(situation):
    """A2: whatever the background found."""
    driver = situation(AUTO)
    driver.do(ev.EnterBackground())
    driver.do(ev.EnterForeground())

    assert 1 == driver.count(fx.Dial)
    assert (Status.CONNECTING, Reason.FOREGROUND) == driver.shown()[-1]


def test_auto_foreground_offline_dials_when_the_network_is_up():
    """A2, N2: no dial before."""
    driver = given.backgrounded(AUTO)
    driver.do(ev.NetworkLost())
    driver.do(ev.EnterForeground())
    dials = driver.count(fx.Dial), driver.until(fx.Dial)
    driver.do(ev.NetworkRestored())

    assert ((0, None), 1) == (dials, driver.count(fx.Dial))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 4000])
def test_foreground_loss_comes_back_by_itself(mode, code):
    """A3, M9: after the wait of B1."""
    driver = given.connected(mode)
    driver.answer(ev.SocketClosed, code=code)
    driver.wait(0.5)
    driver.open()

    assert Status.CONNECTED == driver.machine.status


@pytest.mark.parametrize("situation", given.LOGGED_IN)
def test_disconnect_holds_the_connection_down(situation):
    """A4: no time and no network report ends the hold."""
    driver = situation(AUTO)
    driver.call(ev.Disconnect)
    dials = [dials_of(driver, driver.wait, 1000)]
    dials += [dials_of(driver, driver.call, kind) for kind in (ev.NetworkLost, ev.NetworkRestored)]

    assert ([0, 0, 0], False) == (dials, driver.is_in("wanted", "socket", "waiting"))


@pytest.mark.parametrize("situation", [given.idle, given.backing_off])
def test_auto_connect_in_foreground_dials_at_once(situation):
    """A5, A4: it ends a hold and skips the back-off."""
    driver = situation(AUTO)
    driver.call(ev.Connect)

    assert 1 == driver.count(fx.Dial)


def test_hold_ends_with_a_login_after_a_logout():
    """A4: in the step of the login's success."""
    driver = given.idle(AUTO)
    driver.call(ev.Logout)
    driver.login()

    assert 1 == driver.count(fx.Dial)


def test_hold_ends_with_the_next_entering_of_the_foreground():
    """A4: also if it began in background; foreground while in foreground is no entering (O3)."""
    driver = given.idle(AUTO)
    again = dials_of(driver, driver.do, ev.EnterForeground())
    driver.do(ev.EnterBackground())
    driver.call(ev.Disconnect)
    driver.do(ev.EnterForeground())

    assert (0, 1) == (again, driver.count(fx.Dial))


@pytest.mark.parametrize("situation", given.LOGGED_IN)
def test_auto_connect_in_background_is_refused(situation):
    """A5: A1 has no exceptions, and nothing else happens."""
    driver = situation(AUTO)
    driver.do(ev.EnterBackground())
    before = driver.machine.copy()
    command = driver.call(ev.Connect)

    assert (fx.Fail(command=command, code=Code.APP_IN_BACKGROUND),) == driver.last
    assert before == driver.machine


@pytest.mark.parametrize("situation", [given.idle, given.closing, given.failed])
def test_only_connect_makes_a_manual_connection_wanted(situation):
    """M1, S3: no report, no time and no login does; `connect` does at once."""
    driver = situation(MANUAL)
    dials = dials_of(driver, stir, driver)
    dials += dials_of(driver, driver.start_login)
    dials += dials_of(driver, driver.call, ev.Ping)

    assert (0, 1) == (dials, dials_of(driver, driver.call, ev.Connect))


@pytest.mark.parametrize("situation", given.LOGGED_IN)
def test_after_disconnect_nothing_happens_until_connect(situation):
    """M2: no socket and nothing waiting, whatever else is reported."""
    driver = situation(MANUAL)
    driver.call(ev.Disconnect)
    dials = dials_of(driver, stir, driver)

    assert (0, False) == (dials, driver.is_in("wanted", "socket", "waiting"))
    assert 1 == dials_of(driver, driver.call, ev.Connect)


def test_window_lasts_background_grace():
    """M3: from the entering of the background, not from the opening 7 s before."""
    driver = given.connected(MANUAL)
    driver.wait(7)
    driver.do(ev.EnterBackground())

    assert 37 == driver.until(fx.Close)


def test_window_starts_with_a_socket_that_is_being_opened():
    """M3: a dial is a socket; opened at 5, it is closed 30 s after the background at 2."""
    driver = given.connecting(MANUAL)
    driver.wait(2)
    driver.do(ev.EnterBackground())
    driver.wait(3)
    driver.open()

    assert 32 == driver.until(fx.Close)


@pytest.mark.parametrize("at", [0, 10, 29.875, 30])
def test_ping_up_to_the_deadline_moves_the_window(at):
    """M4: to 30 s after the call, not after the old deadline; at exactly the deadline it wins."""
    driver = given.backgrounded(MANUAL)
    driver.jump(at)
    _, payload = driver.ping()
    driver.answer(ev.PongReceived, payload=payload)

    assert at + 30 == driver.until(fx.Close)


@pytest.mark.parametrize("late", [0.125, 1, 5])
def test_ping_after_the_deadline_is_refused(late):
    """M4: the window has closed first, however late the machine hears of it."""
    driver = given.backgrounded(MANUAL)
    driver.jump(30 + late)
    command = driver.call(ev.Ping)

    assert [fx.Close, fx.Fail] == driver.kinds()
    assert Code.NO_WEBSOCKET_CONNECTION == driver.result(command)


def test_call_of_the_ping_counts_and_not_its_pong():
    """M4: called at 10, written at 12, answered at 15: closed at 40."""
    driver = given.backgrounded(MANUAL)
    driver.wait(10)
    _, payload = driver.ping()
    driver.wait(2)
    driver.answer(ev.PingWritten, payload=payload)
    driver.wait(3)
    driver.answer(ev.PongReceived, payload=payload)

    assert 40 == driver.until(fx.Close)


def test_refused_ping_extends_nothing():
    """M4, P3: a ping at 5 finds no open socket yet; the window still ends at 30."""
    driver = given.connecting(MANUAL)
    driver.do(ev.EnterBackground())
    driver.wait(5)
    refused = driver.result(driver.call(ev.Ping))
    driver.open()

    assert (Code.NO_WEBSOCKET_CONNECTION, 30) == (refused, driver.until(fx.Close))


def test_end_of_the_window_closes_and_says_so():
    """M5: unwanted, with its own reason; what had arrived is still delivered (K3)."""
    driver = given.backgrounded(MANUAL)
    driver.wait(30)

    assert [fx.Close] == driver.kinds()
    assert (Status.DISCONNECTED, Reason.BACKGROUND_TIMEOUT) == driver.shown()[-1]
    assert not driver.is_in("wanted")


def test_foreground_after_the_window_does_not_reconnect():
    """M5: neither during the closing nor after it."""
    driver = given.backgrounded(MANUAL)
    driver.wait(30)
    dials = dials_of(driver, driver.do, ev.EnterForeground())

    assert 0 == dials + dials_of(driver, stir, driver)


def test_end_of_the_window_fails_what_waits():
    """M5: a dial is cancelled and its `connect` told; here the window is shorter than a dial."""
    timings = Timings(background_grace=5, keep_alive_interval=2)
    driver = Driver(MANUAL, timings=timings, foreground=False)
    driver.login()
    command = driver.call(ev.Connect)
    driver.wait(5)

    assert [fx.Abort, fx.Fail] == driver.kinds()
    assert Code.CONNECTION_LOST == driver.result(command)


@pytest.mark.parametrize(("at", "goes_on"), [(29.875, True), (30, True), (30.125, False)])
def test_foreground_up_to_the_deadline_keeps_the_socket(at, goes_on):
    """M6: at exactly the deadline the foreground wins; no dial, no close, ever after."""
    driver = given.backgrounded(MANUAL)
    driver.jump(at)
    driver.do(ev.EnterForeground())
    closes = len(driver.asked(fx.Close, fx.Abort))
    driver.answer(ev.FrameReceived)
    driver.wait(20)

    assert goes_on == (Status.CONNECTED == driver.machine.status)
    assert (goes_on, 1) == (not closes, len(driver.asked(fx.Dial)))


@pytest.mark.parametrize(
    ("situation", "loss"),
    [
        *product([given.connected], given.LOSSES.values()),
        *product([given.connecting], given.DIAL_LOSSES.values()),
    ],
    ids=[*given.LOSSES, *(f"dial {name}" for name in given.DIAL_LOSSES)],
)
def test_manual_loss_in_background_is_for_good(situation, loss):
    """M7, B6: no retry in background, none after it; `connect` is needed, and is enough."""
    driver = situation(MANUAL)
    driver.do(ev.EnterBackground())
    loss(driver)
    wanted = driver.is_in("wanted", "waiting", "socket")
    dials = dials_of(driver, stir, driver)

    assert (False, 0) == (wanted, dials)
    assert 1 == dials_of(driver, driver.call, ev.Connect)


@pytest.mark.parametrize("name", given.DIAL_LOSSES)
def test_manual_loss_in_background_fails_a_waiting_connect(name):
    """M7, C4: at once, with the code of what happened."""
    driver = Driver(MANUAL, foreground=False)
    driver.login()
    command = driver.call(ev.Connect)
    given.DIAL_LOSSES[name](driver)

    code = Code.CONNECTION_REFUSED if name == "refused" else Code.CONNECTION_LOST
    assert code == driver.result(command)


@pytest.mark.parametrize(
    "situation",
    [given.backing_off, given.held_off, given.offline, partial(given.connecting, online=False)],
)
def test_manual_background_while_waiting_is_for_good(situation):
    """M8: the waiting `connect` fails, and nothing comes back."""
    driver = situation(MANUAL)
    command = driver.call(ev.Connect) if situation is given.offline else 2
    driver.do(ev.EnterBackground())
    assert (Code.CONNECTION_LOST, False) == (driver.result(command), driver.is_in("wanted"))
    assert 0 == dials_of(driver, stir, driver)


def test_manual_connect_in_background_starts_the_window_at_the_call():
    """M10: called at 7, open at 12, closed at 37; `connect` succeeds with the open socket."""
    driver = Driver(MANUAL, foreground=False)
    driver.login()
    driver.wait(7)
    command = driver.call(ev.Connect)
    driver.wait(5)
    driver.open()

    assert (SUCCESS, 37) == (driver.result(command), driver.until(fx.Close))


def test_manual_connect_in_background_with_a_socket_moves_no_window():
    """M10: neither with a socket being opened, at 5, nor with an open one, at 10."""
    driver = given.connecting(MANUAL)
    driver.do(ev.EnterBackground())
    driver.wait(5)
    driver.call(ev.Connect)
    driver.open()
    driver.wait(5)
    driver.call(ev.Connect)

    assert (1, 30) == (len(driver.asked(fx.Dial)), driver.until(fx.Close))


def test_manual_connect_in_background_offline_is_refused():
    """M10: NO_INTERNET_CONNECTION, and nothing else happens."""
    driver = given.backgrounded(MANUAL)
    driver.do(ev.NetworkLost())
    before = driver.machine.copy()
    command = driver.call(ev.Connect)

    assert (fx.Fail(command=command, code=Code.NO_INTERNET_CONNECTION),) == driver.last
    assert before == driver.machine


def test_earlier_ping_pays_for_nothing():
    """M11: pinged at 4, in background at 5, closed at 35."""
    driver = given.connected(MANUAL)
    driver.wait(4)
    _, payload = driver.ping()
    driver.answer(ev.PongReceived, payload=payload)
    driver.wait(1)
    driver.do(ev.EnterBackground())

    assert 35 == driver.until(fx.Close)


def test_no_heartbeat_in_background():
    """M12: none in 200 s of window without a frame, though one was due at 30."""
    driver = given.connected(MANUAL, timings=Timings(background_grace=200))
    driver.wait(20)
    driver.do(ev.EnterBackground())

    assert (220, []) == (driver.until(fx.Close), driver.own_pings())


@pytest.mark.parametrize("answered", [True, False])
def test_heartbeat_in_flight_does_not_extend_the_window(answered):
    """M12: sent at 30, in background at 35: with its pong closed at 65, without lost at 40."""
    driver = given.connected(MANUAL)
    driver.wait(35)
    driver.do(ev.EnterBackground())
    if answered:
        driver.answer(ev.PongReceived, payload=driver.own_pings()[0].payload)

    assert (65 if answered else 40) == driver.until(fx.Close if answered else fx.Abort)
