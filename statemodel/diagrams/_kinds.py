"""Where an event comes from: who or what moves a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statemodel.diagrams._model import ChartModel
    from statemodel.diagrams._svg import Drawing

KINDS = {
    "application": "a call of the application",
    "lifecycle": "the application's life cycle",
    "network": "the network",
    "server": "the server",
    "session": "credentials and saved users",
    "time": "a timer",
    "custom": "an event of an added region",
}
"""Each kind, in words; the order of a legend."""

_EVENTS = {
    "application": "login login_again abandon_login logout connect disconnect ping send_message "
    "shut_down abort_close",
    "lifecycle": "enter_background enter_foreground overslept",
    "network": "network_lost network_restored",
    "server": "dial_succeeded dial_failed socket_closed peer_silent server_refused "
    "own_pings_over throttling_started throttling_ended",
    "session": "authentication_succeeded authentication_failed save_succeeded save_failed "
    "session_restored refresh_succeeded refresh_failed credentials_denied",
}
_KIND = {event: kind for kind, events in _EVENTS.items() for event in events.split()}


def kind_of(event: str, model: ChartModel) -> str:
    """Return the kind of an event; what an added region declares itself is `custom`."""
    timers = {timer.event for timer in model.timers}
    return "time" if event in timers else _KIND.get(event, "custom")


def mark(d: Drawing, kind: str, x: float, y: float) -> None:
    """Draw the sign of a kind: its shape tells it apart where its colour does not."""
    style, r = style_of(kind), 4.2
    match kind:
        case "application":
            d.rect(x - r, y - r, 2 * r, 2 * r, fill=style, radius=0)
        case "lifecycle":
            d.circle(x, y, r, fill=style)
        case "network":
            d.polygon([(x - r, y + r), (x + r, y + r), (x, y - r)], fill=style)
        case "server":
            d.polygon([(x, y - r - 1), (x + r + 1, y), (x, y + r + 1), (x - r - 1, y)], fill=style)
        case "session":
            d.polygon([(x - r, y - r), (x + r, y - r), (x, y + r)], fill=style)
        case "time":
            d.circle(x, y, r, stroke=style)
            d.line([(x, y - 2.4), (x, y), (x + 2, y)], stroke=style, weight=1.2)
        case _:
            d.rect(x - r, y - r, 2 * r, 2 * r, stroke=style, radius=0)


def style_of(kind: str) -> str:
    """Return the style in which a kind is written."""
    return "ink" if kind == "custom" else kind
