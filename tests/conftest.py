"""Profiles: `fast` for every day, `long` for `make test-long`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("fast", max_examples=200, **_COMMON)
settings.register_profile(
    "long", max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "10000")), **_COMMON
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
