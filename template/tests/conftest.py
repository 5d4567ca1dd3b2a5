"""What the tests of the template stand on: a service that is baked as the template proposes it."""

import shutil

import pytest
from baking import bake

# A package is built where that can be done: Debian's tools are not among the packages that the tests ask for.
collect_ignore = [] if shutil.which("dh_virtualenv") else ["test_package.py"]


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
