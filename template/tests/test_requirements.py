"""The requirements of a baked service have the same versions and hashes as those of this project."""

import re
from configparser import ConfigParser
from importlib.metadata import distribution

import pytest
from baking import PROJECT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^([a-z0-9.-]+)==.*(?:\n    .*)*", re.MULTILINE)
# For each baked file, its source here, and the requirements that it adds to those of the service.
FILES = {
    "requirements.txt": ("requirements.txt", []),
    "requirements/test.txt": ("requirements/test.txt", ["coverage", "pytest", "pytest-cov"]),
    "requirements/typing.txt": ("requirements/typing.txt", ["mypy"]),
}


def pins(file):
    return {pin[1]: pin[0] for pin in PIN.finditer(file.read_text())}


def needed(requirements):
    """Return the names of these requirements and of all their dependencies, as installed here."""
    seen, pending = set(), [Requirement(line) for line in requirements]
    while pending:
        requirement = pending.pop()
        for extra in ("", *requirement.extras):
            name = canonicalize_name(requirement.name)
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            further = map(Requirement, distribution(name).requires or [])
            pending += [item for item in further if item.marker is None or item.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


@pytest.mark.parametrize("file", FILES)
def test_its_pins_are_ours_and_complete(depot, file):
    ours, more = FILES[file]
    baked, here = pins(depot / file), pins(PROJECT / ours)
    settings = ConfigParser()
    settings.read(depot / "setup.cfg")
    direct = [line for line in settings["options"]["install_requires"].splitlines() if line and line[0] != "#"]
    assert set(baked) == needed(direct + more)
    assert baked == {name: here[name] for name in baked}
    assert "".join(f"{pin}\n" for pin in baked.values()) == (depot / file).read_text()


def test_its_requirements_have_the_same_bounds_and_reasons_as_here(depot):
    requirements = re.search(r"install_requires =\n((?:    .*\n)+)", (depot / "setup.cfg").read_text())[1]
    here = (PROJECT / "setup.cfg").read_text()
    assert [line for line in requirements.splitlines() if f"{line}\n" not in here] == [
        "    # the production server; docs/source/server.rst of InvSys compares it with others"
    ]
