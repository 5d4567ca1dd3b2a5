"""The options of PostgreSQL connections, which are derived from the settings and the URL."""

import pytest

from invsys.inventory.db.postgresql.connections import engine_options
from tests.support.tables import table_driven


@table_driven(
    ("hosts", "timeout"), [("", 9), ("host=one", 9), ("host=one,two,three", 3), ("host=one&host=two&host=three", 3)]
)
def test_the_connect_timeout_is_divided_among_the_hosts(hosts: str, timeout: int) -> None:
    options = engine_options({"url": f"postgresql:///fleet?{hosts}", "connect_timeout": 9})
    assert options["connect_args"]["connect_timeout"] == timeout


def test_each_host_gets_at_least_a_second() -> None:
    options = engine_options({"url": "postgresql:///fleet?host=one,two,three", "connect_timeout": 2})
    assert options["connect_args"]["connect_timeout"] == 1


@pytest.mark.parametrize(("query", "attributes"), [("", "read-write"), ("?target_session_attrs=any", "any")])
def test_standbys_are_skipped_unless_the_url_allows_them(query: str, attributes: str) -> None:
    options = engine_options({"url": f"postgresql:///fleet{query}", "connect_timeout": 9})
    assert options["connect_args"]["target_session_attrs"] == attributes
