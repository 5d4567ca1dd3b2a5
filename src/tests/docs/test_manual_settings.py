"""The manual's page of settings has every setting of both services, with its default and what it may be."""

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
# The keys of [server] that the workers read; the production server itself is started with the others.
OF_THE_WORKERS = ("allowed_hosts", "body_timeout", "gateway_secret", "trusted_proxies")


class Row(NamedTuple):
    key: str
    default: str
    may_be: str
    counts: str
    meaning: str


def rows(text: str) -> Iterator[Row]:
    """Give the rows of a simple table of reStructuredText; a line without a first cell goes on with the one above."""
    rule, _, *lines = re.findall(r"^=.*(?:\n.+)*", text, re.MULTILINE)[0].splitlines()[:-1]
    columns = [slice(found.start(), found.end()) for found in re.finditer("=+", rule)]
    found: list[list[str]] = []
    for line in lines[1:]:
        cells = [line[column].strip() for column in columns]
        if cells[0]:
            found.append(cells)
        else:
            found[-1] = [f"{above} {below}".strip() for above, below in zip(found[-1], cells, strict=True)]
    return (Row(*cells) for cells in found)


def told(service: str) -> dict[tuple[str, str], Row]:
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
def test_every_setting_is_told_with_its_default(service: str) -> None:
    ini = ConfigParser(interpolation=None, default_section="")
    ini.read(PROJECT / f"src/invsys/{service}/default_config.ini")
    defaults = {(section, key): value for section in ini.sections() for key, value in ini.items(section)}
    assert {name: _bare(row.default) for name, row in told(service).items()} == defaults


@pytest.mark.parametrize("service", SCHEMAS)
def test_what_a_setting_may_be_is_what_the_schema_takes(service: str) -> None:
    rows = told(service)
    checked = 0
    for section, nested in SCHEMAS[service].fields.items():
        assert isinstance(nested, fields.Nested)
        for key, field in nested.schema.fields.items():
            for limits in _limits(field):
                assert rows[section, key].may_be == limits, (section, key)
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


def test_a_change_counts_after_a_reload_or_a_restart() -> None:
    for service in SCHEMAS:
        for (section, key), row in told(service).items():
            of_the_server = section == "server" and key not in OF_THE_WORKERS
            assert row.counts == ("restart" if of_the_server else "reload")
            assert row.meaning
