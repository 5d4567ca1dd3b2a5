"""Fixtures of the template tests: a service baked with the default answers."""

import shutil

import pytest
from baking import bake

# The package is built only if Debian's tools are installed; the tests do not require them.
collect_ignore = [] if shutil.which("dh_virtualenv") else ["test_package.py"]


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory):
    """Keep the files of cookiecutter out of the home of the user who runs the tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def depot(tmp_path_factory):
    """A service with the default answers."""
    return bake(tmp_path_factory.mktemp("baked"))
