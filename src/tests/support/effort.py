"""How many examples and rounds the random tests and the tests with concurrent callers use."""

import os
from typing import Any

import hypothesis

# `make test-all` sets it. `make test` uses fewer examples, and the same in each run.
THOROUGH = os.environ.get("INVSYS_TESTS") == "thorough"


def rounds(few: int, many: int) -> int:
    """Return ``few`` in `make test` and ``many`` in `make test-all`."""
    return many if THOROUGH else few


def hypothesis_settings(few: int, many: int, **options: Any) -> hypothesis.settings:
    """Return Hypothesis settings with as many examples as ``rounds`` returns."""
    return hypothesis.settings(
        max_examples=rounds(few, many),
        derandomize=not THOROUGH,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        **options,
    )
