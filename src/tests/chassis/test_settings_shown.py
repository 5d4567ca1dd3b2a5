"""Settings as the command ``config`` prints them: with their origin, and without passwords."""

import pytest

from invsys.chassis.config.settings import Settings
from tests.support.tables import table_driven


def shown(value: object, key: str = "url") -> str:
    [setting] = Settings({"backend": {key: value}}, {("backend", key): "a.ini"}).entries()
    assert (*setting[:2], setting[3]) == ("backend", key, "a.ini")
    return setting[2]


@table_driven(
    ("url", "masked"),
    [
        ("postgresql://user:SECRET@host:5432/name", "postgresql://user:***@host:5432/name"),
        ("postgresql://:SECRET@host/name", "postgresql://:***@host/name"),
        ("postgresql://user:SECRET@/name?host=/run", "postgresql://user:***@/name?host=/run"),
        ("postgresql://user:SECRET@[::1]:5432/name", "postgresql://user:***@[::1]:5432/name"),
        ("postgresql://host/name?password=SECRET&user=me", "postgresql://host/name?password=***&user=me"),
        ("postgresql://host/name?user=me&password=SECRET", "postgresql://host/name?user=me&password=***"),
        ("postgresql://user:SECRET@host/name?sslpassword=SECRET", "postgresql://user:***@host/name?sslpassword=***"),
        ("postgresql://user:SECRET%40@host/name", "postgresql://user:***@host/name"),
        ("postgresql://user:SECRET:SECRET@host/name", "postgresql://user:***@host/name"),
        ("postgresql://user:SECRET/SECRET@host/name", "postgresql://user:***@host/name"),
        ("postgresql://user@host:5432/name", "postgresql://user@host:5432/name"),
        ("http://[::1]:5000/", "http://[::1]:5000/"),
        ("sqlite:////var/lib/a.sqlite3", "sqlite:////var/lib/a.sqlite3"),
    ],
)
def test_passwords_in_urls_are_masked(url: str, masked: str) -> None:
    assert shown(url) == masked


@table_driven("value", ["127.0.0.1", "a:b@c", "12:30", "password=x", 5000, True, ""])
def test_other_values_are_not_changed(value: object) -> None:
    assert shown(value) == str(value)


@pytest.mark.parametrize("key", ["secret", "gateway_secret"])
def test_a_secret_is_masked_regardless_of_its_value(key: str) -> None:
    for value in ("a-secret-of-20-chars", "http://a", "***"):
        assert shown(value, key) == "***"
    assert shown("", key) == ""
