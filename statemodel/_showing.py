"""What a stranger has written, so that it can be shown: short, and harmless to a terminal."""

from __future__ import annotations

_LONGEST_VALUE = 120
"""Characters of a value at most."""

_LONGEST_TEXT = 2000
"""Characters of a text at most."""


def shown(value: object) -> str:
    """Return a value as Python writes it, or its beginning."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deep, or too many digits
        return f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def printable(text: str, keep: str = "\n\t") -> str:
    """Return text with all escaped that is not to be seen: control characters, half surrogates.

    Args:
        text: What somebody wrote.
        keep: What stays though it is not printable; by default line ends and tabs.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def abridged(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Return text without its middle, if it is longer than so many characters."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} ... {text[-half:]}"
