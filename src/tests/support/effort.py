"""The number of examples in random tests, and of rounds in tests with concurrent callers."""

import os
from typing import Any

import hypothesis

# `make test-all` sets the variable. Without it, tests use fewer examples, which are the same in each run.
THOROUGH = os.environ.get("TESTS") == "thorough"


def rounds(few: int, many: int) -> int:
    """Return ``few`` in `make test` and ``many`` in `make test-all`."""
    return many if THOROUGH else few


# The defaults of all Hypothesis tests.
hypothesis.settings.register_profile(
    "invsys",
    derandomize=not THOROUGH,
    database=None,
    deadline=None,
    # Health checks fail on a slow machine, and for fixtures that all examples of a test share, as ours do.
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("invsys")


def hypothesis_settings(few: int, many: int, **options: Any) -> hypothesis.settings:
    """Return Hypothesis settings with ``few`` examples in `make test` and ``many`` in `make test-all`."""
    return hypothesis.settings(max_examples=rounds(few, many), **options)
