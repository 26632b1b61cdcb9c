"""Drawing: shapes and words to one SVG text, in light and in dark.

Owns the look of every picture: palette, fonts, arrow heads. A picture names a *style* for what it
draws, never a colour. Colours are Okabe and Ito's, which colour-blind readers can tell apart, and
none of them is the only sign of anything: each comes with a word or a shape. Texts are escaped
here and nowhere else, so that nothing a chart or a trace says can become markup.
"""

from __future__ import annotations

import re
from html import escape
from math import atan2, cos, hypot, pi, sin
from typing import TYPE_CHECKING

from statemodel.diagrams._measure import text_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Point = tuple[float, float]

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"

# name: (light, dark)
_INKS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14171c"),
    "card": ("#f6f7f9", "#1e232b"),
    "state": ("#ffffff", "#2a313c"),
    "rule": ("#d4d9e0", "#3a424e"),
    "line": ("#5a6472", "#9aa5b4"),
    "ink": ("#1a1d21", "#eceff3"),
    "soft": ("#566070", "#a9b3c0"),
    "accent": ("#0072b2", "#56b4e9"),
    "application": ("#0072b2", "#56b4e9"),
    "lifecycle": ("#8a3d76", "#e29ac6"),
    "network": ("#7a6200", "#e8cf4a"),
    "server": ("#b04a00", "#f59a56"),
    "session": ("#00735a", "#3fc9a0"),
    "time": ("#4b5563", "#c3cad4"),
    "up": ("#cdeadd", "#124734"),
    "up-line": ("#00735a", "#3fc9a0"),
    "coming": ("#fde9bf", "#4d3a08"),
    "coming-line": ("#8a6100", "#e8b93c"),
    "idle": ("#e6e9ee", "#343c48"),
    "idle-line": ("#5a6472", "#9aa5b4"),
    "bad": ("#f8d9cc", "#55230f"),
    "bad-line": ("#a63c00", "#f59a56"),
    "window": ("#cfe4f4", "#123a56"),
    "window-line": ("#0072b2", "#56b4e9"),
}

STYLES = frozenset(_INKS)


def _css() -> str:
    """Return the palette as classes: plain ones, which every viewer knows, and those for the dark."""
    light = "".join(_classes(name, one) for name, (one, _) in _INKS.items())
    dark = "".join(_classes(name, other) for name, (_, other) in _INKS.items())
    return (
        f"svg{{font-family:{FONT}}}.n{{fill:none}}.b{{font-weight:700}}.i{{font-style:italic}}"
        ".m{text-anchor:middle}.e{text-anchor:end}"
        f".h{{paint-order:stroke;stroke:{_INKS['card'][0]};stroke-width:3px;stroke-linejoin:round}}"
        f"{light}@media (prefers-color-scheme:dark){{{dark}.h{{stroke:{_INKS['card'][1]}}}}}"
    )


def _classes(name: str, colour: str) -> str:
    return f".f-{name}{{fill:{colour}}}.s-{name}{{stroke:{colour}}}"


class Drawing:
    """A picture in the making; y grows downwards, units are pixels at full size.

    Args:
        width: Of the whole picture.
        title: Its name, the alternative text's first line.
        description: What one would tell somebody who cannot see it.
    """

    def __init__(self, width: float, *, title: str, description: str) -> None:
        self.width = width
        self.height = 0.0
        self.title = title
        self.description = description
        self._parts: list[str] = []

    # -- shapes ----------------------------------------------------------------------------------

    def rect(  # noqa: D417 - the frame's four numbers need no words
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "",
        stroke: str = "",
        radius: float = 6,
        weight: float = 1.2,
        dashed: str = "",
    ) -> None:
        """Draw a box.

        Args:
            fill: A style, or nothing.
            stroke: A style, or nothing.
            radius: Of the corners.
            weight: Of the stroke.
            dashed: Lengths of dashes and gaps, as SVG writes them.
        """
        self.reach(y + height)
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" '
            f'rx="{_n(radius)}"{_look(fill, stroke, weight, dashed)}/>'
        )

    def circle(
        self, x: float, y: float, radius: float, *, fill: str = "", stroke: str = ""
    ) -> None:
        """Draw a circle."""
        self.reach(y + radius)
        self._parts.append(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"{_look(fill, stroke, 1.4)}/>'
        )

    def polygon(self, points: Sequence[Point], *, fill: str = "", stroke: str = "") -> None:
        """Draw a closed shape."""
        corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(f'<polygon points="{corners}"{_look(fill, stroke, 1.4)}/>')

    def line(
        self,
        points: Sequence[Point],
        *,
        stroke: str = "line",
        weight: float = 1.4,
        dashed: str = "",
        arrow: bool = False,
        smooth: bool = False,
    ) -> None:
        """Draw a line through points, or cubic curves (`smooth`: start, then three points each).

        Args:
            points: At least two.
            stroke: A style.
            weight: In pixels.
            dashed: Lengths of dashes and gaps.
            arrow: Whether the end has a head.
            smooth: Whether the points are a start and Bézier triples.
        """
        self.reach(max(y for _, y in points))
        points = list(points)
        tip, before = points[-1], _before(points)
        if arrow:
            points[-1] = _back(tip, before, 6.0)
        start, *rest = points
        if smooth:
            triples = [rest[n : n + 3] for n in range(0, len(rest), 3)]
            way = "".join(
                "C" + " ".join(f"{_n(x)},{_n(y)}" for x, y in triple) for triple in triples
            )
        else:
            way = "".join(f"L{_n(x)},{_n(y)}" for x, y in rest)
        self._parts.append(
            f'<path d="M{_n(start[0])},{_n(start[1])}{way}"{_look("", stroke, weight, dashed)}/>'
        )
        if arrow:
            self.head(tip, before, fill=stroke)

    def head(self, tip: Point, before: Point, *, fill: str) -> None:
        """Draw the head of an arrow that comes from `before`."""
        angle = atan2(tip[1] - before[1], tip[0] - before[0])
        wings = [
            (tip[0] - 9 * cos(angle + side), tip[1] - 9 * sin(angle + side))
            for side in (-pi / 7, pi / 7)
        ]
        self.polygon([tip, *wings], fill=fill)

    # -- words -----------------------------------------------------------------------------------

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        fill: str = "ink",
        size: float = 13,
        anchor: str = "",
        bold: bool = False,
        italic: bool = False,
        halo: bool = False,
        tail: str = "",
    ) -> float:
        """Write one line with its baseline at `y`; return how wide it is.

        Args:
            x: The left end, or what `anchor` says.
            y: The baseline.
            words: The text, any characters.
            fill: A style.
            size: The font's height.
            anchor: `m` for the middle, `e` for the right end.
            bold: Whether it is.
            italic: Whether it is.
            halo: Whether lines behind it are kept clear of the letters.
            tail: Words that follow in the style `accent`.
        """
        self.reach(y + size * 0.3)
        marks = [f"f-{fill}", *("b" * bold), *("i" * italic), *("h" * halo), *anchor]
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" class="{" ".join(marks)}">'
            f"{_safe(words)}"
            + (f'<tspan class="f-accent" dx="6">{_safe(tail)}</tspan>' if tail else "")
            + "</text>"
        )
        return text_width(words + tail, size, bold=bold) + 6 * bool(tail)

    def lines(
        self, x: float, y: float, lines: Iterable[str], *, leading: float = 16, **look: str | float
    ) -> float:
        """Write lines one under the other; return the baseline that the next one would have."""
        for words in lines:
            self.text(x, y, words, **look)  # type: ignore[arg-type]  # text's own keywords
            y += leading
        return y

    def pill(
        self, x: float, y: float, words: str, *, fill: str, stroke: str, size: float = 12
    ) -> float:
        """Write words in a rounded box whose middle is at `y`; return its width."""
        width = text_width(words, size, bold=True) + 16
        self.rect(
            x, y - size * 0.85, width, size * 1.7, fill=fill, stroke=stroke, radius=size * 0.85
        )
        self.text(x + width / 2, y + size * 0.36, words, size=size, bold=True, anchor="m")
        return width

    def reach(self, y: float) -> None:
        """Make the picture at least so high."""
        self.height = max(self.height, y)

    def svg(self, *, margin: float = 16) -> str:
        """Return the whole picture; equal pictures are equal texts."""
        width, height = self.width, self.height + margin
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
            f'width="{_n(width)}" height="{_n(height)}" role="img" aria-labelledby="t d">\n'
            f'<title id="t">{_safe(self.title)}</title>\n'
            f'<desc id="d">{_safe(self.description)}</desc>\n'
            f"<style>{_css()}</style>\n"
            f'<rect width="100%" height="100%" class="f-paper"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def _n(number: float) -> str:
    """Write a number with at most two decimals, the same everywhere."""
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _safe(words: str) -> str:
    """Escape for XML; what XML cannot hold is shown as a box."""
    return escape(_UNPRINTABLE.sub("\ufffd", words))


def _look(fill: str, stroke: str, weight: float, dashed: str = "") -> str:
    marks = [f"f-{fill}" if fill else "n", *([f"s-{stroke}"] if stroke else [])]
    dashes = f' stroke-dasharray="{dashed}"' if dashed else ""
    thick = f' stroke-width="{_n(weight)}"' if stroke else ""
    return f' class="{" ".join(marks)}"{thick}{dashes}'


def _before(points: Sequence[Point]) -> Point:
    """Return the last point that is not where the line ends: an arrow points from there."""
    tip = points[-1]
    return next((p for p in reversed(points[:-1]) if p != tip), (tip[0] - 1, tip[1]))


def _back(tip: Point, before: Point, by: float) -> Point:
    length = hypot(tip[0] - before[0], tip[1] - before[1]) or 1.0
    by = min(by, length)
    return (
        tip[0] - (tip[0] - before[0]) * by / length,
        tip[1] - (tip[1] - before[1]) * by / length,
    )
