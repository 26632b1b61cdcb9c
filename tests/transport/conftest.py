"""Fixtures that the tests of the connection share."""

from __future__ import annotations

import pytest

from transport.testing import MemoryServer, open_server


@pytest.fixture(params=["memory", "sockets"])
async def server(request):
    """Both servers, in real time: what holds on one must hold on the other."""
    if request.param == "memory":
        yield MemoryServer()
    else:
        async with open_server() as local:
            yield local
