"""The connection, declared once.

Theory of operation
===================

Ten parallel **regions**; the connection is always in exactly one state of each:

==============  ===================================================================
region          what it remembers
==============  ===================================================================
``mode``        who decides: ``auto`` or ``manual``; never changes
``app``         is the application in ``foreground`` or ``background``
``network``     is the network reported ``online`` or ``offline``
``session``     who is logged in, and how far a login has got
``intent``      is the connection ``wanted``: supposed to be up, or on its way up
``link``        what there is: nothing, a ``socket``, a ``waiting``, a closing one
``grace``       is the ``window`` open in which a manual connection outlives the foreground
``credentials`` have they been ``renewed`` since the connection was last stable
``liveness``    is a ping of the library's own out
``throttle``    has the server switched features off
==============  ===================================================================

**Two ideas carry the design.**

*Calls and reports move the intent; the link follows by level.* `connect`, `disconnect`, the
foreground and the background never touch the link: they say whether the connection is wanted.
The link compares that with what there is, in transitions that carry no event and are therefore
taken whenever their guard holds. No call can come at a moment at which it would be missed,
because nothing depends on the moment: only on what is wanted, online, and there.

*What a rule calls by a name is a state.* ``wanted``, ``socket``, ``waiting``, ``failed`` and
``window`` are the rulebook's own words, so that a rule and its line read alike: "in background
nothing waits" is ``wanted.to(unwanted, cond="background and waiting")``.

**How a step runs.** An event is first held against ``refusals`` (the caller is told why not) and
``heard`` (answers to questions nobody asks any more are dropped). Then every region may take one
transition for it, all on the configuration as it was before; then transitions without an event
are taken until none is enabled. Within one region the first of a ``|`` chain wins, and two
transitions enabled together outside a chain are an error of the declaration. Actions run in the
order exit, transition, entry. At the end, ``outcomes`` settles the commands that wait.

**Actions are names of effects.** Nothing is executed here: ``dial`` asks the adapter to dial.
Timers belong to states: entering one starts its timer, leaving it stops it, and no state hears the
timer of another. A timer ``x`` fires as the event ``x_due``.

**What is not here, and why.** Numbers: deadlines, generations, the failure count, who waits for
which command. They are not finite, so `Machine` keeps them. One of them the chart may ask for
as ``context``: a guard may name it, and it has no state. Frames and pongs do not come
here either, only what follows from them: ``peer_silent``, ``own_pings_over``, ``overslept``.

The rule numbers (A1, M3, ...) are those of ``docs/rules.md``.
"""

from __future__ import annotations

from typing import Any

from statemachine import State, StateChart

from statemodel._clauses import Heard, Outcome, Refusal
from statemodel._vocabulary import Code, Reason, Status

_COMMANDS = "login login_again logout connect disconnect ping send_message"
_REPORTS = "enter_background enter_foreground network_lost network_restored"


class ConnectionChart(StateChart[Any]):
    """What a connection does, in auto mode and in manual mode."""

    catch_errors_as_events = False
    # Nothing leaves a mode (O1), so the library's own check for unreachable states is in the way;
    # the compiler has a stricter one, on configurations.
    validate_disconnected_states = False

    class connection(State.Parallel):
        class mode(State.Compound):  # O1: chosen at the start, and no way out
            auto = State(initial=True)
            manual = State()

        class app(State.Compound):
            foreground = State(initial=True)  # O2
            background = State()

            enter_background = foreground.to(background)  # O3: none from background
            enter_foreground = background.to(foreground, on="note_foreground")  # O3, H1

        class network(State.Compound):
            online = State(initial=True)  # O2, N4
            offline = State()

            network_lost = online.to(offline)  # N1
            network_restored = offline.to(online)  # N2

        class session(State.Compound):
            logged_out = State(initial=True)
            authenticating = State(
                enter=["authenticate", "start_authenticate"], exit="stop_authenticate"
            )
            saving = State(enter=["save", "start_save"], exit="stop_save")
            logged_in = State(enter="adopt_user", exit="drop_user")
            ended = State()

            # S1: authenticate, then save, then logged in.
            login = logged_out.to(authenticating)
            authentication_succeeded = authenticating.to(saving)
            save_succeeded = saving.to(logged_in)
            session_restored = logged_out.to(logged_in)  # S4
            login_again = logged_in.to(None)  # S7: the same user again

            # S1: what fails leaves nothing saved.
            authenticating.to(
                logged_out, on="cancel_login", event="authentication_failed authenticate_due"
            )
            saving.to(logged_out, on=["cancel_login", "clear"], event="save_failed save_due")
            abandon_login = authenticating.to(logged_out, on="cancel_login") | saving.to(
                logged_out, on=["cancel_login", "clear"]
            )

            logout = (  # S5: from every state; K3
                logged_in.to(logged_out, on=["discard_unread", "clear"])
                | authenticating.to(logged_out, on=["cancel_login", "clear"])
                | saving.to(logged_out, on=["cancel_login", "clear"])
                | logged_out.to(None, on="clear")
            )
            shut_down = (  # O4: a saved user stays saved
                logged_in.to(ended, on="discard_unread")
                | authenticating.to(ended, on="cancel_login")
                | saving.to(ended, on=["cancel_login", "clear"])
                | logged_out.to(ended)
            )

        class intent(State.Compound):
            unwanted = State(initial=True)
            wanted = State()

            connect = unwanted.to(wanted)  # M1, A5, C8
            save_succeeded = unwanted.to(wanted, cond="auto and foreground")  # S2, S3
            session_restored = unwanted.to(wanted, cond="auto and foreground")  # S4
            enter_foreground = unwanted.to(  # A2, S2; ends the hold of A4; M5, M7: not in manual
                wanted, cond="auto and background and logged_in"
            )

            disconnect = (  # M2, A4, C5; K3
                wanted.to(unwanted, on="discard_unread") | unwanted.to(None, on="discard_unread")
            )
            grace_due = wanted.to(unwanted)  # M5
            server_refused = wanted.to(unwanted)  # B5
            credentials_denied = wanted.to(unwanted, cond="renewed")  # B5
            (
                wanted.to(unwanted, cond="not logged_in")  # S5, S8, O4
                | wanted.to(unwanted, cond="auto and background", on="discard_unread")  # A1, K3
                | wanted.to(unwanted, cond="background and waiting")  # M7, M8, B6
            )

        class link(State.Compound):
            down = State(initial=True)

            class socket(State.Compound):
                connecting = State(enter=["dial", "start_dial"], exit="stop_dial")
                refreshing = State(enter=["refresh", "start_refresh"], exit="stop_refresh")
                connected = State(enter="start_stable", exit="stop_stable")

            class waiting(State.Compound):
                backing_off = State(enter="start_retry", exit="stop_retry")
                held_off = State(enter="start_embargo", exit="stop_embargo")
                without_network = State()

            closing = State(enter=["close", "start_close"], exit="stop_close")
            failed = State()

            # Whatever dials, dials here (A2, S2, S4, C3, N2); the server's word stands above (B4).
            down.to(socket.connecting, cond="wanted and online and not embargoed")
            down.to(waiting.held_off, cond="wanted and online and embargoed")  # B4
            down.to(waiting.without_network, cond="wanted and offline")  # C8, N1, B6

            dial_succeeded = socket.connecting.to(socket.connected)  # C2
            stable_due = socket.connected.to(None, on="forget_failures")  # B2
            ping = socket.connected.to(None, on="send_ping")  # P1
            send_message = socket.connected.to(None)  # P3: refused elsewhere

            # A3, M9, B7: a loss is retried after a wait (B1); K5: so is a dial that takes too long.
            socket.to(
                waiting.backing_off,
                on=["abort", "count_failure"],
                event="dial_failed dial_due refresh_failed refresh_due socket_closed peer_silent",
            )
            retry_due = waiting.backing_off.to(down)  # B1
            connect = waiting.backing_off.to(down) | socket.connected.to(None)  # C3 | C1
            embargo_due = waiting.held_off.to(down)  # B4
            waiting.without_network.to(down, cond="online")  # N2
            waiting.backing_off.to(waiting.without_network, cond="offline")  # B6
            waiting.held_off.to(waiting.without_network, cond="offline")  # B6
            waiting.to(down, cond="unwanted")  # B6, M2, M7, M8, A1

            credentials_denied = (  # B5: refreshed once, refused again means failed
                closing.to(down)  # K4
                | socket.to(socket.refreshing, cond="fresh", on=["abort"])
                | socket.to(failed, cond="renewed", on=["abort"])
            )
            refresh_succeeded = socket.refreshing.to(socket.connecting)  # B5
            server_refused = closing.to(down) | socket.to(failed, on="abort")  # K4 | B5
            failed.to(down, cond="wanted or not logged_in")  # B5: how failed is left

            (  # A1, M2, M5, S5: what is open is closed; C5: what is not is dropped
                socket.connected.to(closing, cond="unwanted")
                | socket.to(down, cond="unwanted", on="abort")
            )
            socket.to(waiting.without_network, cond="offline and wanted", on="abort")  # N1

            closing.to(down, event="socket_closed")  # K4
            close_due = closing.to(down, on="abort")  # K4
            abort_close = closing.to(down, on="abort")  # C5: the caller's cancellation
            closing.to(down, cond="wanted or offline", on="abort")  # C6, N1

        class grace(State.Compound):
            no_window = State(initial=True)
            window = State(enter="start_grace", exit="stop_grace")

            no_window.to(window, cond="manual and background and socket")  # M3, M10, M11
            ping = window.to(window)  # M4
            window.to(no_window, cond="foreground or not socket")  # M6; M5, M7

        class credentials(State.Compound):
            fresh = State(initial=True)
            renewed = State()

            refresh_succeeded = fresh.to(renewed)  # B5: once
            stable_due = renewed.to(fresh)  # B5: "before stable_after seconds connected"
            renewed.to(
                fresh, cond="failed or not logged_in"
            )  # B5: what comes next is another attempt

        class liveness(State.Compound):
            resting = State(initial=True)
            listening = State(enter="start_heartbeat", exit="stop_heartbeat")
            probing = State()

            resting.to(listening, cond="connected and foreground")  # H1
            listening.to(resting, cond="background or not connected")  # M12
            heartbeat_due = listening.to(probing, on="send_heartbeat")  # H1
            enter_foreground = (  # H2
                resting.to(probing, cond="connected", on="send_probe")
                | probing.to(probing, cond="connected and background", on="send_probe")
            )
            overslept = (  # H5
                resting.to(probing, on="send_probe")
                | listening.to(probing, on="send_probe")
                | probing.to(probing, on="send_probe")
            )
            own_pings_over = probing.to(resting)  # H1: "unless one of the library's own is out"
            probing.to(resting, cond="not connected")  # H1

        class throttle(State.Compound):
            unthrottled = State(initial=True)
            throttled = State()

            throttling_started = unthrottled.to(throttled)  # T7
            throttling_ended = throttled.to(unthrottled)  # T7
            throttled.to(unthrottled, cond="not connected")  # T7: each starts unthrottled

    context = ("embargoed",)
    """Questions that guards may ask of the machine: is the server's Retry-After still running?"""

    starts = (("auto", "manual"), ("foreground", "background"), ("online", "offline"))
    """O1, O2: what the application may say when it opens a connection; all else starts as declared."""

    refusals = (  # the order is the rulebook's: "the first of this order is given"
        Refusal("ended", Code.CLOSED, f"{_COMMANDS} {_REPORTS}"),  # O4
        Refusal("not logged_in", Code.NOT_LOGGED_IN, "connect disconnect ping send_message"),  # S6
        Refusal("authenticating or saving", Code.LOGIN_IN_PROGRESS, "login"),  # S7
        Refusal("logged_in", Code.ALREADY_LOGGED_IN, "login"),  # S7
        Refusal("auto and background", Code.APP_IN_BACKGROUND, "connect"),  # A5
        Refusal(  # M10
            "manual and background and offline", Code.NO_INTERNET_CONNECTION, "connect"
        ),
        Refusal("not connected", Code.NO_WEBSOCKET_CONNECTION, "ping send_message"),  # P3
    )

    heard = (  # K2, at the level of states; a timer is heard by the states that start it
        Heard("logged_out", "session_restored"),
        Heard("authenticating", "authentication_succeeded authentication_failed"),
        Heard("saving", "save_succeeded save_failed"),
        Heard("connecting", "dial_succeeded dial_failed"),
        Heard("refreshing", "refresh_succeeded refresh_failed"),
        Heard("connected or closing", "socket_closed"),
        Heard("connecting or connected or closing", "credentials_denied"),
        Heard("socket or closing", "server_refused"),
        Heard("connected", "peer_silent overslept own_pings_over"),
        Heard("connected", "throttling_started throttling_ended"),
    )

    outcomes = (  # C4: who waits, until when, and how it ends
        Outcome("login", "logged_in"),  # S1
        Outcome("login", "ended", Code.CLOSED),  # O4
        Outcome("login", "logged_out", Code.LOGGED_OUT, after="logout"),  # S5
        Outcome("login", "logged_out", Code.SESSION_NOT_SAVED, after="save_failed save_due"),  # S1
        Outcome("login", "logged_out", Code.AUTHENTICATION_FAILED),  # S1
        Outcome("connect", "connected"),  # C1, C2
        Outcome("connect", "ended", Code.CLOSED),  # O4
        Outcome("connect", "not logged_in", Code.LOGGED_OUT),  # C5
        Outcome("connect", "failed", Code.CONNECTION_REFUSED),  # B5
        Outcome("connect", "auto and background", Code.APP_IN_BACKGROUND),  # C4
        Outcome("connect", "unwanted", Code.DISCONNECTED, after="disconnect"),  # C5
        Outcome("connect", "unwanted", Code.CONNECTION_LOST),  # M5, M7, M8
        Outcome("ping", "ended", Code.CLOSED),  # O4
        Outcome("ping", "not logged_in", Code.LOGGED_OUT),  # P2
        Outcome("ping", "failed", Code.CONNECTION_REFUSED),  # B5
        Outcome("ping", "not connected", Code.DISCONNECTED, after="disconnect"),  # P2
        Outcome("ping", "not connected", Code.CONNECTION_LOST),  # P2, A1, M5, M7
        Outcome("disconnect", "not closing"),  # C5
        Outcome("disconnect", "ended", Code.CLOSED, after="shut_down"),  # O4
        Outcome("logout", "not closing"),  # C5; the machine also waits for the store (S5)
        Outcome("logout", "ended", Code.CLOSED, after="shut_down"),  # O4
        Outcome("shut_down", "not closing"),  # O4
    )

    statuses = (  # T1, T6: the first that is active counts; none of them: disconnected
        ("throttled", Status.FEATURE_THROTTLED),
        ("connected", Status.CONNECTED),
        ("connecting", Status.CONNECTING),
        ("refreshing", Status.CONNECTING),
    )

    dead_ends = (("ended", Code.CLOSED), ("failed", Code.CONNECTION_REFUSED))
    """O4, B5: where waiting for a status or a message is in vain, and what it fails with."""

    noticed = ("wanted", "backing_off", "held_off", "without_network", "failed")
    """T2: the states that, beside the status, make a change one that listeners are told."""

    reasons = (  # T2: what caused a change, or, for `failed`, what it is
        ("credentials_denied server_refused", "failed", Reason.REFUSED),
        ("save_succeeded", "", Reason.LOGIN),
        ("session_restored", "", Reason.RESTORED),
        ("connect", "", Reason.CONNECT),
        ("enter_foreground", "", Reason.FOREGROUND),
        ("network_restored", "", Reason.NETWORK_UP),
        ("retry_due embargo_due", "", Reason.RETRY),
        ("dial_succeeded", "", Reason.OPENED),
        ("throttling_started", "", Reason.THROTTLED),
        ("throttling_ended", "", Reason.UNTHROTTLED),
        ("disconnect", "", Reason.DISCONNECT),
        ("logout", "", Reason.LOGOUT),
        ("enter_background", "", Reason.BACKGROUND),
        ("grace_due", "", Reason.BACKGROUND_TIMEOUT),
        ("network_lost", "", Reason.NETWORK_DOWN),
        ("dial_failed dial_due refresh_failed refresh_due", "", Reason.DIAL_FAILED),
        ("socket_closed credentials_denied", "", Reason.CLOSED_BY_PEER),
        ("peer_silent", "", Reason.NO_ANSWER),
        ("shut_down", "", Reason.SHUT_DOWN),
    )
