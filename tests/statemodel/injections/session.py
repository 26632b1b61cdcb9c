"""Violations of opening and session (O, S)."""

from __future__ import annotations

from statemodel import Code, Status
from tests.statemodel.injections.injection import Injection
from tests.statemodel.table_editing import at, where

SESSION = (
    Injection(
        "O1", "No event changes the mode",
        "`connect` makes an auto connection a manual one.",
        at("connect", "auto foreground online logged_in unwanted down").leading_to("manual"),
    ),
    Injection(
        "O2", "starts logged out",
        "A login that is given up leaves its timer running, and so one can be back at the start with it.",
        at("abandon_login", "authenticating").without("stop_authenticate"),
    ),
    Injection(
        "O2", "starts logged out",
        "A connection that has not even a user is shown as connected.",
        where("logged_out down").shown_as(Status.CONNECTED),
    ),
    Injection(
        "O2", "starts logged out",
        "A connection is wanted before anybody has asked for it.",
        where("logged_out down").being("wanted", instead_of="unwanted"),
    ),
    Injection(
        "O3", "known already does nothing",
        "The foreground, reported in foreground, is noted as entered again.",
        at("enter_foreground", "foreground").doing("note_foreground"),
    ),
    Injection(
        "O3", "known already does nothing",
        "The network, reported up while it is up, ends what is waiting for a retry.",
        at("network_restored", "backing_off").doing("stop_retry"),
    ),
    Injection(
        "O4", "Ending drops every wish",
        "Ending the object logs the saved user out for good.",
        at("shut_down", "logged_in").doing("clear"),
    ),
    Injection(
        "O4", "Ending drops every wish",
        "A `connect` that waits when the object ends is told the wrong reason.",
        at("shut_down", "backing_off").settling("connect", Code.DISCONNECTED),
    ),
    Injection(
        "O4", "Ending drops every wish",
        "The end answers all calls and goes on waiting for the next retry.",
        at("shut_down", "backing_off").leading_to("logged_in wanted backing_off"),
    ),
    Injection(
        "O4", "After the end every call",
        "After the end a ping is refused for want of a login.",
        at("ping", "ended").refused(Code.NOT_LOGGED_IN),
    ),
    Injection(
        "O4", "After the end every call",
        "After the end a report is still taken.",
        at("network_lost", "ended").ignored(),
    ),
    Injection(
        "S1", "A login asks the authenticator",
        "A login succeeds before anybody has been asked.",
        at("login", "logged_out").settling("login", None),
    ),
    Injection(
        "S1", "A login asks the authenticator",
        "A login saves the user before the authenticator has answered.",
        at("login", "logged_out").doing("save"),
    ),
    Injection(
        "S1", "A login asks the authenticator",
        "The store's answer fails the login.",
        at("save_succeeded", "saving").settling("login", Code.SESSION_NOT_SAVED),
    ),
    Injection(
        "S1", "A login asks the authenticator",
        "A login asks nobody.",
        at("login", "logged_out").without("authenticate"),
    ),
    Injection(
        "S1", "A login asks the authenticator",
        "A login succeeds and nobody is logged in.",
        at("save_succeeded", "saving").leading_to("logged_out unwanted down"),
    ),
    Injection(
        "S1", "A login that fails is over",
        "What a failed save may have left is not cleared.",
        at("save_failed", "saving").without("clear"),
    ),
    Injection(
        "S1", "A login that fails is over",
        "A login that took too long says that the store has failed, though it was the authenticator.",
        at("authenticate_due", "authenticating").settling("login", Code.SESSION_NOT_SAVED),
    ),
    Injection(
        "S1", "A login that fails is over",
        "An authenticator that is late is not called off.",
        at("authenticate_due", "authenticating").without("cancel_login"),
    ),
    Injection(
        "S1", "given up while it is being saved",
        "A login given up while saving leaves the user saved.",
        at("abandon_login", "saving").without("clear"),
    ),
    Injection(
        "S1", "its caller gives up is over",
        "A login given up goes on.",
        at("abandon_login", "authenticating").ignored(),
    ),
    Injection(
        "S1", "run against a time limit",
        "Saving has no time limit.",
        at("authentication_succeeded", "authenticating").without("start_save"),
    ),
    Injection(
        "S2", "in foreground, and not in background",
        "In auto mode's foreground a login leaves the connection unwanted.",
        at("save_succeeded", "auto foreground saving").leading_to("unwanted down"),
    ),
    Injection(
        "S3", "changes no wish and dials nothing",
        "In manual mode a login makes the connection wanted.",
        at("save_succeeded", "manual foreground online saving").leading_to("wanted connecting"),
    ),
    Injection(
        "S3", "changes no wish and dials nothing",
        "In manual mode a login dials, if only for nothing.",
        at("save_succeeded", "manual foreground saving").doing("dial"),
    ),
    Injection(
        "S4", "A restored user is logged in at once",
        "A restored user is authenticated once more.",
        at("session_restored", "logged_out").doing("authenticate"),
    ),
    Injection(
        "S4", "A restored user is logged in at once",
        "A restored user's connection is not wanted in auto mode's foreground.",
        at("session_restored", "auto foreground logged_out").leading_to("unwanted down"),
    ),
    Injection(
        "S4", "A restored user is logged in at once",
        "A restored user is not logged in.",
        at("session_restored", "manual logged_out").leading_to("logged_out"),
    ),
    Injection(
        "S5", "Logout leaves nobody logged in",
        "A logout leaves the saved user where it is.",
        at("logout", "connected").without("clear"),
    ),
    Injection(
        "S5", "Logout leaves nobody logged in",
        "A logout while a retry waits leaves its timer running.",
        at("logout", "backing_off").without("stop_retry"),
    ),
    Injection(
        "S5", "Logout leaves nobody logged in",
        "After a logout somebody is still logged in.",
        at("logout", "logged_in down").leading_to("logged_in"),
    ),
    Injection(
        "S5", "Logout leaves nobody logged in",
        "After a logout the connection waits for the network.",
        at("logout", "without_network").leading_to("logged_in wanted without_network"),
    ),
    Injection(
        "S5", "Logout calls a running login off",
        "A login that a logout ends hears that the object was closed.",
        at("logout", "saving").settling("login", Code.CLOSED),
    ),
    Injection(
        "S1", "called off before",
        "A logout clears first, so that the save it then calls off may come after.",
        at("logout", "saving").backwards(),
    ),
    Injection(
        "S5", "Logout calls a running login off",
        "A logout does not call off the save.",
        at("logout", "saving").without("cancel_login"),
    ),
    Injection(
        "S6", "are refused with `ERR_NOT_LOGGED_IN`",
        "With nobody logged in, a message is taken.",
        at("send_message", "logged_out").ignored(),
    ),
    Injection(
        "S6", "are refused with `ERR_NOT_LOGGED_IN`",
        "During a login, `connect` is refused for the login's sake.",
        at("connect", "authenticating").refused(Code.LOGIN_IN_PROGRESS),
    ),
    Injection(
        "S7", "A second login is refused",
        "A login during another one's save hears that somebody else is in.",
        at("login", "saving").refused(Code.ALREADY_LOGGED_IN),
    ),
    Injection(
        "S7", "A second login is refused",
        "A login of somebody else is taken.",
        at("login", "logged_in").ignored(),
    ),
    Injection(
        "S7", "The same user's login",
        "The same user is authenticated again.",
        at("login_again", "connected").doing("authenticate"),
    ),
    Injection(
        "S7", "The same user's login",
        "The same user's login is refused.",
        at("login_again", "logged_in").refused(Code.ALREADY_LOGGED_IN),
    ),
    Injection(
        "S8", "With nobody logged in there is no wish",
        "A logout while a retry waits leaves its timer running.",
        at("logout", "backing_off").without("stop_retry"),
    ),
    Injection(
        "S8", "With nobody logged in there is no wish",
        "A logout while dialling leaves the dial alone.",
        at("logout", "connecting").without("abort"),
    ),
    Injection(
        "S8", "With nobody logged in there is no wish",
        "A connection is wanted for nobody.",
        where("logged_out down").being("wanted", instead_of="unwanted"),
    ),
    Injection(
        "S1", "its caller gives up is over",
        "A login that its caller gives up goes on at the authenticator.",
        at("abandon_login", "authenticating").without("cancel_login"),
    ),
    Injection(
        "S5", "by nothing else",
        "Entering the background clears the saved user.",
        at("enter_background", "manual foreground logged_in").doing("clear"),
    ),
)  # fmt: skip
"""For each check of O and S."""
