"""Fixtures of the template tests: a service baked with the default answers."""

import shutil

import pytest
from baking import bake

# The package can be built only if Debian's tools are installed, which the other tests do not need.
collect_ignore = [] if shutil.which("dh_virtualenv") else ["test_package.py"]


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory):
    """Use a temporary home directory, so that cookiecutter writes no files to that of the user who runs the tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def depot(tmp_path_factory):
    """The path of a service that was baked with the default answers."""
    return bake(tmp_path_factory.mktemp("baked"))
