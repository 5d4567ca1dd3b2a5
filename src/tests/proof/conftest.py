"""Fixtures of the tests of the proof: hand-made histories, and a folder for parts of the system."""

import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.paths import PROJECT

# The package ``proof`` is beside ``src``, like the benchmarks.
sys.path.append(str(PROJECT))


@pytest.fixture
def service():
    """A correct service in memory, which has recorded the registration of a car."""
    from proof.history.synthetic import Service  # noqa: PLC0415 - after the change of the path

    service = Service()
    service.car = service.register("car-1")
    return service


@pytest.fixture
def violated(service, tmp_path):
    """Return a function that checks the history of the service, and returns the names of the violated rules."""
    from proof.checker.check import check  # noqa: PLC0415

    def run(status=0):
        service.write(tmp_path, status)
        report = check(tmp_path)
        return set(report.violated)

    return run


@pytest.fixture(scope="module")
def system_folder():
    """An empty folder for parts of the system, which the user postgres can enter."""
    with tempfile.TemporaryDirectory(prefix="invsys-proof-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
