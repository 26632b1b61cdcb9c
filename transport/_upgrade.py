"""What an upgrade request says in its headers, and what the answer's say of the next one."""

from __future__ import annotations

import email.utils
import time

from transport._seam import Request, TokenIn


def headers_of(request: Request) -> list[tuple[bytes, bytes]]:
    """Return the headers of the upgrade, with the user's token if it travels there."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers]
    if request.user.auth_token and request.token_in is TokenIn.HEADER:
        headers.append((b"Authorization", b"Bearer " + request.user.auth_token.encode("latin-1")))
    return headers


def retry_after(headers: dict[bytes, bytes]) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3): a number, or a date."""
    text = headers.get(b"retry-after", b"").decode("latin-1").strip()
    if text.isdecimal() and text.isascii() and len(text) < 10:
        return float(text)
    try:
        until = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    try:  # the server's own clock, if it says, so that ours may be wrong
        now = email.utils.parsedate_to_datetime(headers[b"date"].decode("latin-1")).timestamp()
    except (KeyError, ValueError, OverflowError):
        now = time.time()
    return max(0.0, until - now)
