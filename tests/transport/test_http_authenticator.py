"""The authenticator over HTTP: what it asks, what it believes, and where the token never goes."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import subprocess
import sys

import pytest
import trio
import trustme

from statemodel import Code
from tests.transport.http_server import (
    GOOD,
    NEW,
    OLD,
    HttpServer,
    authenticate,
    failure,
    given,
    login_failure,
    raw,
    reply,
    reset,
)
from transport import (
    Credentials,
    TransportError,
    User,
    open_connection,
)
from transport.http import (
    AnswerError,
    HttpAuthenticator,
    MalformedAnswerError,
    RedirectedError,
    RefusedError,
    ServerTroubleError,
    UnreachableError,
)
from transport.testing import MemoryServer

# -- what is asked, and a good answer ------------------------------------------------------------


async def test_login_sends_the_uid_and_the_token(nursery):
    """S1: one POST with JSON and a bearer token; the answer is the user."""
    server = await nursery.start(HttpServer.run)
    server.plan(GOOD)
    authenticator = HttpAuthenticator(f"{server.origin}/login?tenant=1", headers={"X-Api-Key": "k"})

    assert await authenticate(authenticator) == User(uid="alice", auth_token=NEW)
    [asked] = server.requests
    assert (asked.method, asked.target) == ("POST", "/login?tenant=1")
    assert json.loads(asked.body) == {"uid": "alice"}
    headers = {
        "authorization": f"Bearer {OLD}",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "x-api-key": "k",
        "host": server.origin.removeprefix("http://"),
    }
    assert headers.items() <= asked.headers.items()


async def test_login_without_a_token_has_no_authorization_header(nursery):
    """S1: an empty token is none, and a uid may be any text."""
    server = await nursery.start(HttpServer.run)
    server.plan(reply(200, given(uid="Grüße \ud83d", note="ß"), "Content-Type: text/plain"))
    user = await authenticate(
        HttpAuthenticator(server.origin), Credentials(uid="Grüße \ud83d", auth_token="")
    )

    assert user.auth_token == NEW
    assert "authorization" not in server.requests[0].headers


async def test_login_through_a_connection_opens_the_socket_with_the_new_token(nursery):
    """S1, S2: what the HTTP server gives is what the WebSocket server sees."""
    server = await nursery.start(HttpServer.run)
    server.plan(GOOD)
    memory = MemoryServer()
    with trio.fail_after(10):
        async with open_connection(
            memory.url, dialer=memory.dialer, authenticator=HttpAuthenticator(server.origin)
        ) as connection:
            await connection.login("alice", auth_token=OLD)
            await connection.wait_connected()

    assert [socket.token for socket in memory.sockets] == [NEW]


async def test_every_request_has_a_connection_that_is_closed_after_it(nursery):
    """Nothing is kept that the application would have to close."""
    server = await nursery.start(HttpServer.run)
    server.plan(GOOD, GOOD)
    authenticator = HttpAuthenticator(server.origin)
    for count in (1, 2):
        await authenticate(authenticator)
        with trio.fail_after(5):
            await server.until(lambda server: server.open == 0)

        assert server.connections == count


async def test_tls_is_checked(nursery):
    """A certificate that is not trusted never sees the token; one that is, does."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    server = await nursery.start(HttpServer.run, context)
    server.plan(GOOD)
    untrusted = await failure(HttpAuthenticator(server.origin))

    assert isinstance(untrusted, UnreachableError)
    assert "CERTIFICATE_VERIFY_FAILED" in str(untrusted)
    assert server.requests == []
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    user = await authenticate(HttpAuthenticator(server.origin, ssl_context=trusting))
    assert user.auth_token == NEW


# -- what goes wrong, by type --------------------------------------------------------------------

MALFORMED = {
    "empty": ("Expecting value", b""),
    "no JSON": ("Expecting value", b"<html>"),
    "no object": ("no JSON object", b'["alice"]'),
    "no uid": ("no uid", given(uid=None)),
    "no token": ("no auth_token", b'{"uid": "alice"}'),
    "number": ("no auth_token", given(auth_token=7)),
    "other uid": ("another user", given(uid="Alice")),
    "empty token": ("visible ASCII", given(auth_token="")),
    "space": ("visible ASCII", given(auth_token="a b")),
    "euro": ("visible ASCII", given(auth_token="a€")),
    "header": ("visible ASCII", given(auth_token="a\r\nX: y")),
    "latin-1": (
        "can't decode",
        '{"x": "ß"}'.encode("latin-1"),
        "Content-Type: x/y; charset=latin-1",
    ),
    "utf-16": ("can't decode", "{}".encode("utf-16"), "Content-Type: x/y; charset=utf-16"),
    "a name twice": ("a name twice", b'{"uid": "alice", "auth_token": "t", "uid": "alice"}'),
    "nested": ("nested too deeply", given()[:-1] + b', "x": ' + b"[" * 60_000),
    "huge number": ("digits", given()[:-1] + b', "x": ' + b"9" * 60_000 + b"}"),
    "10 MB": ("65536 bytes", b" " * 10 * 2**20 + given()),
    "gzip": ("compressed", gzip.compress(given()), "Content-Encoding: GZIP"),
    "said to be": ("compressed", given(), "Content-Encoding: identity", "Content-Encoding: br"),
    "bomb": ("compressed", gzip.compress(b" " * 10 * 2**20), "Content-Encoding: gzip"),
}
STATUSES = {
    "bad request": (RefusedError, 400, reply(400), "HTTP 400"),
    "unauthorized": (RefusedError, 401, reply(401, b"wrong password"), "401: wrong password"),
    "forbidden": (RefusedError, 403, reply(403, b"banned"), "403: banned"),
    "not found": (RefusedError, 404, reply(404), "HTTP 404"),
    "cut": (RefusedError, 401, raw(b"HTTP/1.1 401 X\r\nContent-Length: 9\r\n\r\nno"), "401: no"),
    "10 MB": (RefusedError, 401, reply(401, b"wrong " * 2_000_000), "401: wrong"),
    "too many": (ServerTroubleError, 429, reply(429, b"later"), "429: later"),
    "broken": (ServerTroubleError, 500, reply(500), "HTTP 500"),
    "overloaded": (ServerTroubleError, 503, reply(503, b"busy"), "503: busy"),
    "zipped": (ServerTroubleError, 502, reply(502, b"\x1f", "Content-Encoding: gzip"), "HTTP 502"),
    "no target": (RedirectedError, 304, reply(304), "redirect to nowhere"),
    "bad target": (
        RedirectedError,
        302,
        reply(302, b"", "Location: http://[::\xff"),
        "to http://[::",
    ),
    "no status": (MalformedAnswerError, 666, reply(666), "HTTP 666"),
    "no content": (MalformedAnswerError, 204, reply(204), "gave no user"),
}
BROKEN = {
    "reset": (reset, "reset"),
    "nothing": (raw(b""), "without sending a response"),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "status line"),
    "half": (raw(b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\n" + given()), "complete message"),
    "big header": (raw(b"HTTP/1.1 200 X\r\nX: " + b"x" * 2**20), "gave no answer"),
}
ANSWERS = {
    **STATUSES,
    **{
        f"malformed: {name}": (MalformedAnswerError, 200, reply(200, *answer), words)
        for name, (words, *answer) in MALFORMED.items()
    },
    **{
        f"broken: {name}": (UnreachableError, None, answer, words)
        for name, (answer, words) in BROKEN.items()
    },
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_every_answer_that_gives_no_user_has_a_type_that_says_why(name, nursery):
    """S1: directly, and as ERR_AUTHENTICATION_FAILED with the same details."""
    server = await nursery.start(HttpServer.run)
    kind, status, answer, words = ANSWERS[name]
    server.plan(answer, answer)
    authenticator = HttpAuthenticator(server.origin)
    error = await failure(authenticator)

    assert type(error) is kind
    assert getattr(error, "status", None) == status
    assert isinstance(error, AnswerError) is (status is not None)
    assert words in str(error)
    assert server.origin in str(error)
    through = await login_failure(authenticator)
    assert through.details == str(error)
    assert len(server.requests) == 2
    with trio.fail_after(5):
        await server.until(lambda server: server.open == 0)


async def test_identity_is_no_compression(nursery):
    """An answer may say that it is not compressed."""
    server = await nursery.start(HttpServer.run)
    server.plan(reply(200, given(), "Content-Encoding: , Identity"))

    assert (await authenticate(HttpAuthenticator(server.origin))).auth_token == NEW


async def test_nobody_listening_is_unreachable():
    """S1: the text says where and why."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        authenticator = HttpAuthenticator(f"http://127.0.0.1:{bound.getsockname()[1]}/")
        error = await failure(authenticator)
        through = await login_failure(authenticator)

    assert type(error) is UnreachableError
    assert "Connection refused" in str(error)
    assert through.details == str(error)


async def test_unknown_name_is_unreachable():
    """S1: a name that nobody knows is told as such."""

    class Resolver(trio.abc.HostnameResolver):
        async def getaddrinfo(self, *args, **options):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        async def getnameinfo(self, sockaddr, flags):
            raise NotImplementedError

    trio.socket.set_custom_hostname_resolver(Resolver())
    try:
        error = await failure(HttpAuthenticator("https://auth.example.org/"))
    finally:
        trio.socket.set_custom_hostname_resolver(None)

    assert type(error) is UnreachableError
    assert "https://auth.example.org gave no answer" in str(error)
    assert "not known" in str(error)


async def test_server_without_tls_is_unreachable_by_https(nursery):
    """A plain server behind an https: URL is told as TLS trouble and never sees the token."""
    server = await nursery.start(HttpServer.run)
    error = await failure(HttpAuthenticator(server.origin.replace("http:", "https:")))

    assert type(error) is UnreachableError
    assert "SSL" in str(error)
    assert server.requests == []


# -- construction --------------------------------------------------------------------------------

URL = "https://auth.example.org/login"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", ValueError),
        ("auth.example.org", ValueError),
        ("ws://auth.example.org/", ValueError),
        ("https://", ValueError),
        ("https:///login", ValueError),
        ("https://auth.example.org:99999/", ValueError),
        ("https://user:hush@auth.example.org/", ValueError),
        ("https://hush@auth.example.org/", ValueError),
        ("https://auth.example.org/#part", ValueError),
        ("https://auth.example.org/#", ValueError),
        ("https://auth.exa mple.org/", ValueError),
        ("https://auth.example.org/\r\nX: y", ValueError),
        ("https://bücher.example/", ValueError),
        ("https://999.1.1.1/", ValueError),
        ("https://auth.example.org/" + "x" * 9_000, ValueError),
        (7, TypeError),
        (b"https://auth.example.org/", TypeError),
    ],
)
def test_wrong_url_is_refused_at_construction(url, error):
    """For either request, by name, and without a password in the text."""
    with pytest.raises(error, match="authenticate_url") as first:
        HttpAuthenticator(url)
    with pytest.raises(error, match="refresh_url") as second:
        HttpAuthenticator(URL, refresh_url=url)

    assert "hush" not in str(first.value) + str(second.value)


def test_missing_url_is_refused_at_construction():
    """Only the one for refreshing may be left out."""
    with pytest.raises(TypeError, match="authenticate_url"):
        HttpAuthenticator(None)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"ssl_context": "yes"}, TypeError),
        ({"allow_insecure": 1}, TypeError),
        ({"headers": "X: y"}, TypeError),
        ({"headers": {"X": 1}}, TypeError),
        ({"headers": (("X", "y", "z"),)}, TypeError),
        ({"headers": {"X": "y\r\nZ: 1"}}, ValueError),
        ({"headers": {"X Y": "z"}}, ValueError),
        ({"headers": {"Authorization": "Basic x"}}, ValueError),
        ({"headers": {"Accept-Encoding": "gzip"}}, ValueError),
        ({"headers": {"Content-Length": "0"}}, ValueError),
        ({"headers": {"content-type": "text/plain"}}, ValueError),
        ({"headers": {"Host": "elsewhere"}}, ValueError),
    ],
)
def test_wrong_argument_is_refused_at_construction(arguments, error):
    """Nothing waits for the first login to go wrong."""
    with pytest.raises(error):
        HttpAuthenticator(URL, **arguments)


def test_ssl_context_without_https_is_refused():
    """It would protect nothing."""
    context = ssl.create_default_context()
    with pytest.raises(ValueError, match="no use"):
        HttpAuthenticator("http://localhost/", ssl_context=context)

    HttpAuthenticator("http://localhost/", refresh_url=URL, ssl_context=context)


@pytest.mark.parametrize("host", ["auth.example.org", "127.1", "localhost.example.org", "[::2]"])
def test_token_does_not_travel_unencrypted(host):
    """ERR_INSECURE_URL for http: off loopback, unless it is allowed; on loopback it is safe."""
    plain = f"HTTP://{host}/login"
    for arguments in ((plain,), (URL, plain)):
        with pytest.raises(TransportError, match="allow_insecure") as caught:
            HttpAuthenticator(arguments[0], refresh_url=(*arguments, None)[1])

        assert caught.value.code is Code.INSECURE_URL
    HttpAuthenticator(plain, refresh_url=plain, allow_insecure=True)
    for loopback in ("localhost", "LOCALHOST", "127.0.0.2:8080", "[::1]"):
        HttpAuthenticator(f"http://{loopback}/login")


async def test_token_that_cannot_travel_is_refused_before_it_does(nursery):
    """A header cannot be smuggled in by a token."""
    server = await nursery.start(HttpServer.run)
    with pytest.raises(ValueError, match="cannot travel") as caught:
        await authenticate(
            HttpAuthenticator(server.origin), Credentials(uid="alice", auth_token="a\r\nX: hush")
        )

    assert "hush" not in str(caught.value)
    assert server.connections == 0


# -- the extra -----------------------------------------------------------------------------------


def _python(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_transport_does_without_httpx():
    """Who has authenticators of their own need not install it, nor wait for its import."""
    ran = _python("import sys, transport; sys.exit('httpx' in sys.modules)")

    assert (ran.returncode, ran.stderr) == (0, "")


def test_missing_httpx_is_told_with_the_extra_that_brings_it():
    """The message can be copied to the command line."""
    ran = _python("import sys; sys.modules['httpx'] = None; import transport.http")

    assert "ImportError: transport.http needs httpx" in ran.stderr
    assert "pip install 'statemodel[http]'" in ran.stderr
