"""What an application says before it begins: its settings, and its id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from transport.sdk._errors import api_failure

_APP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")

_SET_ELSEWHERE = {
    "url": "set_server",
    "mode": "auto_establish_socket_connection",
}
"""Options of `open_connection` that have a setting of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """The settings of `CometChat.init`; `AppSettingsBuilder` makes them.

    Raises:
        TypeError: a value is of a wrong type.
    """

    auto_establish_socket_connection: bool = True
    """Whether the connection follows the life cycle (auto mode) or `connect` (manual mode)."""
    region: str = ""
    """Where the application is registered, say "eu"; letters, digits and `-`, at most 32."""
    server: str = ""
    """The server's URL, `wss` or `ws`."""
    connection_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Further arguments of `transport.open_connection`."""

    def __post_init__(self) -> None:
        if not isinstance(self.auto_establish_socket_connection, bool):
            raise TypeError("auto_establish_socket_connection takes a bool")
        for name, text in (("region", self.region), ("server", self.server)):
            if not isinstance(text, str):
                raise TypeError(f"the {name} must be a str, not {type(text).__name__}")
        for name in self.connection_options:
            if name in _SET_ELSEWHERE:
                raise TypeError(f"{name} is set with {_SET_ELSEWHERE[name]}()")
        own = MappingProxyType(dict(self.connection_options))
        object.__setattr__(self, "connection_options", own)


class AppSettingsBuilder:
    """Builds `AppSettings`; every setter returns the builder, so that calls can be chained."""

    def __init__(self) -> None:
        self._settings = AppSettings()

    def auto_establish_socket_connection(self, automatic: bool) -> AppSettingsBuilder:  # noqa: FBT001 - the source's call
        """Choose auto mode with `True`, the default, or manual mode with `False` (O1)."""
        return self._replace(auto_establish_socket_connection=automatic)

    def set_region(self, region: str) -> AppSettingsBuilder:
        """Say where the application is registered."""
        return self._replace(region=region)

    def set_server(self, url: str) -> AppSettingsBuilder:
        """Say where the server is, `wss:` or `ws:`; there is no default."""
        return self._replace(server=url)

    def set_connection_options(self, **options: Any) -> AppSettingsBuilder:
        """Set further arguments of `transport.open_connection`: `timings`, `dialer`, and so on.

        Called again, it adds to what was set.
        """
        return self._replace(connection_options={**self._settings.connection_options, **options})

    def build(self) -> AppSettings:
        """Return the settings; the builder may go on and build others."""
        return self._settings

    def _replace(self, **changes: Any) -> AppSettingsBuilder:
        self._settings = replace(self._settings, **changes)
        return self


def check_registration(app_id: str, settings: AppSettings) -> None:
    """Refuse an application that is none.

    Raises:
        CometChatException: `ERR_CHAT_API_FAILURE`.
    """
    if not _APP_ID.fullmatch(app_id):
        raise api_failure(
            "The app id must have 1 to 64 letters, digits, '.', '_' and '-', a letter or digit first."
        )
    if not settings.region:
        raise api_failure("There is no region; set it with AppSettingsBuilder.set_region().")
    if not _REGION.fullmatch(settings.region):
        raise api_failure(
            "The region must have 1 to 32 letters, digits and '-', a letter or digit first."
        )
    if not settings.server:
        raise api_failure("There is no server; name it with AppSettingsBuilder.set_server().")
