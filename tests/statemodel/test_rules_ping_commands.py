"""The rules of pings (P1-P5) and of commands (C1-C8)."""

from itertools import pairwise, product

import pytest

from statemodel import Code, Reason, Status, Timings
from statemodel import effects as fx
from statemodel import events as ev
from tests.statemodel import driving as given
from tests.statemodel.driving import AUTO, MANUAL, MODES, SUCCESS, WAITING, Driver

each_mode = pytest.mark.parametrize("mode", MODES)
COMMANDS = (ev.Connect, ev.Disconnect, ev.Ping, ev.Send, ev.Logout, ev.ShutDown)


@each_mode
@pytest.mark.parametrize("situation", given.OPEN)
def test_every_accepted_ping_is_one_ping_on_the_wire(mode, situation):
    """P1: each with its own payload, and nothing else is sent."""
    driver = situation(mode)
    first = driver.ping(), driver.kinds()
    second = driver.ping(), driver.kinds()

    assert ([fx.SendPing], [fx.SendPing]) == (first[1], second[1])
    assert [first[0], second[0]] == [(p.command, p.payload) for p in driver.asked(fx.SendPing)[-2:]]
    assert first[0][1] != second[0][1]


@each_mode
def test_ping_returns_the_time_from_its_write_to_its_own_pong(mode):
    """P2: called at 0, written at 1, answered at 3.5; a later ping goes on waiting."""
    driver = given.connected(mode)
    command, payload = driver.ping()
    driver.wait(1)
    driver.answer(ev.PingWritten, payload=payload)
    later, _ = driver.ping()
    driver.wait(2.5)
    driver.answer(ev.PongReceived, payload=payload)

    assert (fx.Succeed(command=command, value=2.5),) == driver.last
    assert WAITING == driver.result(later)


@each_mode
@pytest.mark.parametrize(("at", "end"), [(10, SUCCESS), (10.125, Code.PING_TIMEOUT)])
def test_pong_counts_up_to_pong_timeout_after_the_write(mode, at, end):
    """P2: at exactly the deadline the pong wins; other frames say that the peer is alive (P5)."""
    driver = given.connected(mode)
    command, payload = driver.ping()
    driver.wait(5)
    driver.answer(ev.PingWritten, payload=payload)
    driver.answer(ev.FrameReceived)
    driver.jump(at)
    driver.answer(ev.PongReceived, payload=payload)

    assert end == driver.result(command)


@each_mode
def test_ping_slept_through_ends_too(mode):
    """P2, H5: seen 10 s late, it costs no socket whose probe is answered, and does not hang."""
    driver = given.connected(mode)
    command, _ = driver.ping()
    driver.jump(20)
    driver.do(ev.TimePassed())
    driver.answer(ev.PongReceived, payload=driver.own_pings()[0].payload)
    driver.wait(10)

    assert Code.PING_TIMEOUT == driver.result(command)
    assert Status.CONNECTED == driver.machine.status


SOCKET_ENDS = {
    "lost": (lambda driver: driver.answer(ev.SocketClosed, code=1006), Code.CONNECTION_LOST),
    "denied": (lambda driver: driver.answer(ev.SocketClosed, code=4401), Code.CONNECTION_LOST),
    "refused": (lambda driver: driver.answer(ev.SocketClosed, code=1008), Code.CONNECTION_REFUSED),
    "network": (lambda driver: driver.do(ev.NetworkLost()), Code.CONNECTION_LOST),
    "disconnect": (lambda driver: driver.call(ev.Disconnect), Code.DISCONNECTED),
    "logout": (lambda driver: driver.call(ev.Logout), Code.LOGGED_OUT),
    "end": (lambda driver: driver.call(ev.ShutDown), Code.CLOSED),
}


@each_mode
@pytest.mark.parametrize(("end", "code"), SOCKET_ENDS.values(), ids=SOCKET_ENDS)
def test_ping_fails_at_once_when_the_socket_goes(mode, end, code):
    """P2: with the code of the command that ended it, if one did; all pings do."""
    driver = given.connected(mode)
    first, second = driver.ping()[0], driver.ping()[0]
    end(driver)

    assert (code, code) == (driver.result(first), driver.result(second))


@pytest.mark.parametrize(("mode", "ends_at"), [(AUTO, 1), (MANUAL, 6)])
def test_ping_fails_at_once_when_background_ends_the_socket(mode, ends_at):
    """P2, A1, M5: at once, or at the end of the window: sooner than its own 10 s."""
    driver = given.connected(mode, timings=Timings(background_grace=5, keep_alive_interval=2))
    command, _ = driver.ping()
    driver.wait(1)
    driver.do(ev.EnterBackground())
    ended_at = driver.now if driver.count(fx.Fail) else driver.until(fx.Fail)

    assert (Code.CONNECTION_LOST, ends_at) == (driver.result(command), ended_at)


@each_mode
@pytest.mark.parametrize("situation", [*given.WITHOUT_SOCKET, *given.DIALLING])
@pytest.mark.parametrize("kind", [ev.Ping, ev.Send])
def test_ping_and_send_without_an_open_socket_are_refused(mode, situation, kind):
    """P3: NO_WEBSOCKET_CONNECTION, and no state changes."""
    driver = situation(mode)
    before = driver.machine.copy()
    command = driver.call(kind)

    assert (fx.Fail(command=command, code=Code.NO_WEBSOCKET_CONNECTION),) == driver.last
    assert before == driver.machine


@each_mode
@pytest.mark.parametrize("situation", given.OPEN)
def test_send_with_an_open_socket_succeeds(mode, situation):
    """P3, T1: throttled is a way of being connected."""
    driver = situation(mode)
    command = driver.call(ev.Send)

    assert (fx.Succeed(command=command),) == driver.last


@each_mode
def test_unmatched_pong_ends_no_ping_but_proves_the_peer_alive(mode):
    """P4: the ping fails at 10, and the connection stays."""
    driver = given.connected(mode)
    command, _ = driver.ping()
    driver.wait(5)
    ignored = driver.answer(ev.PongReceived, payload=b"of nobody")
    driver.wait(5)

    assert ((), Code.PING_TIMEOUT) == (ignored, driver.result(command))
    assert Status.CONNECTED == driver.machine.status


@each_mode
def test_outgoing_frames_prove_nothing(mode):
    """P4, P5: more pings and messages go out, and the peer is given up at 10 all the same."""
    driver = given.connected(mode)
    driver.ping()
    driver.wait(5)
    _, payload = driver.ping()
    driver.answer(ev.PingWritten, payload=payload)
    driver.call(ev.Send)

    assert 10 == driver.until(fx.Abort)


@each_mode
def test_silence_after_a_ping_is_a_loss(mode):
    """P5: at `pong_timeout` after the write at 2; frames before the write do not count."""
    driver = given.connected(mode)
    command, payload = driver.ping()
    driver.wait(1)
    driver.answer(ev.FrameReceived)
    driver.wait(1)
    driver.answer(ev.PingWritten, payload=payload)
    lost_at = driver.until(fx.Abort)

    assert (12, Code.PING_TIMEOUT) == (lost_at, driver.result(command))
    assert (Status.DISCONNECTED, Reason.NO_ANSWER) == driver.shown()[-1]


@each_mode
@pytest.mark.parametrize("at", [0, 5, 10])
def test_missing_pong_alone_fails_only_the_ping(mode, at):
    """P5: any frame after the write will do, also one at exactly the deadline."""
    driver = given.connected(mode)
    command, payload = driver.ping()
    driver.answer(ev.PingWritten, payload=payload)
    driver.jump(at)
    driver.answer(ev.FrameReceived)
    driver.wait(10 - at)

    assert (Code.PING_TIMEOUT, []) == (driver.result(command), driver.asked(fx.Abort))
    assert Status.CONNECTED == driver.machine.status


@each_mode
@pytest.mark.parametrize("situation", given.OPEN)
def test_connect_with_an_open_socket_succeeds_at_once(mode, situation):
    """C1: no second socket, nothing else."""
    driver = situation(mode)
    before = driver.machine.copy()
    command = driver.call(ev.Connect)

    assert (fx.Succeed(command=command),) == driver.last
    assert before == driver.machine


@each_mode
@pytest.mark.parametrize("situation", given.DIALLING)
def test_connect_while_connecting_joins_the_attempt(mode, situation):
    """C2: nothing is started; the end of the attempt is that of both."""
    driver = situation(mode)
    commands = driver.call(ev.Connect), driver.call(ev.Connect)
    started = driver.last
    if driver.is_in("refreshing"):
        driver.answer(ev.RefreshSucceeded, user=driver.machine.user)
    waited = [driver.result(command) for command in commands]
    driver.open()

    assert ((), [WAITING] * 2) == (started, waited)
    assert [SUCCESS] * 2 == [driver.result(command) for command in commands]


@each_mode
def test_waiting_connect_survives_failed_attempts(mode):
    """C2: two are retried, the third succeeds."""
    driver = given.connecting(mode)
    command = driver.call(ev.Connect)
    for _ in range(2):
        driver.answer(ev.DialFailed)
        driver.until(fx.Dial)
    waited = driver.result(command)
    driver.open()

    assert (WAITING, SUCCESS) == (waited, driver.result(command))


@each_mode
def test_connect_while_waiting_dials_now_and_keeps_the_count(mode):
    """C3: the next failure is the second, with up to 2 s of wait; half of it was drawn."""
    driver = given.backing_off(mode)
    driver.call(ev.Connect)
    driver.answer(ev.DialFailed)

    assert (2, 1.0) == (len(driver.asked(fx.Dial)), driver.until(fx.Dial))


@each_mode
@pytest.mark.parametrize("situation", given.SITUATIONS)
def test_every_command_ends_exactly_once(mode, situation):
    """C4, O4: at the latest with the connection object; `result` fails on a second end."""
    driver = situation(mode)
    commands = [driver.call(kind) for kind in (ev.Ping, *COMMANDS, *COMMANDS)]
    driver.wait(1000)
    driver.answer(ev.SessionCleared)

    assert WAITING not in [driver.result(command) for command in commands]
    assert frozenset() == driver.machine.waiting


@each_mode
@pytest.mark.parametrize(
    "situation", [given.connecting, given.backing_off, given.held_off, given.offline]
)
def test_cancelling_connect_withdraws_the_wait_and_not_the_wish(mode, situation):
    """C4: nothing else changes, and it never ends otherwise."""
    driver = situation(mode)
    command = driver.call(ev.Connect)
    cancelled = driver.do(ev.Cancel(command=command))
    driver.do(ev.NetworkRestored())
    driver.until(fx.Dial, limit=60)
    driver.open()

    assert ((), WAITING) == (cancelled, driver.result(command))
    assert Status.CONNECTED == driver.machine.status


@pytest.mark.parametrize(
    "situation", [given.connecting, given.backing_off, given.held_off, given.offline]
)
def test_auto_background_fails_a_waiting_connect(situation):
    """C4: with ERR_APP_IN_BACKGROUND, in the same step."""
    driver = situation(AUTO)
    command = driver.call(ev.Connect)
    driver.do(ev.EnterBackground())

    assert Code.APP_IN_BACKGROUND == driver.result(command)


@each_mode
@pytest.mark.parametrize("situation", given.LOGGED_IN)
def test_disconnect_succeeds_from_everywhere_and_again(mode, situation):
    """C5, T2: within `close_timeout`; a second one has nothing left to do or to tell."""
    driver = situation(mode)
    first = driver.call(ev.Disconnect)
    driver.wait(5)
    second = driver.call(ev.Disconnect)

    assert (SUCCESS, SUCCESS) == (driver.result(first), driver.result(second))
    assert not {fx.Close, fx.Abort, fx.ChangeStatus} & set(map(type, driver.last))


@each_mode
@pytest.mark.parametrize("kind", [ev.Disconnect, ev.Logout])
@pytest.mark.parametrize(
    "end",
    [
        lambda driver: driver.answer(ev.SocketClosed, code=1000),
        lambda driver: driver.wait(5),
        lambda driver: (driver.login(), driver.call(ev.Connect)),
    ],
    ids=["closed", "close_timeout", "later command"],
)
def test_disconnect_and_logout_return_when_the_socket_is_gone(mode, kind, end):
    """C5: not before, and all who wait do."""
    driver = given.connected(mode)
    commands = [driver.call(kind), driver.call(kind)]
    if kind is ev.Logout:
        driver.answer(ev.SessionCleared)
    waited = [driver.result(command) for command in commands]
    end(driver)

    assert [WAITING, WAITING] == waited
    assert [SUCCESS, SUCCESS] == [driver.result(command) for command in commands]


@each_mode
@pytest.mark.parametrize("kind", [ev.Disconnect, ev.Logout])
def test_cancelled_disconnect_aborts_at_once(mode, kind):
    """C5: the caller does not wait for the handshake; nothing is reported to it."""
    driver = given.connected(mode)
    command = driver.call(kind)
    driver.do(ev.Cancel(command=command))

    assert ([fx.Abort], WAITING) == (driver.kinds(), driver.result(command))


@each_mode
@pytest.mark.parametrize("situation", [*given.DIALLING, given.held_off, given.offline])
def test_disconnect_fails_a_waiting_connect(mode, situation):
    """C5: with ERR_DISCONNECTED; a dial is cancelled, and nothing has to be waited for."""
    driver = situation(mode)
    connect = driver.call(ev.Connect)
    disconnect = driver.call(ev.Disconnect)

    assert (Code.DISCONNECTED, SUCCESS) == (driver.result(connect), driver.result(disconnect))
    assert (situation in given.DIALLING) == (1 == driver.count(fx.Abort))


@pytest.mark.parametrize(
    ("mode", "situation", "inputs"),
    [
        (MANUAL, given.closing, [ev.Connect]),
        (MANUAL, given.closing, [ev.EnterBackground, ev.Connect]),
        (AUTO, given.closing, [ev.Connect]),
        (AUTO, given.closing, [ev.EnterBackground, ev.EnterForeground]),
        (AUTO, given.backgrounded, [ev.EnterForeground]),
        (AUTO, given.backgrounded, [ev.NetworkLost, ev.EnterForeground, ev.NetworkRestored]),
    ],
)
def test_dial_while_closing_aborts_the_old_socket_first(mode, situation, inputs):
    """C6, K1: the abort comes before the dial; what the old socket still says is stale."""
    driver = situation(mode)
    driver.effects.clear()
    driver.play(*inputs)
    order = [type(e) for e in driver.asked(fx.Abort, fx.Dial)]
    old = driver.asked(fx.Abort)[0].generation
    driver.do(ev.SocketClosed(generation=old, code=1008))

    assert ([fx.Abort, fx.Dial], ()) == (order, driver.last)
    assert Status.CONNECTING == driver.machine.status


@each_mode
@pytest.mark.parametrize(
    "situation", [given.idle, given.connecting, given.connected, given.backing_off, given.closing]
)
@pytest.mark.parametrize("burst", list(product([ev.Connect, ev.Disconnect], repeat=4)))
def test_last_command_of_a_burst_decides(mode, situation, burst):
    """C7: connected if it was `connect`, with one dial at most; down for good if not."""
    driver = situation(mode)
    for kind in burst:
        driver.call(kind)
    if burst[-1] is ev.Connect and Status.CONNECTED != driver.machine.status:
        driver.open()
    driver.wait(20)

    expected = Status.CONNECTED if burst[-1] is ev.Connect else Status.DISCONNECTED
    assert (expected, frozenset()) == (driver.machine.status, driver.machine.waiting)
    order = [type(e) for e in driver.asked(fx.Dial, fx.Abort)]
    assert (fx.Dial, fx.Dial) not in list(pairwise(order))


@each_mode
def test_connect_offline_in_foreground_waits_for_the_network(mode):
    """C8: accepted, however long it takes, and dialled in the step in which the network is up."""
    driver = Driver(mode, online=False)
    driver.login()
    command = driver.call(ev.Connect)
    early = driver.until(fx.Dial), driver.result(command)
    driver.do(ev.NetworkRestored())
    dials = driver.count(fx.Dial)
    driver.open()

    assert ((None, WAITING), 1) == (early, dials)
    assert SUCCESS == driver.result(command)
