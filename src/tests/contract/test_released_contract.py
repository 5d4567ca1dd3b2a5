"""The served OpenAPI document has no change that breaks callers of the last released contract."""

import re
from fnmatch import fnmatchcase

import pytest

from invsys.inventory.openapi.description import VERSION
from tests.support.contract_changes import breaking_changes
from tests.support.contract_document import reduce_to_contract, released_contract, released_versions
from tests.support.paths import PROJECT

PAGE = (PROJECT / "docs/source/compatibility.rst").read_text()

# Patterns of the changes that were made although they can break a caller, each with its reason. The next stored
# contract contains them, so this table is empty afterwards.
ALLOWED = {
    "GET /: *": "the contract does not cover the HTML pages",
    "GET /api/events: 200: application/json.events[[]].kind: enum: *": "1.1 announces that kinds can be added",
    "* /api/{collection}*: body: application/json.name: pattern: *": "different names looked alike",
    "*: operationId: *": "functions of generated clients had unreadable names",
    "POST *: body: application/json.allocation_type: default: *": "generated clients required members with defaults",
}


@pytest.fixture
def contract(app, front_door):
    """The contract that the gateway serves: that of the inventory, and what the gateway adds."""
    response = front_door.caller(app).get("/api/openapi.json")
    assert response.status_code == 200, response.text
    return reduce_to_contract(response.json)


@pytest.fixture
def changes(contract):
    return breaking_changes(released_contract(released_versions()[-1]), contract)


def test_the_served_contract_breaks_nothing_that_was_released(changes):
    assert [line for line in changes if not any(fnmatchcase(line, pattern) for pattern in ALLOWED)] == []


def test_every_allowed_change_was_made(changes):
    assert [pattern for pattern in ALLOWED if not any(fnmatchcase(line, pattern) for line in changes)] == []


def test_the_history_has_every_version_and_the_served_one_is_the_newest(contract):
    history = re.findall(r"^(\d+\.\d+)\n~+$", PAGE, re.MULTILINE)
    assert contract["info"]["version"] == VERSION == history[0]
    assert set(released_versions()) <= set(history)
    assert history == sorted(history, key=lambda version: [*map(int, version.split("."))], reverse=True)
    for version in released_versions():
        assert released_contract(version)["info"]["version"] == version
