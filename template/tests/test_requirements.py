"""A baked service is pinned as this project is: the versions and hashes stand once, here."""

import re
from configparser import ConfigParser
from importlib.metadata import distribution

import pytest
from baking import PROJECT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^([a-z0-9.-]+)==.*(?:\n    .*)*", re.MULTILINE)
# What a baked file is made from here, and what it has beside the service's own requirements.
FILES = {
    "requirements.txt": ("requirements.txt", []),
    "requirements/test.txt": ("requirements/test.txt", ["coverage", "pytest", "pytest-cov"]),
    "requirements/typing.txt": ("requirements/typing.txt", ["mypy"]),
}


def pins(file):
    return {pin[1]: pin[0] for pin in PIN.finditer(file.read_text())}


def needed(asked):
    """Give the names of everything that these requirements need, as it is installed here."""
    found, left = set(), [Requirement(each) for each in asked]
    while left:
        requirement = left.pop()
        for extra in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if (name, extra) in found:
                continue
            found.add((name, extra))
            further = map(Requirement, distribution(name).requires or [])
            left += [each for each in further if each.marker is None or each.marker.evaluate({"extra": extra})]
    return {name for name, _ in found}


@pytest.mark.parametrize("file", FILES)
def test_it_has_this_projects_pins_of_what_it_needs_and_no_others(depot, file):
    ours, more = FILES[file]
    baked, here = pins(depot / file), pins(PROJECT / ours)
    settings = ConfigParser()
    settings.read(depot / "setup.cfg")
    asked = [line for line in settings["options"]["install_requires"].splitlines() if line and line[0] != "#"]
    assert set(baked) == needed(asked + more)
    assert baked == {name: here[name] for name in baked}
    assert "".join(f"{pin}\n" for pin in baked.values()) == (depot / file).read_text()


def test_what_it_asks_for_is_asked_for_here(depot):
    """A lower bound, and the reason beside it."""
    asked = re.search(r"install_requires =\n((?:    .*\n)+)", (depot / "setup.cfg").read_text())[1]
    here = (PROJECT / "setup.cfg").read_text()
    assert [line for line in asked.splitlines() if f"{line}\n" not in here] == [
        "    # the production server; docs/source/server.rst of InvSys compares it with others"
    ]
