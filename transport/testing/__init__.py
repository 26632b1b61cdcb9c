"""What tests of an application with a connection need: servers with faults on demand, and traces.

`open_server` runs a WebSocket server on real sockets, on loopback. `MemoryServer` is the same in
memory, for virtual time: the same scenarios run on both, which is what verifies it. Both do with a
dial what they were told to with `plan`, and with a socket what is called on it::

    server = MemoryServer()
    server.plan(Refuse(503, retry_after=2), Hang(), Accept())
    async with open_connection(server.url, dialer=server.dialer) as connection:
        await connection.login("alice")
        socket = await server.accepted(1)
        socket.go_silent()

`open_recorded` opens a connection and writes down what can be seen of it from outside, as a
`statemodel.traces.Trace`, which the rulebook's trace rules judge.
"""

from __future__ import annotations

from transport.testing._local import LocalServer, LocalSocket, open_server
from transport.testing._memory import MemoryServer, MemorySocket
from transport.testing._plans import Accept, Garbage, Hang, Plan, Refuse, Reset, Vanish
from transport.testing._recorder import Recorder, open_recorded
from transport.testing._server import Server, ServerSocket

__all__ = [
    "Accept",
    "Garbage",
    "Hang",
    "LocalServer",
    "LocalSocket",
    "MemoryServer",
    "MemorySocket",
    "Plan",
    "Recorder",
    "Refuse",
    "Reset",
    "Server",
    "ServerSocket",
    "Vanish",
    "open_recorded",
    "open_server",
]
