"""Fixtures of the tests of the proof."""

import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.paths import PROJECT

# The packages proof and benchmarks are not installed: they are used from the checkout.
if str(PROJECT) not in sys.path:
    sys.path.insert(0, str(PROJECT))


@pytest.fixture(scope="module")
def system_folder():
    """An empty folder for parts of the system, which the user postgres can enter."""
    with tempfile.TemporaryDirectory(prefix="invsys-proof-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
