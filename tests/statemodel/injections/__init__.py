"""For each check of a rule, what it must not overlook: one way at least to break the table.

Each theme holds a tuple of `Injection`; `test_checks_can_fail` makes them and looks who notices.
"""

from __future__ import annotations

from tests.statemodel.injections.calls import CALLS
from tests.statemodel.injections.link import LINK
from tests.statemodel.injections.modes import MODES
from tests.statemodel.injections.progress import PROGRESS
from tests.statemodel.injections.session import SESSION
from tests.statemodel.injections.signals import SIGNALS

INJECTIONS = (*SESSION, *MODES, *CALLS, *LINK, *SIGNALS, *PROGRESS)
"""All of them."""
