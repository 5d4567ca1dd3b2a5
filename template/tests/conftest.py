"""What the tests of the template stand on: a service that is baked as the template proposes it."""

import pytest
from baking import bake


def pytest_addoption(parser):
    parser.addoption("--package", action="store_true", help="build the Debian package of a baked service, too")


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory):
    """Keep cookiecutter's records out of the home of whoever runs this."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def depot(tmp_path_factory):
    """A service with the answers that the template proposes."""
    return bake(tmp_path_factory.mktemp("baked"))
