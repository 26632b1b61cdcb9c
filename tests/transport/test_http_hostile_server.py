"""What a hostile, slow or refusing HTTP server can do to a login, and to a refresh: little."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import traceback
from dataclasses import replace

import pytest
import trio
import trio.testing

from statemodel import Code, Mode, Reason, Status
from tests.transport.http_server import (
    ALICE,
    GOOD,
    NEW,
    OLD,
    HttpServer,
    authenticate,
    drip,
    failure,
    given,
    hang,
    login_failure,
    raw,
    reply,
    reset,
)
from tests.transport.sockets import SHORT
from transport import (
    Credentials,
    CredentialsRevokedError,
    MemorySessionStore,
    TransportError,
    User,
    open_connection,
)
from transport.http import (
    HttpAuthenticator,
    RedirectedError,
    RefusedError,
)
from transport.testing import Accept, MemoryServer, Refuse

SLOW = replace(SHORT, auth_timeout=0.3)


# -- where the token must not go -----------------------------------------------------------------

ECHOES = {
    "page": reply(401, b"<p>bad token: " + OLD.encode()),
    "part": reply(500, b"denied: ..." + OLD[5:15].encode()),
    "between controls": reply(403, OLD.encode("utf-16-le")),
    "target": reply(302, b"", f"Location: https://elsewhere.example/?token={OLD}"),
    "header": raw(f"HTTP/1.1 200 X\r\nBearer {OLD}\r\n\r\n".encode()),
    "status line": raw(f"Bearer {OLD}\r\n\r\n".encode()),
    "api key": reply(401, b"bad key: k3y-of-the-application"),
    "new token": reply(200, given(uid="bob")),
    "new token, cut": reply(200, given()[:-2]),
}


@pytest.mark.parametrize("name", ECHOES)
async def test_token_is_not_in_any_text(name, caplog, nursery):
    """Neither the old nor a new token, nor a header's value: not in errors, causes or logs."""
    server = await nursery.start(HttpServer.run)
    caplog.set_level(logging.INFO)
    server.plan(ECHOES[name], ECHOES[name])
    authenticator = HttpAuthenticator(
        f"{server.origin}/?key=hush", headers=(("X-Api-Key", "k3y-of-the-application"),)
    )
    error = await failure(authenticator)
    through = await login_failure(authenticator)
    texts = [*traceback.format_exception(error), *traceback.format_exception(through), caplog.text]

    for secret in ("old-s3cr", "new-s3cr", "0ken-of-alice", "t0ken", "k3y-of", "hush"):
        assert secret not in "".join(texts)


async def test_log_of_a_login_shows_no_token(caplog, nursery):
    """Also with everything logged that httpx has to log."""
    server = await nursery.start(HttpServer.run)
    caplog.set_level(logging.DEBUG)
    server.plan(GOOD)
    await authenticate(HttpAuthenticator(f"{server.origin}/?key=hush"))

    assert "httpcore" in caplog.text
    assert not [secret for secret in (OLD, NEW, "hush") if secret in caplog.text]


async def test_words_of_the_server_are_short_and_visible(nursery):
    """Nothing that a server writes can flood a log, forge a line of it, or colour a terminal."""
    server = await nursery.start(HttpServer.run)
    words = "no\r\n\x1b[31mERROR\x00\u202e\u2028all" + " is well" * 5_000
    server.plan(reply(403, words.encode()))
    text = str(await failure(HttpAuthenticator(server.origin)))

    assert text.isprintable()
    assert "no [31mERROR all is well" in text
    assert len(text) < 300


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(status, nursery):
    """The token goes where it was told to, and the text says where it should have gone."""
    server = await nursery.start(HttpServer.run)
    elsewhere = await nursery.start(HttpServer.run)
    server.plan(reply(status, b"", f"Location: {elsewhere.origin}/login"))
    error = await failure(HttpAuthenticator(server.origin))

    assert (type(error), error.status) == (RedirectedError, status)
    assert f"{elsewhere.origin}/login, which is not followed" in str(error)
    assert elsewhere.connections == 0


async def test_environment_sends_the_token_nowhere_else(monkeypatch, tmp_path, nursery):
    """Neither a proxy nor a .netrc is asked for."""
    server = await nursery.start(HttpServer.run)
    trap = await nursery.start(HttpServer.run)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, trap.origin)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password p\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.plan(GOOD, GOOD)
    authenticator = HttpAuthenticator(server.origin)
    await authenticate(authenticator)
    await authenticate(authenticator, Credentials(uid="alice", auth_token=""))

    assert trap.connections == 0
    assert server.requests[0].headers["authorization"] == f"Bearer {OLD}"
    assert "authorization" not in server.requests[1].headers


# -- time and cancellation -----------------------------------------------------------------------

ENDLESS = {
    "no answer": hang,
    "headers": drip(b"HTTP/1.1 200 X\r\n", b"X-Y: z\r\n"),
    "interim answers": drip(b"", b"HTTP/1.1 103 X\r\n\r\n"),
    "body": drip(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "error page": drip(b"HTTP/1.1 500 X\r\n\r\n", b" "),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_slow_answer_fails_the_login_after_auth_timeout(name, nursery):
    """S1: whatever is slow about it; and the connection is closed."""
    server = await nursery.start(HttpServer.run)
    server.plan(ENDLESS[name])
    error = await login_failure(HttpAuthenticator(server.origin), SLOW)

    assert error.code is Code.AUTHENTICATION_FAILED
    assert len(server.requests) == 1
    with trio.fail_after(5):
        await server.until(lambda server: server.open == 0)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors as Linux does")
@pytest.mark.parametrize("name", [*ENDLESS, "TLS handshake"])
async def test_cancelled_request_leaves_nothing(name, nursery):
    """K2: no task, and no descriptor, not even one for the garbage collector, which would warn."""

    def left():
        return len(os.listdir("/proc/self/fd")), trio.lowlevel.current_statistics().tasks_living

    server = await nursery.start(HttpServer.run)
    origin = server.origin
    if name == "TLS handshake":
        server.deaf, origin = True, origin.replace("http:", "https:")
    else:
        server.plan(ENDLESS[name])
    authenticator = HttpAuthenticator(origin)
    before = left()
    with trio.fail_after(10):
        async with trio.open_nursery() as asking:
            asking.start_soon(authenticator.authenticate, ALICE)
            await server.until(lambda server: server.open == 1)
            await server.until(lambda server: server.deaf or len(server.requests) == 1)
            await trio.sleep(0.05)  # into the handshake, the headers or the body
            asking.cancel_scope.cancel()

        assert asking.cancel_scope.cancelled_caught
        await server.until(lambda server: server.open == 0)
        await trio.testing.wait_all_tasks_blocked()
    assert left() == before


# -- refreshing ----------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def refused_once(memory, refresh_url):
    """A connection of a saved user, whose first dial is refused."""
    memory.plan(Refuse(401))
    authenticator = HttpAuthenticator("https://unused.example/", refresh_url=refresh_url)
    store = MemorySessionStore(User(uid="alice", auth_token=OLD))
    with trio.fail_after(10):
        async with open_connection(
            memory.url,
            dialer=memory.dialer,
            authenticator=authenticator,
            session_store=store,
            timings=SLOW,
            mode=Mode.MANUAL,
        ) as connection:
            yield connection


async def test_refused_dial_is_repeated_with_a_refreshed_token(nursery):
    """B5: one refresh, with the old token, within the same attempt."""
    server = await nursery.start(HttpServer.run)
    server.plan(GOOD)
    memory = MemoryServer()
    async with refused_once(memory, f"{server.origin}/refresh") as connection:
        memory.plan(Accept())
        await connection.connect()

        assert connection.user == User(uid="alice", auth_token=NEW)
    [asked] = server.requests
    assert (asked.method, asked.target) == ("POST", "/refresh")
    assert asked.headers["authorization"] == f"Bearer {OLD}"
    assert json.loads(asked.body) == {"uid": "alice"}
    assert (memory.dials, [socket.token for socket in memory.sockets]) == (2, [NEW])


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_refresh_fails_the_connection_for_good(status, nursery):
    """B5: revoked credentials are neither dialled with nor refreshed again."""
    server = await nursery.start(HttpServer.run)
    server.plan(reply(status, b"session ended"))
    memory = MemoryServer()
    async with refused_once(memory, server.origin) as connection:
        with pytest.raises(TransportError) as caught:
            await connection.connect()

        assert connection.status is Status.DISCONNECTED
    assert caught.value.code is Code.CONNECTION_REFUSED
    assert f"HTTP {status}: session ended" in caught.value.details
    assert (memory.dials, len(server.requests)) == (1, 1)


async def test_without_a_refresh_url_credentials_cannot_be_renewed(nursery):
    """B5: the connection fails for good, and nobody is asked."""
    server = await nursery.start(HttpServer.run)
    memory = MemoryServer()
    async with refused_once(memory, None) as connection:
        with pytest.raises(TransportError) as caught:
            await connection.connect()
    with pytest.raises(CredentialsRevokedError, match="no refresh_url"):
        await HttpAuthenticator(server.origin).refresh(User(uid="alice", auth_token=OLD))

    assert caught.value.code is Code.CONNECTION_REFUSED
    assert (memory.dials, server.connections) == (1, 0)


@pytest.mark.parametrize(
    "answer",
    [reset, hang, reply(503), reply(429), reply(404), reply(302), reply(200, b"{}")],
    ids=["unreachable", "slow", "503", "429", "404", "redirect", "malformed"],
)
async def test_refresh_that_cannot_be_had_is_a_failed_dial(answer, nursery):
    """B5: it is retried, first with the old token."""
    server = await nursery.start(HttpServer.run)
    server.plan(answer)
    memory = MemoryServer()
    async with refused_once(memory, server.origin) as connection, connection.watch() as changes:
        await connection.connect()
        reasons = [(await anext(changes)).reason]
        while reasons[-1] is not Reason.OPENED:
            reasons.append((await anext(changes)).reason)

    assert reasons[-3:] == [Reason.DIAL_FAILED, Reason.RETRY, Reason.OPENED]
    assert (memory.dials, len(server.requests)) == (2, 1)
    assert memory.sockets[0].token == OLD


@pytest.mark.parametrize("status", [401, 403])
async def test_revoked_credentials_have_their_own_type_at_a_refresh_only(status, nursery):
    """B5: at a login the same status is a refusal of these credentials."""
    server = await nursery.start(HttpServer.run)
    server.plan(reply(status), reply(status))
    authenticator = HttpAuthenticator(server.origin, refresh_url=server.origin)
    with pytest.raises(CredentialsRevokedError, match=f"HTTP {status}"):
        await authenticator.refresh(User(uid="alice", auth_token=OLD))

    assert type(await failure(authenticator)) is RefusedError
