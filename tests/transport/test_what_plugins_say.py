"""What authenticators and stores say of their failures: how it is told, and what is kept back (S1, S5)."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from statemodel import Code
from transport import (
    AuthenticationError,
    MemorySessionStore,
    SessionStoreError,
    TransportError,
    User,
    open_connection,
)
from transport.testing import MemoryServer

SECRET = "s3cr3t-t0ken-of-alice"


class Refusing:
    """An authenticator that refuses with an error that has a cause."""

    def __init__(self, text):
        self.text = text

    async def authenticate(self, credentials):
        await trio.lowlevel.checkpoint()
        raise AuthenticationError(self.text)

    async def refresh(self, user):
        raise AssertionError("nothing to refresh")


async def test_what_the_authenticator_raised_is_the_cause(autojump_clock):
    """S1: the application can tell one failure of a login from another by the cause's type."""
    server = MemoryServer()
    async with open_connection(
        server.url, dialer=server.dialer, authenticator=Refusing("wrong password")
    ) as connection:
        with pytest.raises(TransportError) as caught:
            await connection.login("alice", auth_token=SECRET)

        assert caught.value.code is Code.AUTHENTICATION_FAILED
        assert isinstance(caught.value.__cause__, AuthenticationError)


async def test_cause_that_would_show_the_token_is_left_out(autojump_clock):
    """S1: what an authenticator echoes stays out of tracebacks, too."""
    server = MemoryServer()
    async with open_connection(
        server.url, dialer=server.dialer, authenticator=Refusing(f"no {SECRET}")
    ) as connection:
        with pytest.raises(TransportError) as caught:
            await connection.login("alice", auth_token=SECRET)

        assert caught.value.__cause__ is None
        assert SECRET not in str(caught.value)


class TellingStore(MemorySessionStore):
    """A store that cannot clear, and tells more than it should."""

    async def clear(self):
        await trio.lowlevel.checkpoint()
        raise SessionStoreError(f"the disk with {SECRET} is full")


async def test_clear_that_fails_is_told_once_and_without_the_token(autojump_clock, caplog):
    """S5: to login listeners and the log, also when the logout was cancelled."""
    server = MemoryServer()
    told = []
    async with open_connection(
        server.url, dialer=server.dialer, session_store=TellingStore()
    ) as connection:
        connection.add_login_listener("told", told.append)
        await connection.login("alice", auth_token=SECRET)
        with trio.CancelScope() as scope:
            scope.cancel()
            await connection.logout()
        await trio.testing.wait_all_tasks_blocked()

        assert [change.kind for change in told] == ["logged_in", "logged_out", "not_cleared"]
        assert SECRET not in str(told[-1].error)
        assert "could not be cleared" in caplog.text
        assert SECRET not in caplog.text


async def test_saved_user_without_a_name_counts_as_none(autojump_clock, caplog):
    """S4: as no login could have made it, it is damaged, and says so."""
    server = MemoryServer()
    store = MemorySessionStore(User(uid=""))
    async with open_connection(server.url, dialer=server.dialer, session_store=store) as connection:
        assert connection.user is None
        assert "damaged" in caplog.text
