"""README.rst tells the truth: its calls are answered as printed, its picture of the house shows every module."""

import json
import re
import shlex
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.rst").read_text()

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What no two runs share.
CHANGING = {"created", "request_id"}


def calls():
    for block in re.findall(r"\.\. code-block:: console\n\n((?:    .*\n)+)", README):
        command, _, printed = block.replace("\\\n", " ").partition("\n")
        yield shlex.split(command.strip().removeprefix("$ curl")), printed.strip()


def option(words, name):
    return words[words.index(name) + 1] if name in words else None


def without_changing(value):
    if isinstance(value, dict):
        return {name: without_changing(member) for name, member in value.items() if name not in CHANGING}
    return [without_changing(member) for member in value] if isinstance(value, list) else value


def test_the_calls_are_answered_as_printed(client):
    made = {}  # the ids in the text, and those that were made here
    for words, printed in calls():
        path = next(word for word in words if word.startswith("http")).removeprefix("http://127.0.0.1:5000")
        for told, real in made.items():
            path, printed = path.replace(told, real), printed.replace(told, real)  # noqa: PLW2901
        answer = client.open(
            path, method=option(words, "-X"), data=option(words, "-d"), content_type="application/json"
        )
        if new := set(ID.findall(printed)) - set(made.values()):
            made[new.pop()] = answer.json["id"]
            for told, real in made.items():
                printed = printed.replace(told, real)  # noqa: PLW2901
        assert without_changing(answer.json) == (without_changing(json.loads(printed)) if printed else None)
    assert len(made) == 2


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


def test_every_command_is_told(client):
    for command in (
        "serve",
        "runserver",
        "db upgrade",
        "config",
        "import FILE",
        "export",
        "check",
        "purge",
        "shell",
        "urls",
    ):
        assert f"``{command}``" in README
