"""The inventory's settings: the defaults are valid, and errors about invalid values name the setting."""

from pathlib import Path

import pytest

from invsys.chassis.config.settings import SettingsError
from invsys.inventory import settings
from tests.support.invalid_settings import COMMON, SECRETS, outside
from tests.support.tables import table_driven

COLLECTIONS = {"cars": "Car", "lorries": "Lorry", "trucks": "Truck"}


def load_settings(text: str, folder: Path) -> settings.settings.Settings:
    file = folder / "inventory.ini"
    file.write_text(text, "utf-8")
    return settings.load(str(file), {"HOME": str(folder)})


def url(text: str) -> str:
    loaded: str = settings.load(environ={"INVSYS_DATABASE_URL": text})["database"]["url"]
    return loaded


def collections(folder: Path, *lines: str) -> dict[str, str]:
    return load_settings("\n".join(["[resource_types]", *lines]), folder)["resource_types"]


def test_the_defaults_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The result must not depend on the working directory.
    monkeypatch.chdir("/")
    loaded = load_settings("", tmp_path)
    assert dict(loaded.values) == {
        "server": {
            "host": "127.0.0.1",
            "port": 5000,
            "workers": 2,
            "threads": 4,
            "graceful_timeout": 30,
            "body_timeout": 10,
            "trusted_proxies": "127.0.0.0/8, ::1",
            "allowed_hosts": "",
            "gateway_secret": "",
        },
        "database": {
            "url": f"sqlite:///{tmp_path}/.local/share/invsys/invsys.sqlite3",
            "connect_timeout": 3,
            "statement_timeout": 4,
            "allow_unsafe_durability": False,
            "migrate_on_install": True,
            "read_url": "",
            "max_staleness": 5,
        },
        "api": {
            "naive_datetimes": "utc",
            "max_body": 65536,
            "any_strategy": "random",
            "best_fit_sample": 100,
            "idempotency_ttl": 86400,
            "events_ttl": 400,
        },
        "history": {"keep": 0},
        "limits": {"held_per_client": 0, "max_days_ahead": 0, "max_days_long": 0},
        "log": {"level": "info", "file": ""},
        "metrics": {"allow": ""},
        "resource_types": COLLECTIONS,
    }
    assert {origin for *_, origin in loaded.entries()} == {"default"}


RANGES = {
    "server.port": (1, 65535),
    "server.workers": (1, 256),
    "server.threads": (1, 256),
    "server.graceful_timeout": (1, 3600),
    "server.body_timeout": (1, 3600),
    "database.connect_timeout": (1, 60),
    "database.statement_timeout": (1, 600),
    "database.max_staleness": (1, 3600),
    "api.max_body": (1024, 16 * 1024 * 1024),
    "api.best_fit_sample": (1, 10_000),
    "api.idempotency_ttl": (60, 366 * 86400),
    "api.events_ttl": (0, 36600),
    "limits.held_per_client": (0, 100_000),
    "limits.max_days_ahead": (0, 36600),
    "limits.max_days_long": (0, 36600),
}
BAD = [
    *outside(RANGES),
    *COMMON,
    *(("server.gateway_secret", bad) for bad in SECRETS),
    ("api.any_strategy", "first"),
    ("database.url", ""),
    ("database.read_url", "sqlite:////srv/fleet.sqlite3"),
    ("database.read_url", "mysql://me@host/fleet"),
    ("database.read_url", "nonsense"),
    # The default database is SQLite, which has no standbys.
    ("database.read_url", "postgresql://me@host/fleet"),
    ("database.allow_unsafe_durability", "perhaps"),
    ("database.allow_unsafe_durability", ""),
    ("api.naive_datetimes", "local"),
    ("api.naive_datetimes", ""),
    ("log.level", "trace"),
    ("log.level", ""),
]
GOOD = [
    *((name, end, end) for name, ends in RANGES.items() for end in ends),
    ("server.host", "::", "::"),
    ("server.allowed_hosts", "", ""),
    ("server.allowed_hosts", "*", "*"),
    ("server.allowed_hosts", "inventory, [::1], 2001:db8::1, A.example.", "inventory, [::1], 2001:db8::1, A.example."),
    ("metrics.allow", "", ""),
    ("metrics.allow", "10.0.0.0/8, ::1", "10.0.0.0/8, ::1"),
    *(("server.gateway_secret", good, good) for good in ("", "a" * 16, "!~" * 127)),
    ("server.host", "0.0.0.0", "0.0.0.0"),
    ("database.allow_unsafe_durability", "yes", True),
    ("database.allow_unsafe_durability", "off", False),
    ("api.naive_datetimes", "refuse", "refuse"),
    *(("log.level", level, level) for level in ("debug", "warning", "error")),
]


@table_driven(("name", "bad"), BAD)
def test_an_invalid_value_is_refused_with_the_name_of_its_setting(tmp_path: Path, name: str, bad: object) -> None:
    section, key = name.split(".")
    with pytest.raises(SettingsError) as caught:
        load_settings(f"[{section}]\n{key} = {bad}\n", tmp_path)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"[{section}] {key} (from {tmp_path}/inventory.ini): ")


@table_driven(("name", "text", "value"), GOOD)
def test_values_at_the_limits_are_accepted(tmp_path: Path, name: str, text: object, value: object) -> None:
    section, key = name.split(".")
    assert load_settings(f"[{section}]\n{key} = {text}\n", tmp_path)[section][key] == value


@table_driven("name", [*RANGES, "server.host", "database.url", "api.naive_datetimes", "log.level"])
def test_an_unknown_setting_with_a_similar_name_is_refused(tmp_path: Path, name: str) -> None:
    section, key = name.split(".")
    with pytest.raises(SettingsError, match=rf"\[{section}\] {key}x "):
        load_settings(f"[{section}]\n{key}x = 1\n", tmp_path)


@table_driven(
    ("text", "parsed"),
    [
        ("sqlite:///fleet.sqlite3", "sqlite:///{here}/fleet.sqlite3"),
        ("sqlite:///data/fleet.sqlite3", "sqlite:///{here}/data/fleet.sqlite3"),
        ("sqlite:////srv/fleet.sqlite3", "sqlite:////srv/fleet.sqlite3"),
        ("postgresql://me:secret@host:5432/fleet", "postgresql+psycopg://me:secret@host:5432/fleet"),
        ("postgresql+psycopg://me@host/fleet", "postgresql+psycopg://me@host/fleet"),
        ("postgresql:///fleet?host=%2Frun", "postgresql+psycopg:///fleet?host=%2Frun"),
        ("postgresql://me:p%40ss%2F@host/fleet", "postgresql+psycopg://me:p%40ss%2F@host/fleet"),
        ("postgresql://me@[::1]:5432/fleet", "postgresql+psycopg://me@[::1]:5432/fleet"),
        ("postgresql://me:s,e/t@host/fleet", "postgresql+psycopg://me:s%2Ce%2Ft@host/fleet"),
        ("postgresql://me@a:1,b/fleet", "postgresql+psycopg://me@/fleet?host=a%2Cb&port=1%2C5432"),
        ("postgresql://a,b", "postgresql+psycopg://?host=a%2Cb&port=5432%2C5432"),
        (
            "postgresql://me:s,e/t@[::1]:1,[::2]:2/fleet?target_session_attrs=primary",
            "postgresql+psycopg://me:s%2Ce%2Ft@/fleet?host=%3A%3A1%2C%3A%3A2&port=1%2C2&target_session_attrs=primary",
        ),
        ("postgresql:///fleet?host=a:1&host=b:2", "postgresql+psycopg:///fleet?host=a%3A1&host=b%3A2"),
    ],
)
def test_a_database_is_sqlite_in_a_file_or_postgresql_through_psycopg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, parsed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert url(text) == parsed.format(here=tmp_path)


@table_driven(
    "text",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:////srv/fleet.sqlite3?uri=true",
        "mysql://me:secret@host/fleet",
        "mysql+pymysql://me:secret@host/fleet",
        "oracle://host/fleet",
        "postgres://me:secret@host/fleet",
        "host/fleet",
        "/srv/fleet.sqlite3",
        "://",
        "nonsense",
        "postgresql://me:secret@host:port/fleet",
        "postgresql://me:secret@::1:/fleet",
        # After an unescaped @ in the password, the rest of the password is parsed as host and port.
        "postgresql://me:p@ss:secret@host/fleet",
        "postgresql://me:p@ss:secret@a,b/fleet",
        "postgresql://me:secret@a:1,b:port/fleet",
        "postgresql://me:secret@/fleet?host=a,b,c&port=1,2",
        "postgresql://me:secret@/fleet?host=a:1&host=b:port",
    ],
)
def test_any_other_url_is_refused_without_showing_its_password(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        url(text)
    assert str(caught.value).startswith("[database] url (from INVSYS_DATABASE_URL): ")
    assert "secret" not in str(caught.value)


def test_read_url_lists_the_standbys_of_a_postgresql_database() -> None:
    environ = {
        "INVSYS_DATABASE_URL": "postgresql://me@a/fleet",
        "INVSYS_DATABASE_READ_URL": "postgresql://me@b,c/fleet",
    }
    loaded = settings.load(environ=environ)["database"]
    assert loaded["read_url"] == "postgresql+psycopg://me@/fleet?host=b%2Cc&port=5432%2C5432"
    with pytest.raises(SettingsError, match="read_url"):
        settings.load(environ={**environ, "INVSYS_DATABASE_URL": "sqlite:////srv/fleet.sqlite3"})


# The password may be escaped, and may be repeated in the query.
@table_driven("password", ["secret", "a/secret", "secret:secret", "secret%40", "%73ecret"])
def test_the_password_of_the_database_is_not_shown(password: str) -> None:
    loaded = settings.load(environ={"INVSYS_DATABASE_URL": f"postgresql://me:{password}@host/fleet?password=secret"})
    [value] = [value for section, key, value, _ in loaded.entries() if (section, key) == ("database", "url")]
    assert value == "postgresql+psycopg://me:***@host/fleet?password=***"


@pytest.mark.parametrize(
    ("lines", "changes"),
    [
        (["vans = Van"], {"vans": "Van"}),
        (["cars = Passenger Car"], {"cars": "Passenger Car"}),
        (["v2-x_y = V"], {"v2-x_y": "V"}),
        ([f"{'v' * 36} = {'V' * 36}"], {"v" * 36: "V" * 36}),
        (["events2 = Event"], {"events2": "Event"}),
        (["vans = événement"], {"vans": "événement"}),
        (["trucks ="], {"trucks": None}),
        (["trucks =", "lorries =", "vans ="], {"trucks": None, "lorries": None}),
        (["trucks =", "heavy = Truck"], {"trucks": None, "heavy": "Truck"}),
        (["cars = Truck", "trucks = Car"], {"cars": "Truck", "trucks": "Car"}),
    ],
)
def test_an_operator_can_add_rename_and_remove_collections(
    tmp_path: Path, lines: list[str], changes: dict[str, str | None]
) -> None:
    expected = {name: kind for name, kind in (COLLECTIONS | changes).items() if kind is not None}
    assert collections(tmp_path, *lines) == expected


@table_driven(
    ("line", "key"),
    [
        ("events = Event", "events"),
        ("2vans = Van", "2vans"),
        ("-vans = Van", "-vans"),
        ("my vans = Van", "my vans"),
        ("vans/x = Van", "vans/x"),
        ("vans.x = Van", "vans.x"),
        ("vans%%2f = Van", "vans%%2f"),
        ("vänner = Van", "vänner"),
        (f"{'v' * 37} = Van", "v" * 37),
        (f"vans = {'V' * 37}", "vans"),
        ("vans = a\tb", "vans"),
        ("vans = a\x7fb", "vans"),
        ("vans = Car", "vans"),
        ("events =", "events"),
    ],
)
def test_a_collection_that_cannot_be_served_is_refused_by_name(tmp_path: Path, line: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        collections(tmp_path, line)
    assert f"[resource_types] {key} (from {tmp_path}/inventory.ini): " in str(caught.value)


def test_at_least_one_collection_must_remain(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^\[resource_types\] .*: At least one"):
        collections(tmp_path, *(f"{name} =" for name in COLLECTIONS))
