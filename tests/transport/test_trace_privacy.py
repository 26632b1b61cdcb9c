"""What a connection never writes down of itself, or only if asked to."""

from __future__ import annotations

import json
import os
import stat
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
import trio

from statemodel.recordings._lines import MessageLine
from tests.transport.trace_files import recording_in
from transport import (
    AuthenticationError,
    DialError,
    Trace,
    TransportError,
    User,
    open_connection,
)
from transport._url import parse_url
from transport._veil import TraceVeil, hashed
from transport.testing import MemoryServer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trace.jsonl"


SECRETS = (
    "password-of-alice",
    "ticket-one-4711",
    "ticket-two-4712",
    "cookie-crumbs",
    "query-key-99",
)


class Blabbing:
    """An authenticator that says more than it should."""

    def __init__(self):
        self.asked = 0

    async def authenticate(self, credentials):
        await trio.sleep(0.1)
        self.asked += 1
        if self.asked == 1:
            raise AuthenticationError(
                f"{credentials.uid} with {credentials.auth_token} at https://u:pw@host/p?k=query-key-99"
            )
        return User(uid=credentials.uid, auth_token="ticket-one-4711")

    async def refresh(self, user):
        return User(uid=user.uid, auth_token="ticket-two-4712")


class Chattering:
    """A dialer that says in every end all that it knows."""

    async def run(self, request, sink):
        await trio.sleep(0.1)
        token = request.user.auth_token
        said = f"{token} {dict(request.headers)} {request.address.resource} for alice"
        raise DialError(said, http_status=401 if token == "ticket-one-4711" else 500)


@pytest.mark.parametrize("uids", [False, True])
@pytest.mark.parametrize("messages", ["none", "sizes", "contents"])
async def test_secrets_are_never_written(autojump_clock, path, uids, messages):
    """Tokens given, gained and refreshed, cookies, path and query: not even where others repeat them."""
    async with open_connection(
        "wss://example.org/secret-path?key=query-key-99",
        dialer=Chattering(),
        authenticator=Blabbing(),
        headers=(("Cookie", "a=1; session=cookie-crumbs"),),
        trace=Trace(path, uids=uids, messages=messages),
    ) as connection:
        with pytest.raises(TransportError):
            await connection.login("alice", auth_token="password-of-alice")
        await connection.login("alice", auth_token="password-of-alice")
        await trio.sleep(60)
        await connection.logout()
    written = path.read_text("ascii")

    assert [secret for secret in (*SECRETS, "u:pw", "secret-path") if secret in written] == []
    assert "withheld" in written
    assert ("alice" in written) is uids
    assert (hashed("alice") in written) is not uids


@pytest.mark.parametrize(
    "secret",
    ["ticket-one-4711", "secret-path", "key=query-key-99", "query-key-99", "session=cookie-crumbs",
     "cookie-crumbs", "header-of-mine"],
)  # fmt: skip
def test_each_secret_is_withheld_by_itself(secret):
    """Whichever of them somebody else has put into a text, a part of it is not there any more."""
    headers = (("Cookie", "a=1; session=cookie-crumbs"), ("X-Mine", "header-of-mine"))
    address = parse_url("wss://example.org/secret-path?key=query-key-99")
    veil = TraceVeil(uids=False, address=address, headers=headers)
    veil.user(User(uid="alice", auth_token="ticket-one-4711"))
    text = veil.text(f"alice: {secret}!")

    assert secret not in text
    assert secret[:8] not in text
    assert "alice" not in text


SPELLINGS = {
    "url": lambda secret: quote(secret, safe=""),
    "form": quote_plus,
    "hex": lambda secret: secret.encode().hex(),
    "base64": lambda secret: b64encode(secret.encode()).decode(),
    "for the web": lambda secret: urlsafe_b64encode(secret.encode()).decode(),
    "basic": lambda secret: b64encode(f"alice:{secret}".encode()).decode(),
    "behind one": lambda secret: b64encode(f"a{secret}".encode()).decode(),
    "before one": lambda secret: b64encode(f"{secret}:z".encode()).decode(),
    "json": lambda secret: json.dumps({"token": secret}),
    "part": lambda secret: secret[2:11],
    "part in base64": lambda secret: b64encode(secret[3:].encode()).decode(),
}
"""How others may spell what they were given."""


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    "secret", ["to/ken+4711=", "key/of?query", "mine: 12345678", "gehe\u00edmer-weg"]
)
def test_a_secret_is_withheld_however_it_is_spelt(secret, spelling):
    """For a URL or a form, in hex, in base64 with something before or behind it, or a part of it."""
    address = parse_url("wss://example.org/gehe%C3%ADmer-weg?key=key%2Fof%3Fquery")
    veil = TraceVeil(uids=True, address=address, headers=(("X-Mine", "mine: 12345678"),))
    veil.user(User(uid="alice", auth_token="to/ken+4711="))

    assert veil.text(f"refused {SPELLINGS[spelling](secret)}").startswith("[withheld")


def test_what_is_no_secret_stays():
    """Details are what one looks for at three in the morning."""
    veil = TraceVeil(uids=False, address=parse_url("wss://example.org/"), headers=(("A", "b"),))
    veil.user(User(uid="al", auth_token="a-token-of-hers"))

    assert (
        veil.text("close code 1012: all servers restart") == "close code 1012: all servers restart"
    )
    assert veil.text(f"{'x' * 600}").endswith("[cut]")
    assert veil.text("see wss://u:pw@host:1/?page=7") == "see wss://host:1/[withheld]"


@pytest.mark.parametrize("messages", ["none", "sizes", "contents"])
async def test_message_contents_are_written_only_if_asked_for(autojump_clock, path, messages):
    """Kind and size are, unless not even those are wanted."""
    server = MemoryServer()
    async with open_connection(
        server.url, dialer=server.dialer, trace=Trace(path, messages=messages)
    ) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        await (await server.accepted(1)).send("from the server \x1b\u2028")
        await anext(aiter(connection))
        await connection.send("to the server")
        await connection.send(b"bytes for it")
    written = path.read_text("ascii")

    assert ("from the server" in written) is (messages == "contents")
    assert ("to the server" in written) is (messages == "contents")
    assert ("Ynl0ZXMgZm9yIGl0" in written) is (messages == "contents")
    assert ('"size":12' in written) is (messages != "none")
    assert ('"message"' in written) is (messages != "none")


async def test_a_long_message_is_written_in_part(autojump_clock, path):
    """Its size is that of the whole, and its line one that can be read."""
    server = MemoryServer()
    async with open_connection(
        server.url, dialer=server.dialer, trace=Trace(path, messages="contents")
    ) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        await connection.send("\N{GRINNING FACE}" * 200_000)
    (line,) = [m for _, m in recording_in(path).lines if isinstance(m, MessageLine) and m.content]

    assert line.size == 200_000
    assert len(line.content) == 2**16


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
async def test_the_file_is_private(autojump_clock, path):
    """Readable and writable for its owner alone, whatever the umask, also one that was not so."""
    for _ in range(2):
        mask = os.umask(0)
        try:
            async with open_connection("wss://example.org", trace=path):
                pass
        finally:
            os.umask(mask)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
