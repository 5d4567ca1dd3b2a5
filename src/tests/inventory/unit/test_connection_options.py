"""The options of PostgreSQL connections, which are derived from the settings and the URL."""

import pytest

from invsys.inventory.db.postgresql.connections import engine_options, standby_urls
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


@table_driven(
    ("url", "names"),
    [
        ("", []),
        ("postgresql:///fleet?host=/run", ["/run:5432"]),
        ("postgresql://me:secret@a/fleet", ["a:5432"]),
        ("postgresql://me@a:1/fleet", ["a:1"]),
        ("postgresql://me@[::1]:1/fleet", ["::1:1"]),
        ("postgresql:///fleet?host=a,b&port=1,2", ["a:1", "b:2"]),
        ("postgresql:///fleet?host=a:1&host=b:2", ["a:1", "b:2"]),
        ("postgresql:///fleet?host=a&host=b", ["a:5432", "b:5432"]),
    ],
)
def test_each_host_of_read_url_is_a_standby(url: str, names: list[str]) -> None:
    urls = standby_urls({"read_url": url})
    assert list(urls) == names
    for name, of_host in urls.items():
        host, _, port = name.rpartition(":")
        arguments = of_host.get_dialect()().create_connect_args(of_host)[1]
        assert (arguments["host"], arguments["port"], arguments["dbname"]) == (host, port, "fleet")
        assert arguments["target_session_attrs"] == "any"
