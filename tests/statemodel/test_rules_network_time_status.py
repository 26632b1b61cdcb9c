"""The rules of network (N1-N4), time (H1, H2, H4, H5), status (T1-T7), timers (G3), refusals."""

from itertools import pairwise

import pytest

from statemodel import Code, Machine, Reason, Status, Timings
from statemodel import effects as fx
from statemodel import events as ev
from tests.statemodel import driving as given
from tests.statemodel.driving import AUTO, MANUAL, MODES, Driver

each_mode = pytest.mark.parametrize("mode", MODES)
each_situation = pytest.mark.parametrize("situation", given.SITUATIONS)


@each_mode
@pytest.mark.parametrize("situation", [*given.DIALLING, *given.OPEN])
def test_network_down_gives_the_socket_up_at_once(mode, situation):
    """N1: aborted without a handshake; nothing dials until the network is up."""
    driver = situation(mode)
    driver.do(ev.NetworkLost())

    assert (1, 0) == (driver.count(fx.Abort), driver.count(fx.Close))
    assert (Status.DISCONNECTED, Reason.NETWORK_DOWN) == driver.shown()[-1]
    assert (None, {}) == (driver.until(fx.Dial), driver.machine.timers)


@each_mode
@pytest.mark.parametrize("situation", [*given.DIALLING, *given.OPEN, given.backing_off])
def test_network_up_dials_in_the_same_step(mode, situation):
    """N2: at once, without a draw."""
    driver = situation(mode)
    driver.do(ev.NetworkLost())
    driver.wait(100)
    driver.do(ev.NetworkRestored())

    assert 1 == driver.count(fx.Dial)
    assert (Status.CONNECTING, Reason.NETWORK_UP) == driver.shown()[-1]


@each_mode
@pytest.mark.parametrize(
    "situation", [*given.BEFORE_LOGIN, given.idle, given.failed, given.backgrounded_dial]
)
def test_network_up_does_nothing_for_an_unwanted_connection(mode, situation):
    """N3: no effect at all."""
    driver = situation(mode)
    driver.do(ev.NetworkLost())
    driver.do(ev.NetworkRestored())

    assert () == driver.last


@each_mode
def test_network_that_nobody_reports_counts_as_up(mode):
    """N4: `connect` dials at once, also in background, where offline would refuse it (M10)."""
    driver = Driver(mode, foreground=mode is AUTO)
    driver.login()
    driver.call(ev.Connect)

    assert 1 == len(driver.asked(fx.Dial))


@each_mode
@pytest.mark.parametrize("frame_at", [None, 20, 30])
def test_heartbeat_after_silence_in_foreground(mode, frame_at):
    """H1: 30 s after the last frame, here the opening's or a later one; a tie is the frame's."""
    driver = given.connected(mode)
    if frame_at is not None:
        driver.jump(frame_at)
        driver.answer(ev.FrameReceived)

    assert (frame_at or 0) + 30 == driver.until(fx.SendPing)
    assert 1 == len(driver.own_pings())


def test_heartbeat_counts_from_entering_the_foreground():
    """H1: open since 0, foreground at 20, probe answered at once: next at 50."""
    driver = given.backgrounded(MANUAL)
    driver.wait(20)
    driver.do(ev.EnterForeground())
    driver.answer(ev.PongReceived, payload=driver.own_pings()[-1].payload)

    assert 50 == driver.until(fx.SendPing)


@each_mode
@pytest.mark.parametrize("answered", [True, False])
def test_heartbeat_decides_by_p5(mode, answered):
    """H1, P5: sent at 30; with its pong at 35 the next is at 65, without one lost at 40."""
    driver = given.probing(mode)
    driver.wait(5)
    if answered:
        driver.answer(ev.PongReceived, payload=driver.own_pings()[-1].payload)

    assert (65 if answered else 40) == driver.until(fx.SendPing if answered else fx.Abort)


@each_mode
def test_one_heartbeat_at_a_time(mode):
    """H1: none while one of the library's own is out, for however long the reading is paused."""
    driver = given.probing(mode)
    driver.answer(ev.ReadingPaused)
    driver.wait(1000)

    assert 1 == len(driver.own_pings())


@each_mode
def test_ping_of_the_application_holds_no_heartbeat_back(mode):
    """H1: only one of the library's own does."""
    driver = given.connected(mode)
    driver.wait(25)
    driver.ping()

    assert (30, 1) == (driver.until(fx.SendPing), len(driver.own_pings()))


@pytest.mark.parametrize("away", [0, 1, 29.875])
def test_foreground_probes_an_open_socket_at_once(away):
    """H2: without an answer it is given up `probe_timeout` later."""
    driver = given.backgrounded(MANUAL)
    driver.wait(away)
    driver.do(ev.EnterForeground())

    assert ([fx.SendPing], 1) == (driver.kinds(), len(driver.own_pings()))
    assert away + 5 == driver.until(fx.Abort)


def test_foreground_probes_no_socket_that_is_being_opened():
    """H2: nothing to ping."""
    driver = given.backgrounded_dial(MANUAL)
    driver.do(ev.EnterForeground())

    assert () == driver.last


@each_mode
def test_input_goes_first_at_equality_and_last_after_it(mode):
    """H4: at 10 `connect` finds the dial still running; at 10.125 it finds a back-off, and dials."""
    at, after = given.connecting(mode), given.connecting(mode)
    at.jump(10)
    at.call(ev.Connect)
    after.jump(10.125)
    after.call(ev.Connect)

    assert ([], [fx.Abort, fx.Dial]) == (at.kinds(), after.kinds())


@each_mode
def test_late_deadlines_fire_in_order_and_count_from_the_actual_time(mode):
    """H4: a dial due at 10, seen at 50: aborted, half a second of wait from 50, dialled then."""
    driver = given.connecting(mode)
    driver.jump(50)
    driver.do(ev.TimePassed())

    assert ([fx.Abort], 0.5) == (driver.kinds(), driver.shown_retry_in())
    assert (50.5, 60.5) == (driver.until(fx.Dial), driver.until(fx.Abort))


def test_equal_deadlines_fire_in_one_fixed_order():
    """H4: the window and `stable_after` end together, whichever was armed first."""
    timings = Timings(background_grace=10, keep_alive_interval=5)
    window_last = given.connecting(MANUAL, timings=timings)
    window_first = given.connecting(MANUAL, timings=timings)
    for driver in (window_last, window_first):
        driver.answer(ev.DialFailed)
    window_last.play(ev.Connect)
    window_last.open()
    window_last.play(ev.EnterBackground)
    window_first.play(ev.EnterBackground, ev.Connect)
    window_first.open()
    for driver in (window_last, window_first):
        driver.wait(10)

    assert window_last.machine.failures == window_first.machine.failures
    assert window_last.kinds() == window_first.kinds()


@pytest.mark.parametrize("slept", [31.125, 100, 100_000])
@pytest.mark.parametrize(
    "kind", [ev.TimePassed, ev.EnterForeground, ev.NetworkLost, ev.NetworkRestored]
)
def test_slept_through_window_closes_before_anything_else(slept, kind):
    """H5: also before a pong deadline that was earlier; and the foreground brings nothing back."""
    driver = given.connected(MANUAL)
    driver.wait(0.5)
    command, _ = driver.ping()
    driver.do(ev.EnterBackground())
    driver.jump(slept)
    driver.do(kind())

    assert fx.Close is driver.kinds()[0]
    assert Reason.BACKGROUND_TIMEOUT in [reason for _, reason in driver.shown()]
    assert (Code.CONNECTION_LOST, 0) == (driver.result(command), driver.count(fx.Dial))


@each_mode
@pytest.mark.parametrize(("late", "lost_at"), [(0, 40), (1, 41), (1.125, 36.125), (500, 535)])
def test_late_heartbeat_is_a_probe(mode, late, lost_at):
    """H5: called more than 1 s late; one ping in any case, with 5 s instead of 10."""
    driver = given.connected(mode)
    driver.jump(30 + late)
    driver.do(ev.TimePassed())

    assert 1 == len(driver.own_pings())
    assert lost_at == driver.until(fx.Abort)


@each_mode
@pytest.mark.parametrize(("late", "lost"), [(0, True), (1, True), (1.125, False), (500, False)])
def test_late_pong_deadline_is_no_verdict(mode, late, lost):
    """H5: more than 1 s late, a fresh probe goes out instead, and has its 5 s."""
    driver = given.probing(mode)
    driver.jump(10 + late)
    driver.do(ev.TimePassed())

    assert (lost, not lost) == (driver.count(fx.Abort) == 1, driver.count(fx.SendPing) == 1)
    assert lost or driver.now + 5 == driver.until(fx.Abort)


def test_late_pong_deadline_in_background_probes_and_moves_no_window():
    """H5, M12: a ping at 5 is due at 15 and seen at 20; its own call had the window end at 35."""
    driver = given.backgrounded(MANUAL)
    driver.wait(5)
    driver.ping()
    driver.jump(15)
    driver.do(ev.TimePassed())
    probe = driver.own_pings()[-1]
    driver.answer(ev.PongReceived, payload=probe.payload)

    assert ([probe], 35) == (driver.own_pings(), driver.until(fx.Close))


STATUSES = {
    Status.CONNECTING: (given.connecting, given.refreshing),
    Status.CONNECTED: (given.connected, given.pinging, given.probing),
    Status.FEATURE_THROTTLED: (given.throttled,),
    Status.DISCONNECTED: (*given.BEFORE_LOGIN, *given.WITHOUT_SOCKET),
}


@each_mode
@pytest.mark.parametrize(
    ("status", "situation"), [(status, s) for status in STATUSES for s in STATUSES[status]]
)
def test_status_of_every_situation(mode, status, situation):
    """T1, T6: waiting, closing and failed are disconnected; a refresh within a dial connects."""
    driver = situation(mode)

    assert (status, status) == (driver.machine.status, driver.machine.last_change(0.0).current)


@each_mode
@each_situation
def test_changes_are_numbered_and_chained_and_none_is_empty(mode, situation):
    """T2: each once and in order, through a day of ups and downs."""
    driver = situation(mode)
    given.stir(driver)
    driver.play(ev.Connect, ev.Disconnect, ev.Disconnect, ev.Connect, ev.Logout)
    changes = [effect.change for effect in driver.asked(fx.ChangeStatus)]

    assert list(range(1, len(changes) + 1)) == [change.sequence for change in changes]
    assert [a.current for a in changes[:-1]] == [b.previous for b in changes[1:]]
    assert sorted(change.time for change in changes) == [change.time for change in changes]
    told = [(change.current, change.reason, change.retry_in) for change in changes]
    assert all(a != b for a, b in pairwise(told))


@each_mode
def test_change_of_reason_within_disconnected_is_told(mode):
    """T2: backing off with `retry_in`, offline without, disconnected."""
    driver = given.backing_off(mode)
    driver.play(ev.NetworkLost, ev.Disconnect)
    told = [effect.change for effect in driver.asked(fx.ChangeStatus)][-3:]

    assert [(Reason.DIAL_FAILED, 0.5), (Reason.NETWORK_DOWN, None), (Reason.DISCONNECT, None)] == [
        (change.reason, change.retry_in) for change in told
    ]


@each_mode
def test_loss_in_foreground_shows_three_statuses(mode):
    """T3: disconnected, connecting, connected."""
    driver = given.connected(mode)
    driver.effects = driver.asked(fx.Dial)
    driver.answer(ev.SocketClosed)
    driver.until(fx.Dial)
    driver.open()

    expected = [
        (Status.DISCONNECTED, Reason.CLOSED_BY_PEER),
        (Status.CONNECTING, Reason.RETRY),
        (Status.CONNECTED, Reason.OPENED),
    ]
    assert expected == driver.shown()


@each_mode
def test_step_is_complete_before_a_listener_hears_of_it(mode):
    """T4: a command that a listener gives on hearing `connected` finds an open socket."""
    driver = given.connecting(mode)
    driver.open()
    told = driver.shown()[-1][0]
    driver.call(ev.Disconnect)

    assert (Status.CONNECTED, [fx.DiscardUnread, fx.Close]) == (told, driver.kinds())


@each_mode
def test_new_listener_before_any_change_is_told_disconnected(mode):
    """T5: number 0, without a reason."""
    told = Machine(mode=mode).last_change(12.0)

    assert (0, Status.DISCONNECTED, None) == (told.sequence, told.current, told.reason)


@each_mode
@pytest.mark.parametrize(("after", "left"), [(0, 60), (20, 40), (59.5, 0.5)])
def test_new_listener_is_told_what_is_left_of_retry_in(mode, after, left):
    """T5: the last change, which was at 0, with the wait from now on."""
    driver = given.held_off(mode)
    told = driver.machine.last_change(after)

    assert (0.0, Reason.CONNECT, left) == (told.time, told.reason, told.retry_in)


@each_mode
def test_throttling_is_switched_on_and_off_by_the_server(mode):
    """T7: each once, with its reason."""
    driver = given.connected(mode)
    for kind in (ev.ThrottlingStarted, ev.ThrottlingStarted, ev.ThrottlingEnded):
        driver.answer(kind)
    driver.answer(ev.ThrottlingEnded)

    throttled = (Status.FEATURE_THROTTLED, Reason.THROTTLED)
    assert [throttled, (Status.CONNECTED, Reason.UNTHROTTLED)] == driver.shown()[-2:]


@each_mode
def test_every_connection_starts_unthrottled(mode):
    """T7: the next one does, although the server never ended the throttling."""
    driver = given.throttled(mode)
    driver.answer(ev.SocketClosed)
    driver.until(fx.Dial)
    driver.open()

    assert Status.CONNECTED == driver.machine.status


OWNERS = {
    "grace": "window", "authenticate": "authenticating", "save": "saving", "dial": "connecting",
    "refresh": "refreshing", "close": "closing", "stable": "connected", "retry": "backing_off",
    "embargo": "held_off", "heartbeat": "connected",
}  # fmt: skip


@each_mode
@each_situation
def test_every_timer_has_an_owner_and_is_handled(mode, situation):
    """G3: with nobody answering, every deadline does away with itself, for 1000 s."""
    driver = situation(mode)
    driver.play(ev.EnterBackground, ev.EnterForeground)
    while (deadline := driver.machine.next_deadline) is not None and deadline < 1000:
        before = driver.machine.copy()
        assert all(driver.is_in(OWNERS[timer]) for timer in before.timers)
        driver.now = deadline
        driver.do(ev.TimePassed())
        assert before != driver.machine
        assert deadline not in driver.machine.timers.values()


LOGIN, BACKGROUND, DOWN, END = Driver.login, ev.EnterBackground, ev.NetworkLost, ev.ShutDown


@pytest.mark.parametrize(
    ("mode", "inputs", "kind", "code"),
    [
        (AUTO, [END], ev.Ping, Code.CLOSED),
        (AUTO, [BACKGROUND, END], ev.Connect, Code.CLOSED),
        (MANUAL, [LOGIN, END], ev.Disconnect, Code.CLOSED),
        (AUTO, [BACKGROUND], ev.Connect, Code.NOT_LOGGED_IN),
        (MANUAL, [BACKGROUND, DOWN], ev.Connect, Code.NOT_LOGGED_IN),
        (MANUAL, [], ev.Ping, Code.NOT_LOGGED_IN),
        (AUTO, [LOGIN, BACKGROUND], ev.Connect, Code.APP_IN_BACKGROUND),
        (AUTO, [LOGIN, BACKGROUND, DOWN], ev.Connect, Code.APP_IN_BACKGROUND),
        (MANUAL, [LOGIN, BACKGROUND, DOWN], ev.Connect, Code.NO_INTERNET_CONNECTION),
        (MANUAL, [LOGIN, BACKGROUND, DOWN], ev.Ping, Code.NO_WEBSOCKET_CONNECTION),
    ],
)
def test_first_refusal_of_the_order_is_given(mode, inputs, kind, code):
    """Codes: ERR_CLOSED, S6, A5, C1, M10, P3."""
    driver = Driver(mode)
    driver.play(*inputs)

    assert code == driver.result(driver.call(kind))
