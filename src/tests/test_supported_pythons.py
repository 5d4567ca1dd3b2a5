"""The supported Python releases in setup.cfg are exactly those with which tox runs the tests."""

import re
from configparser import ConfigParser

import pytest

from tests.support.paths import PROJECT

FOLDERS = pytest.mark.parametrize(
    "folder", [PROJECT, PROJECT / "template/{{cookiecutter.service}}"], ids=["here", "the template"]
)


def read(path):
    parser = ConfigParser(interpolation=None)
    parser.read(path)
    return parser


def classified(folder):
    """Return the releases in the classifiers of setup.cfg, such as ``["3.11", ...]``."""
    classifiers = read(folder / "setup.cfg")["metadata"]["classifiers"]
    return re.findall(r"Programming Language :: Python :: ([\d.]+)", classifiers)


@FOLDERS
def test_tox_runs_the_tests_with_every_release_in_the_classifiers(folder):
    tox = read(folder / "tox.ini")["tox"]
    [environments] = re.findall(r"^pythons = (.*)$", tox["labels"], re.MULTILINE)
    assert environments.split(", ") == [f"py{version.replace('.', '')}" for version in classified(folder)]
    assert tox["skip_missing_interpreters"] == "false"


@FOLDERS
def test_python_requires_is_the_oldest_release(folder):
    assert read(folder / "setup.cfg")["options"]["python_requires"] == f">={classified(folder)[0]}"
