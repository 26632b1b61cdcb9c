"""The facade: its settings, its calls with their answers, its listeners, and where it lives."""

from __future__ import annotations

import dataclasses

import pytest
import trio
import trio.testing

from statemodel import Code, Status, Timings
from tests.transport.sdk_application import APP_ID, Told, error_of, opened, settings_for
from transport import (
    AuthenticationError,
    MemorySessionStore,
    SessionStoreError,
    TransportError,
    TrustingAuthenticator,
    User,
)
from transport.sdk import (
    AppSettings,
    AppSettingsBuilder,
    CometChat,
    CometChatException,
    ConnectionListener,
    LoginListener,
    MessageListener,
    Success,
)
from transport.testing import Hang, MemoryServer

WAITING_CALLS = {
    "login": lambda **callbacks: CometChat.login("alice", **callbacks),
    "logout": CometChat.logout,
    "get_logged_in_user": CometChat.get_logged_in_user,
    "connect": CometChat.connect,
    "disconnect": CometChat.disconnect,
    "ping": CometChat.ping,
}
PLAIN_CALLS = {
    "get_connection_status": CometChat.get_connection_status,
    "enter_background": CometChat.enter_background,
    "enter_foreground": CometChat.enter_foreground,
    "network_lost": CometChat.network_lost,
    "network_restored": CometChat.network_restored,
    "add_connection_listener": lambda: CometChat.add_connection_listener("x", ConnectionListener()),
    "add_login_listener": lambda: CometChat.add_login_listener("x", LoginListener()),
    "add_message_listener": lambda: CometChat.add_message_listener("x", MessageListener()),
    "remove_connection_listener": lambda: CometChat.remove_connection_listener("x"),
    "remove_login_listener": lambda: CometChat.remove_login_listener("x"),
    "remove_message_listener": lambda: CometChat.remove_message_listener("x"),
}


def test_settings_are_built_in_a_chain_and_frozen():
    """O1: auto mode unless stated; settings that were built do not change any more."""
    builder = AppSettingsBuilder().set_region("eu").set_connection_options(max_unread=1)
    first = builder.build()
    builder.auto_establish_socket_connection(False).set_server("wss://example.org/")
    second = builder.set_connection_options(max_message_size=2).build()

    assert (first.auto_establish_socket_connection, first.region, first.server) == (True, "eu", "")
    assert dict(first.connection_options) == {"max_unread": 1}
    assert not second.auto_establish_socket_connection
    assert second.server == "wss://example.org/"
    assert dict(second.connection_options) == {"max_unread": 1, "max_message_size": 2}
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.region = "us"
    with pytest.raises(TypeError):
        first.connection_options["max_unread"] = 3


@pytest.mark.parametrize(
    "call",
    [
        lambda builder: builder.auto_establish_socket_connection(None),
        lambda builder: builder.auto_establish_socket_connection("yes"),
        lambda builder: builder.set_region(None),
        lambda builder: builder.set_server(b"wss://example.org/"),
        lambda builder: builder.set_connection_options(url="wss://example.org/"),
        lambda builder: builder.set_connection_options(mode="auto"),
        lambda builder: CometChat.init(3, builder.build()),
        lambda builder: CometChat.init("app", builder),
    ],
)
async def test_wrong_types_are_refused_at_the_call(call):
    """A setting of a wrong type raises where it is passed, not when it is used."""
    with pytest.raises(TypeError):
        call(AppSettingsBuilder())


@pytest.mark.parametrize("name", [*WAITING_CALLS, *PLAIN_CALLS, "send_message"])
async def test_a_call_before_init_is_refused(name, autojump_clock):
    """Without init every call fails with ERR_CHAT_API_FAILURE, and the details say what to do."""
    if name in PLAIN_CALLS:
        with pytest.raises(CometChatException) as caught:
            PLAIN_CALLS[name]()
        errors = [caught.value]
    elif name == "send_message":
        errors = [await error_of(CometChat.send_message("x"))]
    else:
        told = Told()
        WAITING_CALLS[name](**told.callbacks)
        errors = [await error_of(WAITING_CALLS[name]())]
        await trio.testing.wait_all_tasks_blocked()
        errors += told.errors
        assert told.count == 1

    assert {error.code for error in errors} == {"ERR_CHAT_API_FAILURE"}
    assert all("init()" in error.details and error.message for error in errors)


@pytest.mark.parametrize("name", [*WAITING_CALLS, *PLAIN_CALLS])
def test_a_call_outside_of_trio_says_where_it_belongs(name):
    """A call with no trio run around it raises RuntimeError, which names the way."""
    with pytest.raises(RuntimeError, match=r"trio\.from_thread"):
        (WAITING_CALLS | PLAIN_CALLS)[name]()


async def test_a_call_from_a_thread_says_how_to_make_it():
    """From another thread of a trio program the same; trio.from_thread is the way."""
    with trio.fail_after(10):
        await opened(uid="alice")
        with pytest.raises(RuntimeError, match=r"trio\.from_thread"):
            await trio.to_thread.run_sync(CometChat.connect)
        message = await trio.to_thread.run_sync(trio.from_thread.run, CometChat.connect)

    assert message == Success.CONNECT


@pytest.mark.parametrize(
    ("app_id", "changes", "words"),
    [
        ("", {}, "app id"),
        ("my app", {}, "app id"),
        ("../other", {}, "app id"),
        ("app\n", {}, "app id"),
        ("äpp", {}, "app id"),
        ("x" * 65, {}, "app id"),
        (APP_ID, {"region": ""}, "set_region"),
        (APP_ID, {"region": "e u"}, "region"),
        (APP_ID, {"region": "eu.west"}, "region"),
        (APP_ID, {"region": "x" * 33}, "region"),
        (APP_ID, {"server": ""}, "set_server"),
        (APP_ID, {"server": "https://example.org/"}, "scheme"),
        (APP_ID, {"server": "wss://"}, "host"),
        (APP_ID, {"connection_options": {"max_unread": 0}}, "max_unread"),
        (APP_ID, {"connection_options": {"colour": "red"}}, "colour"),
        (APP_ID, {"server": "ws://example.org/"}, "wss://"),  # with a saved token
    ],
)
async def test_init_refuses_what_cannot_work(app_id, changes, words, autojump_clock):
    """Such an init fails with ERR_CHAT_API_FAILURE in both ways; the next one can succeed."""
    server, told = MemoryServer(), Told()
    saved = MemorySessionStore(User(uid="alice", auth_token="t"))
    good = settings_for(server, session_store=saved)
    bad = dataclasses.replace(good, **changes)
    error = await error_of(CometChat.init(app_id, bad))
    await CometChat.init(app_id, bad, **told.callbacks)

    assert error.code == "ERR_CHAT_API_FAILURE"
    assert words in error.details
    assert [(e.code, e.details) for e in told.errors] == [(error.code, error.details)]
    assert "init()" in (await error_of(CometChat.ping())).details
    assert await CometChat.init(APP_ID, good) == Success.INIT


async def test_every_call_has_an_answer_of_its_own(autojump_clock):
    """S: each call gives its message, the session's calls give the user; all of them differ."""
    server = MemoryServer()
    init = await CometChat.init(APP_ID, settings_for(server, automatic=False))
    nobody = await CometChat.get_logged_in_user()
    user = await CometChat.login("alice", "token")
    same = await CometChat.get_logged_in_user()
    answers = [init, await CometChat.connect(), await CometChat.ping()]
    answers += [await CometChat.send_message("hello"), await CometChat.disconnect()]
    answers += [await CometChat.logout()]

    assert nobody is None
    assert user == same == User(uid="alice", auth_token="token")
    assert server.sockets[0].token == "token"
    assert server.sockets[0].received == ["hello"]
    expected = [Success.INIT, Success.CONNECT, Success.PING, Success.SEND_MESSAGE]
    assert answers == [*expected, Success.DISCONNECT, Success.LOGOUT]
    assert len(set(answers)) == len(answers)


@pytest.mark.parametrize("automatic", [True, False])
async def test_with_nobody_logged_in_each_call_says_so_in_its_own_words(automatic, autojump_clock):
    """S6: ERR_NOT_LOGGED_IN, a message and details for each call; nothing else happens."""
    server = await opened(automatic=automatic)
    calls = [CometChat.connect, CometChat.disconnect, CometChat.ping]
    errors = [await error_of(call()) for call in calls]
    sending = await error_of(CometChat.send_message("x"))

    assert {error.code for error in [*errors, sending]} == {"ERR_NOT_LOGGED_IN"}
    assert len({error.message for error in errors}) == len({e.details for e in errors}) == 3
    assert all(error.message and error.details for error in errors)
    assert all(error.details in str(error) for error in errors)
    assert server.dials == 0


async def test_other_errors_are_passed_on_with_their_cause(autojump_clock):
    """A5, S7: code, message and details are those of the TransportError, which is the cause."""
    await opened(uid="alice")
    CometChat.enter_background()
    errors = [await error_of(CometChat.connect()), await error_of(CometChat.login("bob"))]

    assert [error.code for error in errors] == [Code.APP_IN_BACKGROUND, Code.ALREADY_LOGGED_IN]
    for error in errors:
        cause = error.__cause__
        assert isinstance(cause, TransportError)
        assert (error.code, error.message, error.details) == (
            cause.code,
            cause.message,
            cause.details,
        )


class _Statuses(ConnectionListener):
    def __init__(self):
        self.told = []

    def on_connecting(self):
        self.told.append(Status.CONNECTING)

    def on_connected(self):
        self.told.append(Status.CONNECTED)

    def on_disconnected(self):
        self.told.append(Status.DISCONNECTED)

    def on_feature_throttled(self):
        self.told.append(Status.FEATURE_THROTTLED)


async def test_connection_listener_is_told_each_status_once(autojump_clock):
    """T1, T2, T3, T5, T7: the current status first, then each new one; a mere new reason is none."""
    server, listener = await opened(uid="alice"), _Statuses()
    await CometChat.connect()
    assert CometChat.add_connection_listener("one", listener) is None
    await server.sockets[0].throttle()
    await trio.sleep(1)
    await server.sockets[0].throttle(on=False)
    server.plan(Hang())
    await trio.sleep(1)
    CometChat.network_lost()
    CometChat.network_restored()  # hangs, until dial_timeout; then a wait of half a second
    await trio.sleep(Timings().dial_timeout + 0.25)
    CometChat.network_lost()  # disconnected for another reason: no new status
    second = _Statuses()
    assert CometChat.add_connection_listener("one", second) is listener
    assert CometChat.remove_connection_listener("one")
    assert not CometChat.remove_connection_listener("one")
    CometChat.network_restored()

    up, down = Status.CONNECTED, Status.DISCONNECTED
    assert listener.told == [up, Status.FEATURE_THROTTLED, up, down, Status.CONNECTING, down]
    assert second.told == [down]
    assert CometChat.get_connection_status() is Status.CONNECTING


class _Sessions(LoginListener):
    def __init__(self):
        self.told = []

    def on_login_success(self, user):
        self.told.append(user.uid)

    def on_login_failure(self, error):
        self.told.append(error)

    def on_logout_success(self):
        self.told.append("out")

    def on_logout_failure(self, error):
        self.told.append(error)


async def test_login_listener_is_told_the_session(autojump_clock):
    """S1, S5: a login and its failure, a logout, and a saved session that stays."""

    class Strict(TrustingAuthenticator):
        async def authenticate(self, credentials):
            if credentials.uid == "eve":
                raise AuthenticationError("never heard of")
            return User(uid=credentials.uid)

    class ReadOnlyStore(MemorySessionStore):
        async def clear(self):
            raise SessionStoreError("read-only")

    await opened(authenticator=Strict(), session_store=ReadOnlyStore())
    listener = _Sessions()
    assert CometChat.add_login_listener("one", listener) is None
    refused = await error_of(CometChat.login("eve"))
    await CometChat.login("alice")
    kept = await error_of(CometChat.logout())
    assert CometChat.add_login_listener("one", _Sessions()) is listener
    assert CometChat.remove_login_listener("one")
    assert not CometChat.remove_login_listener("one")
    await CometChat.login("bob")

    failure, alice, out, not_cleared = listener.told
    assert (alice, out) == ("alice", "out")
    assert failure.code == refused.code == Code.AUTHENTICATION_FAILED
    assert "never heard of" in failure.details
    assert not_cleared.code == kept.code == Code.SESSION_NOT_CLEARED
    for error in (failure, not_cleared):
        assert isinstance(error, CometChatException)
        assert isinstance(error.__cause__, TransportError)


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_message_listener_is_given_every_message(asynchronous, autojump_clock):
    """K6: text and bytes, in order, each once; its method may be async."""
    got = []

    class Plain(MessageListener):
        def on_message_received(self, message):
            got.append(message)

    class Slow(MessageListener):
        async def on_message_received(self, message):
            await trio.sleep(1)
            got.append(message)

    listener = Slow() if asynchronous else Plain()
    server = await opened(uid="alice")
    assert CometChat.add_message_listener("one", listener) is None
    await CometChat.connect()
    for message in ("a", b"b", "c"):
        await server.sockets[0].send(message)
    await trio.sleep(10)
    assert CometChat.add_message_listener("one", MessageListener()) is listener
    assert CometChat.remove_message_listener("one")
    assert not CometChat.remove_message_listener("one")

    assert got == ["a", b"b", "c"]


@pytest.mark.parametrize("kind", [ConnectionListener, LoginListener, MessageListener])
async def test_what_is_no_listener_is_refused_at_the_call(kind, autojump_clock):
    """Another kind of listener, a function, or an async method that nobody would await: TypeError."""

    class Async(kind):
        async def on_connected(self):
            pass

        async def on_login_success(self, user):
            pass

    await opened()
    add = {
        ConnectionListener: CometChat.add_connection_listener,
        LoginListener: CometChat.add_login_listener,
        MessageListener: CometChat.add_message_listener,
    }[kind]
    others = {ConnectionListener, LoginListener, MessageListener} - {kind}
    for wrong in (*[other() for other in others], print, None):
        with pytest.raises(TypeError, match=kind.__name__):
            add("one", wrong)
    with pytest.raises(TypeError, match="must be a str"):
        add(1, kind())
    if kind is not MessageListener:
        with pytest.raises(TypeError, match="plain"):
            add("one", Async())


def test_no_setting_shows_what_was_passed_to_the_connection():
    """A `repr` of the settings has none of the connection's options: they may hold secrets."""
    settings = AppSettings(connection_options={"headers": (("X-Key", "s3cr3t"),)})

    assert "s3cr3t" not in repr(settings)
