"""Access to /metrics is limited to allowed addresses, and the text is rendered at most once per second."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from invsys.chassis.config.settings import Settings
from invsys.chassis.http import problems, request_id
from invsys.chassis.ops import metrics
from tests.support.fake_clock import Clock
from tests.support.refusals import refused
from tests.support.tables import table_driven


def create_client(allow: str) -> FlaskClient:
    app = Flask("tiny", static_folder=None)
    request_id.register(app)
    metrics.register(app, allow)
    problems.register(app)
    return app.test_client()


def get(client: FlaskClient, address: str | None, forwarded: str | None = None) -> Any:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})


@table_driven(
    ("allow", "trusted", "allowed"),
    [
        ("", "10.0.0.0/8", "127.0.0.0/8, ::1, 10.0.0.0/8"),
        ("", "", "127.0.0.0/8, ::1, "),
        ("192.0.2.7", "10.0.0.0/8", "192.0.2.7"),
    ],
)
def test_by_default_this_machine_and_the_trusted_proxies_are_allowed(allow: str, trusted: str, allowed: str) -> None:
    settings = Settings({"metrics": {"allow": allow}, "server": {"trusted_proxies": trusted}}, {})
    assert metrics.allowed_networks(settings) == allowed
    assert get(create_client(allowed), "192.0.2.7" if allow else "127.0.0.1").status_code == 200


@table_driven(
    ("address", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("192.0.2.7", False),
        ("2001:db8::1", False),
        ("::ffff:192.0.2.7", False),
        ("invalid", False),
        ("", False),
        (None, False),
    ],
)
def test_only_allowed_addresses_get_the_metrics(address: str | None, allowed: bool) -> None:
    response = get(create_client("127.0.0.0/8, ::1, 10.0.0.0/8"), address)
    if allowed:
        assert response.status_code == 200
    else:
        refused(response, 403, "address_not_allowed")


@table_driven(
    ("address", "forwarded", "allowed"),
    [
        ("127.0.0.1", "10.0.0.1", True),
        ("127.0.0.1", " 10.0.0.1 , ::1", True),
        ("127.0.0.1", "10.0.0.1:4711, [::1]:443, [::1]", True),
        ("127.0.0.1", "192.0.2.7:4711", False),
        ("127.0.0.1", "192.0.2.7", False),
        # Every address is checked, because our proxy may have forwarded a request of another proxy.
        ("127.0.0.1", "192.0.2.7, 10.0.0.1", False),
        ("127.0.0.1", "10.0.0.1, 192.0.2.7", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "unknown", False),
        ("127.0.0.1", "10.0.0.1,", False),
        ("127.0.0.1", "127.0.0.1," * 10_000, False),
        # The header does not grant access.
        ("192.0.2.7", "127.0.0.1", False),
    ],
)
def test_every_forwarded_address_must_be_allowed(address: str, forwarded: str, allowed: bool) -> None:
    response = get(create_client("127.0.0.0/8, ::1, 10.0.0.0/8"), address, forwarded)
    assert response.status_code == (200 if allowed else 403)


@pytest.fixture
def renderings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list with one entry for each rendering so far."""
    entries: list[int] = []
    original: Callable[[], CollectorRegistry] = metrics._registry

    def registry() -> CollectorRegistry:
        entries.append(1)
        return original()

    monkeypatch.setattr(metrics, "_registry", registry)
    return entries


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    clock.perf_counter = clock.monotonic
    monkeypatch.setattr(metrics, "time", clock)
    return clock


def test_the_text_is_rendered_once_per_second(renderings: list[int], clock: Clock) -> None:
    client = create_client("127.0.0.1")
    texts = [get(client, "127.0.0.1").text for _ in range(10)]
    assert (len(renderings), len(set(texts))) == (1, 1)
    clock.advance(0.99)
    assert get(client, "127.0.0.1").text == texts[0]
    clock.advance(0.02)
    assert get(client, "127.0.0.1").text != texts[0]
    assert len(renderings) == 2


def test_a_refused_request_does_not_render(renderings: list[int]) -> None:
    assert get(create_client("127.0.0.1"), "192.0.2.7").status_code == 403
    assert renderings == []


def test_concurrent_requests_share_one_rendering(renderings: list[int], clock: Clock) -> None:
    client, texts = create_client("127.0.0.1"), list[str]()
    start = threading.Barrier(8)

    def read() -> None:
        start.wait()
        texts.append(client.application.test_client().get("/metrics").text)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(renderings), len(texts), len(set(texts))) == (1, 8, 1)
    assert texts[0]
