"""Finish a baked service: rename its modules and classes, and pin its requirements as this repository does.

The template's own Python files contain the names depot, pallet and pallets, so that they are valid Python. The files
that it shares with the inventory, such as the chassis, are symbolic links into this repository, which baking replaces
with copies; these contain the name invsys.
"""

import json
import re
import shutil
import sys
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | jsonify }}""")

SERVICE, ONE, SEVERAL = ANSWERS["service"], ANSWERS["resource"], ANSWERS["resources"]
# The resource as it is written in sentences, and its article.
SPOKEN, ARTICLE = ONE.replace("_", " "), "an" if ONE[0] in "aeiou" else "a"
NAMES = {
    "invsys.chassis": f"{SERVICE}.chassis",
    "invsys.inventory": SERVICE,
    "invsys-manage": f"{SERVICE}-manage",
    "depot": SERVICE,
    "Depot": SERVICE.capitalize(),
    "pallets": SEVERAL,
    "pallet": ONE,
    "Pallets": SEVERAL.replace("_", " ").capitalize(),
    "a pallet": f"{ARTICLE} {SPOKEN}",
    "A pallet": f"{ARTICLE.capitalize()} {SPOKEN}",
    **{f"{word} pallet": f"{word} {SPOKEN}" for word in ("Another", "No", "no", "such", "The", "the")},
    "Pallet": "".join(word.capitalize() for word in ONE.split("_")),
}
# Longer names come first, so that pallets is matched before pallet.
NAME = re.compile("|".join(re.escape(name) for name in sorted(NAMES, key=len, reverse=True)))
# Imports whose names must be sorted again after they have been replaced.
IMPORT = re.compile(r"^(from depot\S* import )(.*pallet.*)$", re.MULTILINE | re.IGNORECASE)

# A pinned requirement in a compiled file, with its hashes.
PIN = re.compile(r"^([A-Za-z0-9._-]+)==.*(?:\n    .*)*\n", re.MULTILINE)


def name_modules() -> None:
    """Replace the names of the template in every Python file, including docstrings and comments."""
    for file in Path().rglob("*.py"):
        text = IMPORT.sub(_in_order, file.read_text("utf-8"))
        file.write_text(_named(text), "utf-8")


def _named(text: str) -> str:
    return NAME.sub(lambda match: NAMES[match[0]], text)


def _in_order(line: re.Match[str]) -> str:
    return line[1] + ", ".join(sorted(_named(line[2]).split(", ")))


def pin_requirements() -> None:
    """Replace each name in the requirements files with the version and the hashes that this repository pins."""
    folder = Path("requirements/pins")
    for file in folder.iterdir():
        pins = {pin[1].lower(): pin[0] for pin in PIN.finditer(file.read_text("utf-8"))}
        [names] = (path for path in (Path(file.name), folder.parent / file.name) if path.exists())
        names.write_text("".join(pins[name] for name in names.read_text("utf-8").split()), "utf-8")
    shutil.rmtree(folder)


if not Path("src", SERVICE, "chassis").is_dir():
    sys.exit("The chassis is a link into the repository of the template: bake from a clone of it.")
for cache in list(Path().rglob("__pycache__")):
    shutil.rmtree(cache)
name_modules()
pin_requirements()
