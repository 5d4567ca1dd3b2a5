"""The supported Pythons of InvSys are those that its tests run on."""

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
    """Return the versions that setup.cfg claims: ``["3.11", ...]``."""
    classifiers = read(folder / "setup.cfg")["metadata"]["classifiers"]
    return re.findall(r"Programming Language :: Python :: ([\d.]+)", classifiers)


@FOLDERS
def test_the_classifiers_are_the_environments_that_tox_runs_the_tests_in(folder):
    tox = read(folder / "tox.ini")["tox"]
    [environments] = re.findall(r"^pythons = (.*)$", tox["labels"], re.MULTILINE)
    assert environments.split(", ") == [f"py{version.replace('.', '')}" for version in classified(folder)]
    assert tox["skip_missing_interpreters"] == "false"


@FOLDERS
def test_the_oldest_of_them_is_the_one_that_is_required(folder):
    assert read(folder / "setup.cfg")["options"]["python_requires"] == f">={classified(folder)[0]}"
