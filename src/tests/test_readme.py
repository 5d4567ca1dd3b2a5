"""README.rst tells the truth: its calls are answered as printed, its picture of the house shows every module."""

import re
from pathlib import Path

import httpx
import pytest

from invsys.inventory import manage
from tests.printed_calls import Session, calls
from tests.serving_apps import served_app

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.rst").read_text()


@pytest.fixture
def caller():
    with httpx.Client() as made:
        yield made


def test_the_calls_are_answered_as_printed(app, caller):
    with served_app(app) as url:
        session = Session(caller, {"http://127.0.0.1:5000": url})
        played = [session.play(call) for call in calls(README) if call.url.startswith("http://127.0.0.1:5000")]
    assert len(played) == 4


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
