"""`python -m statemodel`: the command `statemodel`."""

from __future__ import annotations

import sys

from statemodel.commands import main

if __name__ == "__main__":
    sys.exit(main())
