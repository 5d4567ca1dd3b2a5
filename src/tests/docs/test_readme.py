"""README.rst tells the truth: its picture of the house shows every module, its table every command."""

import re

import pytest

from invsys.inventory import manage
from tests.support.paths import PROJECT

README = (PROJECT / "README.rst").read_text()


ROOMS = [room.parent.name for room in sorted((PROJECT / "src/invsys").glob("*/__init__.py"))]


@pytest.mark.parametrize("room", ROOMS)
def test_the_picture_shows_every_module_in_its_room(room):
    _, _, shown = README.partition(f"\n      {room}/ ")
    lines = re.match(r".*\n((?:        .*\n)*)", shown)[1].splitlines()
    # What stands before the first wide gap of a line are names.
    named = [name for line in lines for name in re.split(r"  +", line.strip())[0].split(", ")]
    inside = (PROJECT / "src/invsys" / room).glob("*")
    folders, modules = [], []
    for path in inside:
        if path.is_dir() and any(path.rglob("*.py")):
            folders.append(f"{path.name}/")
        elif path.suffix == ".py" and path.stem != "__init__":
            modules.append(path.stem)
    assert sorted(named) == sorted(folders + modules)


def test_every_command_is_told():
    for command in manage.manager()._commands:
        assert re.search(rf"``{command}( [A-Z]+)?``", README), command
