"""The manual's page on settings lists every setting of both services with its default and its valid values."""

import re
from collections.abc import Iterator
from configparser import ConfigParser
from typing import NamedTuple

import pytest
from marshmallow import Schema, fields, validate

from invsys.gateway.settings import GatewaySettings
from invsys.inventory.settings import InventorySettings
from tests.support.paths import PROJECT

PAGE = (PROJECT / "docs/source/settings.rst").read_text()
SCHEMAS: dict[str, Schema] = {"inventory": InventorySettings(), "gateway": GatewaySettings()}
# The keys of [server] that the workers read; the others are arguments of the production server.
WORKER_KEYS = ("allowed_hosts", "body_timeout", "gateway_secret", "trusted_proxies")


class Row(NamedTuple):
    key: str
    default: str
    values: str
    applies_after: str
    meaning: str


def rows(text: str) -> Iterator[Row]:
    """Yield the rows of a simple reStructuredText table; a line without a first cell continues the row above.

    A section without settings by default has no table.
    """
    tables = re.findall(r"^=.*(?:\n.+)*", text, re.MULTILINE)
    if not tables:
        return
    rule, _, *lines = tables[0].splitlines()[:-1]
    columns = [slice(match.start(), match.end()) for match in re.finditer("=+", rule)]
    table: list[list[str]] = []
    for line in lines[1:]:
        cells = [line[column].strip() for column in columns]
        if cells[0]:
            table.append(cells)
        else:
            table[-1] = [f"{above} {below}".strip() for above, below in zip(table[-1], cells, strict=True)]
    yield from (Row(*cells) for cells in table)


def documented_settings(service: str) -> dict[tuple[str, str], Row]:
    _, _, page = PAGE.partition(f"\nThe {service}\n---")
    page, _, _ = page.partition("\nThe gateway\n---")
    sections = re.split(r"^``\[(\w+)\]``\n~+\n", page, flags=re.MULTILINE)[1:]
    return {
        (section, _bare(row.key)): row
        for section, text in zip(sections[::2], sections[1::2], strict=True)
        for row in rows(text)
    }


def _bare(cell: str) -> str:
    return "" if cell == "*(empty)*" else cell.strip("`")


@pytest.mark.parametrize("service", SCHEMAS)
def test_every_setting_is_documented_with_its_default(service: str) -> None:
    ini = ConfigParser(interpolation=None, default_section="")
    ini.read(PROJECT / f"src/invsys/{service}/default_config.ini")
    defaults = {(section, key): value for section in ini.sections() for key, value in ini.items(section)}
    assert {name: _bare(row.default) for name, row in documented_settings(service).items()} == defaults


@pytest.mark.parametrize("service", SCHEMAS)
def test_the_documented_values_are_those_of_the_schema(service: str) -> None:
    rows = documented_settings(service)
    checked = 0
    for section, nested in SCHEMAS[service].fields.items():
        assert isinstance(nested, fields.Nested)
        for key, field in nested.schema.fields.items():
            for limits in _limits(field):
                assert rows[section, key].values == limits, (section, key)
                checked += 1
    assert checked > 10


def _limits(field: fields.Field) -> Iterator[str]:
    if isinstance(field, fields.Boolean):
        yield "``yes``, ``no``"
    for rule in field.validators:
        if isinstance(rule, validate.Range):
            yield f"{rule.min} to {rule.max}"
        if isinstance(rule, validate.OneOf):
            yield ", ".join(f"``{choice}``" for choice in rule.choices)


def test_the_page_says_whether_a_change_needs_a_reload_or_a_restart() -> None:
    for service in SCHEMAS:
        for (section, key), row in documented_settings(service).items():
            of_the_server = section == "server" and key not in WORKER_KEYS
            assert row.applies_after == ("restart" if of_the_server else "reload")
            assert row.meaning
