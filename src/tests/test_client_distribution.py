"""The distribution of the Python client: its version, its only requirement, and what its archives contain."""

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

import invsys_client
from invsys.inventory.openapi.description import VERSION
from tests.support.paths import PROJECT

BUILD = "from setuptools.build_meta import *; build_sdist({0!r}); build_wheel({0!r})"


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """A folder with the source archive and the wheel."""
    folder = tmp_path_factory.mktemp("client")
    ignored = shutil.ignore_patterns("*.egg-info", "build", "__pycache__")
    shutil.copytree(PROJECT / "client", folder / "source", ignore=ignored)
    command = [sys.executable, "-W", "ignore", "-c", BUILD.format(str(folder))]
    subprocess.run(command, cwd=folder / "source", check=True, capture_output=True)
    return folder


def test_the_version_is_that_of_the_contract_and_a_number():
    assert re.fullmatch(rf"{re.escape(VERSION)}\.\d+", invsys_client.__version__)
    assert f"\n{invsys_client.__version__} " in (PROJECT / "client/HISTORY.rst").read_text()


def test_the_wheel_requires_only_the_http_library_and_installs_no_command(archives):
    [path] = archives.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        fields = email.message_from_bytes(wheel.read(metadata))
    assert (fields["Name"], fields["Version"]) == ("invsys-client", invsys_client.__version__)
    assert [re.split(r"[^\w-]", requirement)[0] for requirement in fields.get_all("Requires-Dist")] == ["httpx2"]
    assert fields["Requires-Python"] == ">=3.10"
    assert {name.split("/")[0] for name in names} == {"invsys_client", metadata.split("/")[0]}
    assert "invsys_client/py.typed" in names
    assert not [name for name in names if name.endswith("entry_points.txt")]


def test_the_source_archive_is_complete(archives):
    [path] = archives.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    modules = {str(module.relative_to(PROJECT / "client")) for module in (PROJECT / "client/src").rglob("*.py")}
    assert {"LICENSE", "README.rst", "pyproject.toml", "src/invsys_client/py.typed", *modules} <= names


def test_the_licence_is_that_of_the_project():
    assert (PROJECT / "client/LICENSE").read_bytes() == (PROJECT / "LICENSE").read_bytes()
