"""Limits of the log: long values are truncated, repeated refusals and warnings are counted."""

import logging
from typing import Any

import pytest
from flask import Flask

from invsys.chassis.http import problems, request_id
from invsys.chassis.http.problems import status_problem
from invsys.chassis.ops import metrics, repeat_counter, request_log
from tests.chassis.conftest import Logged
from tests.support.fake_clock import Clock

# The maximum length of a line without the truncated value.
REST = 500


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(repeat_counter, "time", clock)
    return clock


@pytest.fixture
def app() -> Flask:
    app = Flask("tiny", static_folder=None)
    app.config["TRUSTED_PROXIES"] = "127.0.0.1"
    for module in (request_log, request_id, metrics, problems):
        module.register(app)

    @app.route("/status/<int:status>")
    def respond(status: int) -> str:
        if status == 200:
            return ""
        raise status_problem(status)("Refused.")

    return app


def send(app: Flask, status: int, times: int = 1, address: str = "192.0.2.1", **headers: str) -> None:
    client = app.test_client()
    for _ in range(times):
        response = client.get(f"/status/{status}", headers=headers, environ_overrides={"REMOTE_ADDR": address})
        assert response.status_code == status


def summaries(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    matching = [line for line in lines if line["message"] == "repeated requests"]
    assert {(line["level"], line["logger"], line["seconds"]) for line in matching} <= {("info", "invsys.requests", 1)}
    return [(line["remote"], line.get("status"), line["count"]) for line in matching]


def statuses(lines: list[dict[str, Any]]) -> list[int]:
    return [line["status"] for line in lines if line["message"] == "request"]


@pytest.mark.parametrize("letter", ["a", "%00", "%F0%9F%9A%97", "%22"])
def test_a_long_path_is_truncated(logged: Logged, app: Flask, letter: str) -> None:
    with logged("info") as lines:
        app.test_client().get("/" + letter * (65_000 // len(letter)))
    [line] = lines
    assert len(line["path"]) == 512
    assert line["path"].endswith("...")


@pytest.mark.parametrize(("length", "is_truncated"), [(512, False), (513, True)])
def test_a_path_of_up_to_512_characters_is_not_truncated(
    logged: Logged, app: Flask, length: int, is_truncated: bool
) -> None:
    path = "/".ljust(length, "a")
    with logged("info") as lines:
        app.test_client().get(path)
    assert [line["path"] for line in lines] == [path[:509] + "..." if is_truncated else path]


def test_a_long_method_is_truncated(logged: Logged, app: Flask) -> None:
    with logged("info") as lines:
        app.test_client().open("/status/200", method="A" * 65_000)
    assert [line["method"] for line in lines] == ["A" * 29 + "..."]


@pytest.mark.parametrize("name", ["X-Request-Id", "User-Agent", "X-Client-Id", "X-Forwarded-For", "Authorization"])
def test_headers_do_not_make_a_line_longer(logged: Logged, app: Flask, name: str) -> None:
    with logged("info") as lines:
        app.test_client().get("/status/401", headers={name: "a" * 65_000})
    assert len(str(lines)) < REST + 256  # the limit of user_agent


def test_a_long_message_is_truncated(logged: Logged) -> None:
    with logged("info") as lines:
        logging.getLogger("x").warning("cannot read %s", "a" * 65_000)
        logging.getLogger("x").info("m", extra={"fields": {"field": "b" * 65_000}})
    assert [len(lines[0]["message"]), len(lines[1]["field"])] == [2_000, 2_000]
    assert lines[0]["message"].endswith("aaa...")


def test_the_beginning_and_the_end_of_a_long_exception_are_logged(logged: Logged) -> None:
    with logged("info") as lines:
        logging.getLogger("x").error("b" * 65_000, exc_info=ValueError("first" + "a" * 65_000 + "last"))
    [line] = lines
    assert len(line["exception"]) <= 16_000
    assert line["exception"].startswith("ValueError: first")
    assert "\n...\n" in line["exception"]
    assert line["exception"].endswith("last\n")
    assert len(line["message"]) == 2_000


def test_the_line_of_an_internal_error_with_a_long_path_is_limited(logged: Logged, app: Flask) -> None:
    app.add_url_rule("/broken/<path:path>", "broken", lambda path: 1 / 0)
    with logged("info") as lines:
        app.test_client().get("/broken/" + "a" * 65_000)
    assert len(str(lines)) < 16_000 + 2_000 + 512 + 2 * REST


@pytest.mark.parametrize("status", [400, 401, 421, 429])
def test_repeated_refusals_of_an_address_are_counted(logged: Logged, app: Flask, clock: Clock, status: int) -> None:
    with logged("info") as lines:
        send(app, status, 50)
        clock.advance(1.01)
        # The next request writes the summary.
        send(app, 200, address="192.0.2.2")
    assert statuses(lines) == [status, 200]
    assert summaries(lines) == [("192.0.2.1", status, 49)]
    assert [line["message"] for line in lines] == ["request", "repeated requests", "request"]


def test_the_first_refusal_of_each_second_is_logged(logged: Logged, app: Flask, clock: Clock) -> None:
    with logged("info") as lines:
        for _ in range(3):
            send(app, 401, 10)
            clock.advance(1.01)
        send(app, 200)
    assert statuses(lines) == [401, 401, 401, 200]
    assert summaries(lines) == [("192.0.2.1", 401, 9)] * 3


def test_a_single_refusal_has_no_summary(logged: Logged, app: Flask, clock: Clock) -> None:
    with logged("info") as lines:
        send(app, 401)
        clock.advance(1.01)
        send(app, 200)
    assert [line["message"] for line in lines] == ["request", "request"]


def test_addresses_and_statuses_are_counted_separately(logged: Logged, app: Flask, clock: Clock) -> None:
    with logged("info") as lines:
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"):
            for status in (401, 429):
                send(app, status, 2, address)
        request_log.flush()
    assert len(statuses(lines)) == 6
    assert summaries(lines) == [
        *((address, status, 1) for address in ("192.0.2.1", "192.0.2.2") for status in (401, 429)),
        *(("2001:db8::/64", status, 3) for status in (401, 429)),
    ]


def test_behind_a_trusted_proxy_the_forwarded_address_counts(logged: Logged, app: Flask, clock: Clock) -> None:
    with logged("info") as lines:
        for forwarded in ("198.51.100.1", "198.51.100.2"):
            send(app, 401, 3, "127.0.0.1", **{"X-Forwarded-For": forwarded})
        request_log.flush()
    assert summaries(lines) == [("198.51.100.1", 401, 2), ("198.51.100.2", 401, 2)]


def test_the_number_of_addresses_is_limited(
    logged: Logged, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "_MAX_ADDRESSES", 5)
    with logged("info") as lines:
        for number in range(20):
            send(app, 401, 2, f"192.0.2.{number}")
        assert len(request_log._log.refusals.pending) == 6
        request_log.flush()
    assert len(statuses(lines)) == 5
    assert summaries(lines) == [*((f"192.0.2.{number}", 401, 1) for number in range(5)), ("others", None, 30)]


def test_ten_thousand_addresses_are_counted_separately() -> None:
    refusals = request_log.Log().refusals
    for number in range(20_000):
        refusals.is_first(number)
    assert len(refusals.pending) == 10_001
    refusals.pending.clear()


@pytest.mark.parametrize("status", [200, 403, 404, 422, 500, 503])
def test_requests_with_other_statuses_are_all_logged(logged: Logged, app: Flask, clock: Clock, status: int) -> None:
    with logged("info") as lines:
        send(app, status, 10)
        request_log.flush()
    assert statuses(lines) == [status] * 10
    assert summaries(lines) == []


def test_below_the_level_there_is_no_summary(logged: Logged, app: Flask, clock: Clock) -> None:
    with logged("warning") as lines:
        send(app, 401, 10)
        request_log.flush()
    assert lines == []


def test_repeated_warnings_are_counted(logged: Logged, app: Flask, clock: Clock) -> None:
    with logged("info") as lines:
        for _ in range(10):
            logging.getLogger("a").warning("The database: %s", "away")
        logging.getLogger("a").warning("The database: %s", "full")
        logging.getLogger("b").warning("The database: %s", "away")
        clock.advance(1.01)
        send(app, 200)
    logged_messages = [(line["logger"], line["message"], line.get("repeated")) for line in lines[:-1]]
    assert logged_messages == [
        ("a", "The database: away", None),
        ("a", "The database: full", None),
        ("b", "The database: away", None),
        ("a", "The database: away", 9),
    ]
    assert lines[3]["level"] == "warning"


def test_after_a_hundred_different_warnings_the_others_are_counted_together(logged: Logged, clock: Clock) -> None:
    with logged("info") as lines:
        for number in range(1000):
            logging.getLogger("a").warning("cannot read %d", number)
        request_log.flush()
    assert len(lines) == 101
    assert (lines[-1]["message"], lines[-1]["repeated"]) == ("further messages", 900)


def test_exceptions_and_info_messages_are_all_logged(logged: Logged, clock: Clock) -> None:
    with logged("info") as lines:
        for _ in range(5):
            logging.getLogger("a").info("done")
            logging.getLogger("a").error("failed", exc_info=ValueError("x"))
    assert len(lines) == 10
