"""The gateway's settings: the defaults are valid, and the message for an invalid value names its key."""

from pathlib import Path

import pytest

from invsys.chassis.config.settings import SettingsError
from invsys.gateway import settings
from tests.support.invalid_settings import COMMON, SECRETS, outside
from tests.support.tables import table_driven

RANGES = {
    "server.port": (1, 65535),
    "server.workers": (1, 256),
    "server.threads": (1, 256),
    "server.graceful_timeout": (1, 3600),
    "server.body_timeout": (1, 3600),
    "upstream.max_answer": (1024, 2**40),
    "jwt.leeway": (0, 600),
    "jwt.refresh": (1, 7 * 86400),
    "limits.concurrent": (1, 10_000),
    "limits.max_body": (1024, 16 * 1024 * 1024),
}
SECONDS = {"upstream.connect_timeout": 60, "upstream.read_timeout": 600, "upstream.answer_timeout": 3600}

INVALID = [
    *outside(RANGES),
    *((name, bad) for name, end in SECONDS.items() for bad in (0, -1, end + 1, "", "x", "nan", "inf", "-inf", "1s")),
    *COMMON,
    *(("upstream.secret", bad) for bad in SECRETS),
    ("clients.file", ""),
    ("limits.rate", ""),
    ("limits.rate", "many"),
    ("limits.rate", "50"),
    ("limits.rate", "50/"),
    ("limits.rate", "/second"),
    ("limits.rate", "50/fortnight"),
    ("limits.rate", "-1/second"),
    ("limits.rate", "1.5/second"),
    ("limits.rate", "50/second; many"),
    ("limits.write_rate", ""),
    ("limits.write_rate", "often"),
    ("limits.write_rate", "10/second; 0/minute"),
    ("limits.anonymous", ""),
    ("limits.anonymous", "often"),
    ("limits.storage", ""),
    ("limits.storage", "memory"),
    ("limits.storage", "http://127.0.0.1"),
    ("limits.storage", "memcached://127.0.0.1"),
    ("limits.storage", "redis:/127.0.0.1"),
    ("limits.storage", "redis://127.0.0.1:x/0"),
    ("limits.storage", "redis://127.0.0.1:99999/0"),
    ("jwt.algorithms", ""),
    ("jwt.algorithms", "none"),
    ("jwt.algorithms", "None"),
    ("jwt.algorithms", "HS256"),
    ("jwt.algorithms", "HS512"),
    ("jwt.algorithms", "RS256 none"),
    ("jwt.algorithms", "RS256 HS256"),
    ("jwt.algorithms", "RS256, ES256"),
    ("jwt.algorithms", "rs256"),
    ("jwt.client", ""),
    ("cors.origins", "*"),
    ("cors.origins", "null"),
    ("cors.origins", "staff.example"),
    ("cors.origins", "https://staff.example/"),
    ("cors.origins", "https://staff.example/page"),
    ("cors.origins", "https://*.example"),
    ("cors.origins", "https://staff.example, *"),
    ("cors.origins", "https://user@staff.example"),
    ("cors.origins", "https://STAFF.example"),
    ("cors.origins", "HTTPS://staff.example"),
    ("cors.origins", "https://staff.example?x"),
    ("cors.origins", "https://staff.example#x"),
    ("cors.origins", "https://"),
    ("cors.origins", "https://staff.example:x"),
    ("cors.origins", "https://staff .example"),
    ("cors.origins", "ftp://staff.example"),
    ("cors.origins", "https://.*"),
    ("log.level", "trace"),
    ("log.level", ""),
    *(
        ("services.inventory", bad)
        for bad in (
            "127.0.0.1:5000",
            "localhost",
            "//127.0.0.1:5000",
            "ftp://127.0.0.1",
            "http://",
            "http://:5000",
            "http://127.0.0.1:5000/",
            "http://127.0.0.1:5000/api",
            "http://127.0.0.1:5000?x=1",
            "http://127.0.0.1:5000?",
            "http://127.0.0.1:5000#x",
            "http://user@127.0.0.1:5000",
            "http://user:secret@127.0.0.1:5000",
            "http://127.0.0.1:0",
            "http://127.0.0.1:65536",
            "http://127.0.0.1:port",
            "http://127.0.0.1:5000 http://127.0.0.1:5001",
            "http://127.0.0.1:5000, invalid",
            "http://a b",
            "http://a\tb",
            "http://[::1",
            "http://bücher.example",
            "http://127.0.0.1:",
            "http://a/../b",
            "http://a\\b",
            "http://a%2fb",
        )
    ),
    ("services.2echo", "http://127.0.0.1:1"),
    ("services.my echo", "http://127.0.0.1:1"),
    ("services.echo/x", "http://127.0.0.1:1"),
    # Scopes of the inventory start with these names.
    ("services.resources", "http://127.0.0.1:1"),
    ("services.allocations", "http://127.0.0.1:1"),
    ("services.events", "http://127.0.0.1:1"),
    ("services.echo", "http://a..b"),
    # The inventory has no paths with this prefix.
    ("routes./fleet", "inventory"),
    ("limits.rate", "0/second"),
    ("limits.anonymous", "1/0 second"),
    ("jwt.keys", "ftp://keys.example/jwks.json"),
    ("routes./echo", "nobody"),
    ("routes./echo", "inventory, nobody"),
    ("routes./echo", "INVENTORY"),
    ("routes.echo", "inventory"),
    ("routes./echo/", "inventory"),
    ("routes.//echo", "inventory"),
    ("routes./echo?x", "inventory"),
    ("routes./../echo", "inventory"),
    ("routes./e cho", "inventory"),
    ("routes./echo/<x>", "inventory"),
    ("routes./%%65cho", "inventory"),
]
VALID = [
    *((name, end, end) for name, ends in RANGES.items() for end in ends),
    *((name, seconds, seconds) for name, end in SECONDS.items() for seconds in (0.1, end)),
    ("server.allowed_hosts", "bookings.example, [::1]", "bookings.example, [::1]"),
    ("metrics.allow", "10.0.0.0/8, ::1", "10.0.0.0/8, ::1"),
    *(("upstream.secret", good, good) for good in ("", "a" * 16, "!~" * 127)),
    ("limits.rate", "1/second", "1/second"),
    ("limits.rate", "100 per minute; 1000/hour", "100 per minute; 1000/hour"),
    ("limits.storage", "redis://127.0.0.1:6379/1", "redis://127.0.0.1:6379/1"),
    ("cors.origins", "", ""),
    ("cors.origins", "https://staff.example", "https://staff.example"),
    ("cors.origins", "http://[::1]:3000", "http://[::1]:3000"),
    ("cors.origins", "https://a.example, http://localhost:3000", "https://a.example, http://localhost:3000"),
    ("jwt.algorithms", "ES256", "ES256"),
    ("services.inventory", "https://inventory.example", "https://inventory.example"),
    ("services.inventory", "http://[::1]:5000", "http://[::1]:5000"),
    ("services.inventory", "http://a:1, http://b:2", "http://a:1, http://b:2"),
    ("services.fleet-2", "http://a:1", "http://a:1"),
    ("routes./api/events", "inventory", "inventory"),
]


def load(text: str, folder: Path) -> settings.settings.Settings:
    file = folder / "gateway.ini"
    file.write_text(text, "utf-8")
    return settings.load(str(file), {})


def test_the_defaults_are_valid(tmp_path: Path) -> None:
    loaded = load("", tmp_path)
    assert loaded["services"] == {"inventory": "http://127.0.0.1:5000"}
    assert loaded["routes"] == {"/api": "inventory", "/docs": "inventory", "/": "inventory"}
    assert loaded["cors"]["origins"] == ""
    assert loaded["jwt"]["keys"] == ""
    assert {origin for *_, origin in loaded.entries()} == {"default"}


@table_driven(("name", "value"), INVALID)
def test_an_invalid_value_is_rejected_and_its_key_named(tmp_path: Path, name: str, value: object) -> None:
    section, key = name.split(".", 1)
    with pytest.raises(SettingsError) as caught:
        load(f"[{section}]\n{key} = {value}\n", tmp_path)
    assert f"[{section}] {key.replace('%%', '%')} " in str(caught.value).replace("%%", "%")
    assert len(str(caught.value).splitlines()) == 1


@table_driven(("name", "text", "value"), VALID)
def test_a_valid_value_is_accepted(tmp_path: Path, name: str, text: object, value: object) -> None:
    section, key = name.split(".", 1)
    assert load(f"[{section}]\n{key} = {text}\n", tmp_path)[section][key] == value


@pytest.mark.parametrize("missing", ["issuer", "audience"])
def test_tokens_require_an_issuer_and_an_audience(tmp_path: Path, missing: str) -> None:
    values = {"keys": "keys.json", "issuer": "https://issuer.example", "audience": "invsys", missing: ""}
    with pytest.raises(SettingsError, match=rf"^\[jwt\] {missing} "):
        load("[jwt]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()), tmp_path)


def test_a_service_with_a_route_cannot_be_removed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[routes\] /api ") as caught:
        load("[services]\ninventory =\n", tmp_path)
    assert "inventory" in str(caught.value)


def test_an_empty_value_removes_a_route(tmp_path: Path) -> None:
    assert load("[routes]\n/ =\n", tmp_path)["routes"] == {"/api": "inventory", "/docs": "inventory"}


@pytest.mark.parametrize(
    "text", ["[limits]\nunknown = 1\n", "[unknown]\nkey = 1\n", "[cors]\norigin = https://a.example\n"]
)
def test_unknown_settings_are_rejected(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError):
        load(text, tmp_path)
