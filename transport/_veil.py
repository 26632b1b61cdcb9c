"""What of a connection must not get into its trace, in whatever text it stands."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from urllib.parse import parse_qsl, quote, unquote

from statemodel import Credentials, User
from statemodel.recordings import Veil
from transport._credentials import redacted
from transport._url import Address

_LONGEST = 500
"""Characters of a text by others that are written."""

_SHORTEST = 4
"""Characters of a value in a query or header that can be a secret; shorter ones stand everywhere."""

_REMEMBERED = 32
"""Tokens, and users, that are looked for in texts: the last ones."""

_URL_USER = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#@]*@")
_URL_REST = re.compile(r"(?P<url>[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]*)[/?#][^\s'\")>\]]*")


class TraceVeil(Veil):
    """Keeps secrets out of a trace, and users too unless they may be known.

    Args:
        uids: Whether users may be.
        address: Where the connection goes: its path and query are secrets.
        headers: Those of the upgrade request: their values are secrets.
    """

    def __init__(self, *, uids: bool, address: Address, headers: Iterable[tuple[str, str]]) -> None:
        self._uids = uids
        secrets = dict.fromkeys(_secrets(address, headers))
        self._given = tuple(word for secret in secrets for word in _spellings(secret))
        self._tokens: dict[str, tuple[str, ...]] = {}
        self._users: dict[str, str] = {}

    def user(self, user: User | Credentials) -> str:
        """Return what stands for a user."""
        if user.auth_token and user.auth_token not in self._tokens:
            if len(self._tokens) >= _REMEMBERED:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[user.auth_token] = tuple(_spellings(user.auth_token))
        shown = self._users.get(user.uid)
        if shown is None:
            whole = self._uids and len(user.uid) <= _LONGEST
            shown = user.uid if whole else hashed(user.uid)
            if len(self._users) >= _REMEMBERED:
                self._users.clear()
            self._users[user.uid] = shown
        return shown

    def text(self, text: str) -> str:
        """Return what stands for a text that others have written."""
        text = _URL_REST.sub(r"\g<url>/[withheld]", _URL_USER.sub(r"\g<scheme>", text))
        for words in (*self._tokens.values(), self._given):
            for word in words:
                text = redacted(text, word)
        if not self._uids:
            for uid, shown in self._users.items():
                text = re.sub(rf"(?<!\w){re.escape(uid)}(?!\w)", shown, text)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [cut]"


def hashed(uid: str) -> str:
    """Return a short hash of a user's identifier: equal for equal ones, in every trace."""
    return f"user-{sha256(uid.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _secrets(address: Address, headers: Iterable[tuple[str, str]]) -> Iterable[str]:
    path, _, query = address.resource.partition("?")
    values = [
        path,
        unquote(path),
        query,
        *(value for _, value in parse_qsl(query, keep_blank_values=True)),
    ]
    for _, value in headers:
        values += [value, *(pair.partition("=")[2].strip() for pair in value.split(";"))]
    return (value for value in values if len(value) >= _SHORTEST)


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and as those spell it who pass it on: in URLs, JSON, hex, base64."""
    yield secret
    raw = secret.encode("utf-8", "surrogatepass")
    for word in (quote(raw, safe=""), json.dumps(secret)[1:-1], raw.hex()):
        if word != secret:
            yield word
    for before in range(3):  # what stands before it, as in `user:token`, moves its letters
        word = b64encode(bytes(before) + raw).decode().rstrip("=")
        own = word[-(-before * 4 // 3) : len(raw + bytes(before)) // 3 * 4]
        if len(own) > _CHANCE:
            yield own


_CHANCE = 8
"""So many letters of base64 are no secret's but anybody's."""
