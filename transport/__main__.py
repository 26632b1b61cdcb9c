"""The command `python -m transport`: a demonstration, and a connection driven by hand."""

from __future__ import annotations

import argparse
import os
import sys

import trio

from statemodel import Mode
from transport._demo import demo
from transport._errors import TransportError
from transport._run import run


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m transport", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="show both modes on real sockets; a quarter of a minute")
    runner = commands.add_parser("run", help="connect to a server and type commands")
    runner.add_argument("url", help="ws: or wss: URL")
    runner.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.AUTO)
    runner.add_argument("--uid", help="log in as this user")
    runner.add_argument(
        "--token",
        default=os.environ.get("TRANSPORT_TOKEN", ""),
        help="the user's token; better in the environment, as TRANSPORT_TOKEN",
    )
    runner.add_argument(
        "--allow-insecure", action="store_true", help="let the token travel unencrypted"
    )
    runner.add_argument(
        "--trace", metavar="FILE", help="write down what happens, for `statemodel replay`"
    )
    options = parser.parse_args(arguments)
    try:
        if options.command == "demo":
            return trio.run(demo)
        return trio.run(
            lambda: run(
                options.url,
                mode=options.mode,
                uid=options.uid,
                token=options.token,
                allow_insecure=options.allow_insecure,
                trace=options.trace,
            )
        )
    except (TransportError, ValueError) as error:
        print(f"transport: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BaseExceptionGroup as group:
        if group.split(KeyboardInterrupt)[1] is None:  # interrupted in the midst of several tasks
            return 130
        raise


if __name__ == "__main__":
    sys.exit(main())
