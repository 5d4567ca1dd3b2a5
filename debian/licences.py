"""Print the licences of the libraries in a CycloneDX document, as their authors declare them.

licences.py SBOM
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNDECLARED = "not declared"
# The prefix of the names in the classifiers of PyPI, which only some libraries use.
CLASSIFIER = "License :: OSI Approved :: "


def lines(document: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each library: its name, its version and its licences."""
    for component in sorted(document["components"], key=lambda item: item["name"].lower()):
        names = dict.fromkeys(_name(licence) for licence in component.get("licenses", ()))
        yield f"{component['name']} {component['version']}: {', '.join(names) or UNDECLARED}"


def _name(licence: dict[str, Any]) -> str:
    if "expression" in licence:
        return str(licence["expression"])
    named = licence["license"]
    return str(named.get("id") or named["name"]).removeprefix(CLASSIFIER)


if __name__ == "__main__":
    print(*lines(json.loads(Path(sys.argv[1]).read_text("utf-8"))), sep="\n")
