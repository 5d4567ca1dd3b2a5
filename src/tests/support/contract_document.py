"""Reduces OpenAPI documents to the contract, which ``docs/contract/`` has for each released version.

As a command, reads the document from standard input and writes its contract to standard output.
"""

import json
import sys
from typing import Any

from tests.support.paths import PROJECT

FOLDER = PROJECT / "docs/contract"

# Texts for people, and what depends on the installation.
_TEXTS = frozenset({"description", "example", "examples", "license", "servers", "summary", "tags", "title"})
# The members of these objects are names from the API, even if one is called "description".
_MAPS = frozenset(
    {"content", "headers", "parameters", "paths", "patternProperties", "properties", "responses", "schemas"}
)


def reduce_to_contract(node: Any, is_map: bool = False) -> Any:
    """Return a part of a document without the texts; ``is_map``: the part is the value of one of ``_MAPS``."""
    if isinstance(node, list):
        return [reduce_to_contract(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: reduce_to_contract(value, is_map=not is_map and key in _MAPS)
        for key, value in node.items()
        if is_map or key not in _TEXTS
    }


def released_versions() -> list[str]:
    """Return the versions of the stored contracts, the oldest first."""
    return sorted((path.stem for path in FOLDER.glob("*.json")), key=lambda text: [*map(int, text.split("."))])


def released_contract(version: str) -> dict[str, Any]:
    """Return a stored contract."""
    contract: dict[str, Any] = json.loads((FOLDER / f"{version}.json").read_text())
    return contract


def main() -> None:
    json.dump(reduce_to_contract(json.load(sys.stdin)), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
