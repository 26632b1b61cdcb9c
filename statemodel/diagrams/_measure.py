"""How wide a text is, so that a picture can be laid out without a font at hand.

The widths are those of Helvetica, which Arial and Liberation Sans share; pictures name these three.
"""

from __future__ import annotations

_NARROW = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 "  # space to /
    "556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556 "  # 0 to ?
    "1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 "  # @ to O
    "667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 "  # P to _
    "333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 "  # ` to o
    "556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"  # p to ~
)
_WIDTHS = dict(zip(map(chr, range(32, 127)), map(int, _NARROW.split()), strict=True))
_OTHER = 700
"""For a letter outside ASCII: wide enough for most."""
_BOLD = 1.07
"""How much wider the bold letters are, on the whole."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of one line of text, in the units of `size`, the font's height."""
    width = sum(_WIDTHS.get(letter, _OTHER) for letter in text) * size / 1000
    return width * _BOLD if bold else width


def wrap(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """Break a text into lines no wider than `width`; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
