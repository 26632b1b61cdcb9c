"""An authenticator that asks an HTTP server; `pip install statemodel[http]` installs what it needs.

Owns the two requests, what counts as an answer, and the types of what goes wrong:

AuthenticationError
├─ UnreachableError         no answer: DNS, TCP, TLS, a reset, or no HTTP
├─ AnswerError              an answer without a user; has `status`
│  ├─ RefusedError          401, 403, any other 4xx
│  ├─ RedirectedError       3xx: not followed, since the token would go elsewhere
│  ├─ ServerTroubleError    429, 5xx: later it may go well
│  └─ MalformedAnswerError  2xx with something else in it than the user that was asked for
└─ CredentialsRevokedError  401 or 403 to a refresh, or nowhere to refresh (B5)

Speaks through httpx's transport, not its client: that one would follow the environment (proxies,
.netrc), keep cookies, log URLs, unpack what is compressed, and parse the target of a redirect.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import trio

from statemodel import Code, Credentials, User
from transport._arguments import checked_headers
from transport._credentials import is_visible, redacted
from transport._errors import TransportError
from transport._session import AuthenticationError, CredentialsRevokedError
from transport._url import parse_url

try:
    import httpx
except ImportError as error:
    raise ImportError(
        "transport.http needs httpx, which comes with: pip install 'statemodel[http]'",
        name="httpx",
    ) from error

__all__ = [
    "AnswerError",
    "HttpAuthenticator",
    "MalformedAnswerError",
    "RedirectedError",
    "RefusedError",
    "ServerTroubleError",
    "UnreachableError",
]

_MAX_ANSWER = 64 * 2**10
"""Bytes of an answer's body: a user and a token are much smaller."""

_MAX_QUOTED = 200
"""Characters of the server's own words that come into an error's text."""

_LONGEST_CHANCE = 7
"""Characters of a header's value that are too few to be a secret."""

_RESERVED = {"accept", "accept-encoding", "content-type", "expect", "te", "trailer"}
"""Headers that this request itself has, beside those of any request, or that change its meaning."""


class UnreachableError(AuthenticationError):
    """No answer was had; the text says what was wrong."""


class AnswerError(AuthenticationError):
    """The server answered, but not with a user.

    Attributes:
        status: The HTTP status of the answer.
    """

    def __init__(self, text: str, *, status: int) -> None:
        super().__init__(text)
        self.status = status


class RefusedError(AnswerError):
    """The server does not accept the credentials, or the request: 4xx."""


class RedirectedError(AnswerError):
    """The server points elsewhere: 3xx. Give the right URL instead; the token goes nowhere else."""


class ServerTroubleError(AnswerError):
    """The server cannot say now: 429 or 5xx."""


class MalformedAnswerError(AnswerError):
    """The answer is not the user that was asked for, in the agreed form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    """Where to ask."""

    url: httpx.URL
    """With its query, which may be secret."""
    origin: str
    """Scheme, host and port, for texts."""
    secure: bool
    """Whether it is `https:`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What came back, whatever it is."""

    status: int
    """The HTTP status."""
    location: str
    """Where a redirect points; empty if it does not say."""
    encoded: bool
    """Whether the body is compressed, though it was asked not to be."""
    body: bytes
    """Cut off behind `_MAX_ANSWER`, where it is too large to be read."""


class HttpAuthenticator:
    """Asks a server with `POST` and JSON; see `Authenticator`.

    Both requests have the body `{"uid": ...}` and the header `Authorization: Bearer TOKEN`, without
    the header if there is no token. A 2xx answer with `{"uid": ..., "auth_token": ...}` in UTF-8 is
    the user; the uid must be the one asked for, the token non-empty and of visible ASCII.

    Every request has a connection of its own, closed when the call ends: logins and refreshes are
    rare, and so there is nothing for the application to close. There is no time limit but that of
    the caller (`auth_timeout`): cancelled, a call closes its connection at once.
    """

    def __init__(
        self,
        authenticate_url: str,
        *,
        refresh_url: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | tuple[tuple[str, str], ...] = (),
        allow_insecure: bool = False,
    ) -> None:
        """Check the arguments.

        Args:
            authenticate_url: Where a login is asked; `https:`, or `http:` on loopback.
            refresh_url: Where a new token is asked for; without it there is never one.
            ssl_context: For `https:`; by default the platform's trust store. The HTTP version is
                set on it (ALPN).
            headers: Further headers of both requests, an API key for example.
            allow_insecure: Let the token travel unencrypted over `http:` to a host that is not
                loopback.

        Raises:
            TypeError, ValueError: an argument is none that could work.
            TransportError: `ERR_INSECURE_URL`: a token would travel unencrypted.
        """
        if not isinstance(allow_insecure, bool):
            raise TypeError(f"allow_insecure must be a bool, not {allow_insecure!r}")
        if not isinstance(ssl_context, ssl.SSLContext | None):
            raise TypeError(f"ssl_context must be an SSLContext, not {ssl_context!r}")
        self._authenticate = _endpoint("authenticate_url", authenticate_url, allow_insecure)
        self._refresh = (
            None if refresh_url is None else _endpoint("refresh_url", refresh_url, allow_insecure)
        )
        self._headers = _checked_headers(headers)
        secure = self._authenticate.secure or (self._refresh is not None and self._refresh.secure)
        if ssl_context is not None and not secure:
            raise ValueError("an ssl_context is of no use with http:")
        if ssl_context is None and secure:
            ssl_context = ssl.create_default_context()  # once: it reads the trust store from disk
        # httpx wants one in any case; for http: it is one that trusts nobody.
        self._ssl_context = ssl_context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    async def authenticate(self, credentials: Credentials) -> User:
        """Ask for the user of these credentials.

        Raises:
            UnreachableError: there was no answer.
            AnswerError: there was one, but no user; its subclass says why.
        """
        return await self._ask(self._authenticate, credentials.uid, credentials.auth_token)

    async def refresh(self, user: User) -> User:
        """Ask with the old token for a new one; cancelled, the server may have given it.

        Raises:
            CredentialsRevokedError: the server answered 401 or 403, or there is no `refresh_url`.
            UnreachableError: there was no answer.
            AnswerError: there was one, but no user; its subclass says why.
        """
        if self._refresh is None:
            await trio.lowlevel.checkpoint()
            raise CredentialsRevokedError("there is no refresh_url to renew the token at")
        try:
            return await self._ask(self._refresh, user.uid, user.auth_token)
        except RefusedError as error:
            if error.status in (401, 403):
                raise CredentialsRevokedError(str(error)) from error
            raise

    async def _ask(self, endpoint: _Endpoint, uid: str, token: str) -> User:
        if not is_visible(token):
            raise ValueError("the token has characters that cannot travel in a header")
        headers = [
            *self._headers,
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity"),  # so that 64 KiB stay 64 KiB
            ("Connection", "close"),
            ("Content-Type", "application/json"),
        ]
        if token:
            headers.append(("Authorization", f"Bearer {token}"))
        secrets = [token, *(value for _, value in self._headers if len(value) > _LONGEST_CHANCE)]
        content = json.dumps({"uid": uid}).encode()
        try:
            answer = await _post(endpoint.url, headers, content, self._ssl_context)
        except (httpx.HTTPError, OSError) as error:
            # Not chained: what h11 complains of is in its text, and may be the token.
            text = f"{endpoint.origin} gave no answer: {_quoted(_why(error), secrets)}"
            raise UnreachableError(text) from None
        if not 200 <= answer.status < 300:
            raise _failure(answer, endpoint.origin, secrets)
        try:
            return _user(answer, uid)
        except ValueError as error:
            # Neither chained nor quoted: a new token may be in it, which nobody could black out.
            text = f"{endpoint.origin} gave no user: {error}"
            raise MalformedAnswerError(text, status=answer.status) from None


def _endpoint(name: str, url: str, allow_insecure: bool) -> _Endpoint:  # noqa: FBT001 - of this module
    """Check a URL by the rules for `ws:` and `wss:`, which are the same but for the scheme."""
    if not isinstance(url, str):
        raise TypeError(f"{name} must be a str, not {type(url).__name__}")
    scheme, _, _ = url.lower().partition(":")
    if scheme not in ("http", "https"):
        raise ValueError(f"{name} must begin with https: (or http:)")
    if "#" in url:
        raise ValueError(f"{name} must have no fragment, which no server would see")
    try:
        address = parse_url("ws" + url[len("http") :])
        # Of the parts, so that no second parser can see another host than the one checked here.
        parts = httpx.URL(
            scheme=scheme,
            host=address.host,
            port=address.port,
            raw_path=address.resource.encode("ascii"),
        )
    except (ValueError, httpx.InvalidURL) as error:
        raise ValueError(f"{name}: {error}") from None
    if not address.guarded and not allow_insecure:
        raise TransportError(
            Code.INSECURE_URL,
            f"{name}: use https:, or pass allow_insecure=True if you know the network.",
        )
    origin = f"{scheme}://{address.host_header}"
    return _Endpoint(url=parts, origin=origin, secure=address.secure)


def _checked_headers(headers: object) -> tuple[tuple[str, str], ...]:
    checked = checked_headers(tuple(headers.items()) if isinstance(headers, Mapping) else headers)
    for name, _ in checked:
        if name.lower() in _RESERVED:
            raise ValueError(f"the header {name!r} is the authenticator's own")
    return checked


async def _post(
    url: httpx.URL, headers: list[tuple[str, str]], content: bytes, ssl_context: ssl.SSLContext
) -> _Answer:
    """Make one request on a connection of its own; no redirects, no proxies, no time limits."""
    opened: list[Any] = []  # httpcore's streams

    async def note(event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            opened.append(info["return_value"])

    async def hang_up() -> None:
        with trio.CancelScope(shield=True):  # closing TCP waits for nobody
            for stream in opened:
                await stream.aclose()

    request = httpx.Request(
        "POST", url, headers=headers, content=content, extensions={"trace": note}
    )
    try:
        async with httpx.AsyncHTTPTransport(verify=ssl_context, trust_env=False) as transport:
            response = await transport.handle_async_request(request)
            body = await _read(response, hang_up)
    finally:
        await hang_up()  # httpcore leaves the socket open when a TLS handshake is cancelled
    encodings = response.headers.get("Content-Encoding", "").lower().split(",")
    return _Answer(
        status=response.status_code,
        location=response.headers.get("Location", ""),
        encoded=not {encoding.strip() for encoding in encodings} <= {"", "identity"},
        body=body,
    )


async def _read(response: httpx.Response, hang_up: Callable[[], Awaitable[None]]) -> bytes:
    """Read the body as it is on the wire, to its end or `_MAX_ANSWER`."""
    body = bytearray()
    try:
        async for part in response.aiter_raw():
            body += part
            if len(body) > _MAX_ANSWER:
                # The next read fails, which ends the generators that httpx has inside of each
                # other. To leave the loop would leave them to the garbage collector.
                await hang_up()
    except httpx.HTTPError:
        if response.is_success and len(body) <= _MAX_ANSWER:
            raise
        # Too large, or a failure whose explanation was cut short: the status says enough.
    return bytes(body)


def _user(answer: _Answer, uid: str) -> User:
    """Return the user in an answer.

    Raises:
        ValueError: there is none; the text says why, and does not quote the answer.
    """
    if answer.encoded:
        raise ValueError("the answer is compressed, though it was asked not to be")
    if len(answer.body) > _MAX_ANSWER:
        raise ValueError(f"the answer has more than {_MAX_ANSWER} bytes")
    try:  # UTF-8 whatever a charset says (RFC 8259, 8.1 and 11)
        given = json.loads(answer.body.decode("utf-8"), object_pairs_hook=_without_repetition)
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None
    if not isinstance(given, dict):
        raise ValueError("the answer is no JSON object")  # noqa: TRY004 - not an argument
    for name in ("uid", "auth_token"):
        if not isinstance(given.get(name), str):
            raise ValueError(f"the answer has no {name} that is a string")  # noqa: TRY004 - as above
    if given["uid"] != uid:
        raise ValueError("the answer has the uid of another user")
    if not given["auth_token"] or not is_visible(given["auth_token"]):
        raise ValueError("the answer's auth_token must be visible ASCII, and not empty")
    return User(uid=uid, auth_token=given["auth_token"])


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make a JSON object; readers differ in what a repeated name means (RFC 8259, 4)."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("the answer has a name twice")
    return made


def _failure(answer: _Answer, origin: str, secrets: list[str]) -> AnswerError:
    """Return the failure that a status other than 2xx stands for."""
    status = answer.status
    text = f"{origin} answered HTTP {status}"
    if 300 <= status < 400:
        where = _quoted(answer.location, secrets) or "nowhere"
        text += f", a redirect to {where}, which is not followed: the token would go there"
        return RedirectedError(text, status=status)
    words = "" if answer.encoded else _quoted(answer.body.decode("utf-8", "replace"), secrets)
    if words:
        text += f": {words}"
    if status == 429 or 500 <= status < 600:
        return ServerTroubleError(text, status=status)
    if 400 <= status < 500:
        return RefusedError(text, status=status)
    return MalformedAnswerError(text, status=status)


def _quoted(text: str, secrets: list[str]) -> str:
    """Return what others wrote as one short line of visible characters, without any secret."""
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    if len(line) > _MAX_QUOTED:
        line = line[: _MAX_QUOTED - 1] + "…"
    for secret in secrets:
        line = redacted(line, secret)
    return line


def _why(error: BaseException) -> str:
    """Say what was wrong at the bottom; httpx and httpcore only repeat it, or say less."""
    while (deeper := error.__cause__ or _first(error.args)) is not None:
        error = deeper
    causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return "; ".join(dict.fromkeys(str(cause) or type(cause).__name__ for cause in causes))


def _first(args: tuple[object, ...]) -> BaseException | None:
    """Return what an error of httpcore was made of: it drops the cause on its way out."""
    return args[0] if args and isinstance(args[0], BaseException) else None
