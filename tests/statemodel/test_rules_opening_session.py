"""The rules of opening (O1-O4) and of the session (S1-S8)."""

from itertools import product

import pytest

from statemodel import Code, Reason, Status, User
from statemodel import effects as fx
from statemodel import events as ev
from tests.statemodel import driving as given
from tests.statemodel.driving import AUTO, MANUAL, MODES, REPORTS, SUCCESS, WAITING, Driver

each_mode = pytest.mark.parametrize("mode", MODES)
each_situation = pytest.mark.parametrize("situation", given.SITUATIONS)


def test_connection_starts_in_auto_mode_in_foreground_and_online():
    """O1, O2: the one way in which a login dials at once."""
    driver = Driver()
    driver.login()

    assert 1 == driver.count(fx.Dial)


@each_mode
@each_situation
def test_mode_never_changes(mode, situation):
    """O1: the mode is the stated one, whatever has happened."""
    assert situation(mode).is_in(mode.value)


@pytest.mark.parametrize(
    ("options", "report"),
    [({"foreground": False}, ev.EnterForeground), ({"online": False}, ev.NetworkRestored)],
)
def test_application_may_say_otherwise(options, report):
    """O2, S2: opened in background or offline, the dial comes with the report of the opposite."""
    driver = Driver(AUTO, **options)
    driver.login()
    driver.wait(1000)
    dials_before = len(driver.asked(fx.Dial))
    driver.do(report())

    assert (0, 1) == (dials_before, driver.count(fx.Dial))


@each_mode
@each_situation
@pytest.mark.parametrize("report", REPORTS)
def test_repeated_report_changes_nothing(mode, situation, report):
    """O3: the same report again has no effect and leaves the machine as it was."""
    driver = situation(mode)
    driver.do(report())
    before = driver.machine.copy()
    driver.do(report())

    assert () == driver.last
    assert before == driver.machine


def test_background_in_background_restarts_no_window():
    """O3: the window that began at 0 ends at 30, not 30 s after the second report."""
    driver = given.connected(MANUAL)
    driver.do(ev.EnterBackground())
    driver.wait(10)
    driver.do(ev.EnterBackground())

    assert 30 == driver.until(fx.Close)


@each_mode
def test_shut_down_closes_the_socket_and_then_succeeds(mode):
    """O4: as `disconnect`: closing handshake first; the saved user is not cleared."""
    driver = given.connected(mode)
    command = driver.call(ev.ShutDown)
    at_once = driver.kinds(), driver.result(command), driver.shown()[-1]
    driver.answer(ev.SocketClosed)

    assert {fx.DiscardUnread, fx.Close} == set(at_once[0])
    assert (WAITING, (Status.DISCONNECTED, Reason.SHUT_DOWN)) == at_once[1:]
    assert SUCCESS == driver.result(command)
    assert [] == driver.asked(fx.Clear)


@each_mode
@each_situation
def test_shut_down_ends_everything_from_every_situation(mode, situation):
    """O4: no timer, no dial and nobody waiting is left, at the latest after `close_timeout`."""
    driver = situation(mode)
    command = driver.call(ev.ShutDown)
    driver.wait(5)
    dials = len(driver.asked(fx.Dial))
    for report in REPORTS:
        driver.do(report())
    driver.wait(1000)

    assert SUCCESS == driver.result(command)
    assert frozenset() == driver.machine.waiting
    assert {} == driver.machine.timers
    assert dials == len(driver.asked(fx.Dial))


@each_mode
@pytest.mark.parametrize(
    ("situation", "kind"),
    [
        (given.connecting, ev.Connect),
        (given.connected, ev.Ping),
        (given.closing, ev.Disconnect),
        (given.connected, ev.Logout),
        (given.logged_out, ev.Logout),
    ],
)
def test_shut_down_fails_what_waits(mode, situation, kind):
    """O4: a waiting command fails with ERR_CLOSED."""
    driver = situation(mode)
    command = driver.call(kind)
    waited = driver.result(command)
    driver.call(ev.ShutDown)

    assert (WAITING, Code.CLOSED) == (waited, driver.result(command))


@each_mode
def test_shut_down_again_ends_too(mode):
    """O4, C4: the second call is given an end as well."""
    driver = given.logged_out(mode)
    driver.call(ev.ShutDown)
    again = driver.call(ev.ShutDown)

    assert WAITING != driver.result(again)


@each_mode
def test_cancelled_shut_down_aborts_at_once(mode):
    """O4: as `disconnect`, of which C5 says: cancelled, it aborts at once."""
    driver = given.connected(mode)
    command = driver.call(ev.ShutDown)
    driver.do(ev.Cancel(command=command))

    assert [fx.Abort] == driver.kinds()


@each_mode
def test_login_authenticates_then_saves_then_succeeds(mode):
    """S1: one after the other, and the user is the authenticator's."""
    user = User(uid="alice", auth_token="from the authenticator")
    driver = Driver(mode)
    command = driver.start_login()
    first = driver.kinds(), driver.result(command)
    driver.answer(ev.AuthenticationSucceeded, user=user)
    second = driver.kinds(), driver.asked(fx.Save)[-1].user, driver.result(command)
    driver.answer(ev.SaveSucceeded)

    assert ([fx.Authenticate], WAITING) == first
    assert ([fx.Save], user, WAITING) == second
    assert fx.Succeed(command=command, value=user) in driver.last
    assert user == driver.machine.user


def test_login_does_not_wait_for_the_socket():
    """S1: it has succeeded while the dial runs; a refused dial changes nothing about it."""
    driver = Driver(AUTO)
    command = driver.login()
    succeeded = driver.result(command), driver.machine.status
    driver.answer(ev.DialFailed, close_code=1008)

    assert (SUCCESS, Status.CONNECTING) == succeeded
    assert User(uid="alice", auth_token="token") == driver.machine.user


@each_mode
@pytest.mark.parametrize(
    ("situation", "kind", "code", "clears"),
    [
        (given.authenticating, ev.AuthenticationFailed, Code.AUTHENTICATION_FAILED, 0),
        (given.saving, ev.SaveFailed, Code.SESSION_NOT_SAVED, 1),
    ],
)
def test_failed_login_leaves_nothing_saved(mode, situation, kind, code, clears):
    """S1: nobody is logged in, why is told, and what the store may have got is cleared."""
    driver = situation(mode)
    driver.answer(kind, details="why")

    assert clears == driver.count(fx.Clear)
    assert fx.Fail(command=1, code=code, details="why") in driver.last
    assert (None, {}) == (driver.machine.user, driver.machine.timers)


@each_mode
@pytest.mark.parametrize(("after", "saves"), [(30, 1), (30.125, 0)])
def test_authentication_counts_up_to_auth_timeout(mode, after, saves):
    """S1, K2: at exactly the deadline the answer wins; later it is stale."""
    driver = given.authenticating(mode)
    driver.jump(after)
    driver.answer(ev.AuthenticationSucceeded, user=User(uid="alice"))

    assert saves == driver.count(fx.Save)


@each_mode
@pytest.mark.parametrize(("after", "end"), [(30, SUCCESS), (30.125, Code.SESSION_NOT_SAVED)])
def test_save_counts_up_to_auth_timeout(mode, after, end):
    """S1, K2: the save has 30 s of its own, and the tie is the same."""
    driver = given.authenticating(mode)
    driver.wait(20)
    driver.answer(ev.AuthenticationSucceeded, user=User(uid="alice"))
    driver.jump(after)
    driver.answer(ev.SaveSucceeded)

    assert end == driver.result(1)


@each_mode
@pytest.mark.parametrize(
    ("situation", "code"),
    [(given.authenticating, Code.AUTHENTICATION_FAILED), (given.saving, Code.SESSION_NOT_SAVED)],
)
def test_login_fails_at_auth_timeout_and_not_before(mode, situation, code):
    """S1: 30 s for each step; what ran is called off."""
    driver = situation(mode)
    driver.wait(29.875)
    before = driver.result(1)
    driver.wait(0.125)

    assert (WAITING, code) == (before, driver.result(1))
    assert 1 == driver.count(fx.CancelLogin)


@each_mode
@pytest.mark.parametrize("situation", [given.authenticating, given.saving])
def test_cancelled_login_is_abandoned(mode, situation):
    """S1, C4: called off, nothing stays saved, and the caller is told nothing."""
    driver = situation(mode)
    driver.do(ev.Cancel(command=1))

    assert fx.CancelLogin is driver.kinds()[0]
    assert (situation is given.saving) == (driver.count(fx.Clear) == 1)
    assert (WAITING, {}) == (driver.result(1), driver.machine.timers)


def test_auto_login_in_foreground_dials_at_once():
    """S2: in the same step as the login's success."""
    driver = given.saving(AUTO)
    driver.answer(ev.SaveSucceeded)

    assert 1 == driver.count(fx.Dial)
    assert (Status.CONNECTING, Reason.LOGIN) == driver.shown()[-1]


@pytest.mark.parametrize(("foreground", "online"), list(product((True, False), repeat=2)))
@pytest.mark.parametrize("restored", [True, False])
def test_manual_login_never_opens_a_socket(foreground, online, restored):
    """S3, S4: nor does a restored session, or what follows, short of `connect`."""
    driver = Driver(MANUAL, foreground=foreground, online=online)
    driver.do(ev.SessionRestored(user=User(uid="alice"))) if restored else driver.login()
    for report in (*REPORTS, *reversed(REPORTS)):
        driver.do(report())
        driver.wait(100)

    assert (True, []) == (driver.is_in("logged_in"), driver.asked(fx.Dial))


def test_auto_restored_session_connects_without_authenticating():
    """S4: the dial comes in the same step, as the saved user."""
    user = User(uid="alice", auth_token="saved")
    driver = Driver(AUTO)
    driver.do(ev.SessionRestored(user=user))

    assert [fx.Dial(generation=driver.machine.generation, user=user)] == driver.asked(fx.Dial)
    assert [] == driver.asked(fx.Authenticate, fx.Save)
    assert [(Status.CONNECTING, Reason.RESTORED)] == driver.shown()


@each_mode
@each_situation
def test_logout_leaves_nothing_from_every_situation(mode, situation):
    """S5, S8: the user and the saved user go, and no report or time brings anything back."""
    driver = situation(mode)
    command = driver.call(ev.Logout)
    cleared = driver.count(fx.Clear)
    driver.answer(ev.SessionCleared)
    driver.wait(5)
    dials = len(driver.asked(fx.Dial))
    for report in (*REPORTS, *reversed(REPORTS)):
        driver.do(report())
        driver.wait(100)

    assert (1, SUCCESS) == (cleared, driver.result(command))
    assert (None, {}) == (driver.machine.user, driver.machine.timers)
    assert dials == len(driver.asked(fx.Dial))


@each_mode
@pytest.mark.parametrize("first", ["store", "socket"])
def test_logout_waits_for_store_and_socket(mode, first):
    """S5, C5: it returns when the socket is closed and the store has answered."""
    driver = given.connected(mode)
    command = driver.call(ev.Logout)
    ends = [(ev.SessionCleared, {}), (ev.SocketClosed, {"code": 1000})]
    results = []
    for kind, facts in ends if first == "store" else reversed(ends):
        driver.answer(kind, **facts)
        results.append(driver.result(command))

    assert [WAITING, SUCCESS] == results


@each_mode
@pytest.mark.parametrize("situation", [given.authenticating, given.saving])
@pytest.mark.parametrize(
    ("kind", "code"), [(ev.Logout, Code.LOGGED_OUT), (ev.ShutDown, Code.CLOSED)]
)
def test_running_login_is_called_off(mode, situation, kind, code):
    """S5, O4: first of all, so that a clearing comes after any save; the login fails."""
    driver = situation(mode)
    driver.call(kind)

    assert (fx.CancelLogin, code) == (driver.kinds()[0], driver.result(1))


@each_mode
@each_situation
def test_logout_of_an_uncleared_store_still_logs_out(mode, situation):
    """S5: the user is gone; the call fails and says what the store said."""
    driver = situation(mode)
    command = driver.call(ev.Logout)
    driver.wait(5)
    driver.answer(ev.SessionCleared, error="read-only")

    assert None is driver.machine.user
    end = fx.Fail(command=command, code=Code.SESSION_NOT_CLEARED, details="read-only")
    assert [end] == driver.asked(fx.Fail)[-1:]


@each_mode
@pytest.mark.parametrize("situation", given.BEFORE_LOGIN)
@pytest.mark.parametrize(("foreground", "online"), list(product((True, False), repeat=2)))
@pytest.mark.parametrize("kind", [ev.Connect, ev.Disconnect, ev.Ping, ev.Send])
def test_nobody_logged_in_refuses_commands(mode, situation, foreground, online, kind):
    """S6: ERR_NOT_LOGGED_IN, and nothing else happens."""
    driver = situation(mode, foreground=foreground, online=online)
    before = driver.machine.copy()
    command = driver.call(kind)

    assert (fx.Fail(command=command, code=Code.NOT_LOGGED_IN),) == driver.last
    assert before == driver.machine


@each_mode
@pytest.mark.parametrize(
    ("situation", "uid", "code"),
    [
        *product((given.authenticating, given.saving), ("alice", "bob"), [Code.LOGIN_IN_PROGRESS]),
        *product(given.LOGGED_IN, ("bob",), [Code.ALREADY_LOGGED_IN]),
    ],
)
def test_second_login_is_refused(mode, situation, uid, code):
    """S7: whoever it is while a login runs, somebody else afterwards; nothing else happens."""
    driver = situation(mode)
    before = driver.machine.copy()
    command = driver.start_login(uid)

    assert (fx.Fail(command=command, code=code),) == driver.last
    assert before == driver.machine


@each_mode
@pytest.mark.parametrize("situation", given.LOGGED_IN)
def test_login_of_the_same_user_succeeds_without_effect(mode, situation):
    """S7: also while held down, where a login after a logout would connect (A4)."""
    driver = situation(mode)
    before = driver.machine.copy()
    command = driver.start_login("alice")

    assert (fx.Succeed(command=command, value=driver.machine.user),) == driver.last
    assert before == driver.machine


@each_mode
@pytest.mark.parametrize(
    ("situation", "timers"),
    [(given.logged_out, set()), (given.authenticating, {"authenticate"}), (given.saving, {"save"})],
)
def test_nobody_logged_in_means_nothing_but_a_login(mode, situation, timers):
    """S8: no socket, nothing waiting, and no timer but that of the running login."""
    driver = situation(mode)
    driver.do(ev.EnterBackground())
    driver.do(ev.EnterForeground())

    assert timers == set(driver.machine.timers)
    assert not driver.is_in("socket", "waiting", "wanted")
    assert [] == driver.asked(fx.Dial)
