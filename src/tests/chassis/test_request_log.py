"""The log: each line is a JSON object, even for unusual text, and each request has one line."""

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from invsys.chassis.http import problems, request_id
from invsys.chassis.ops import metrics, request_log
from tests.chassis.conftest import Logged


@pytest.fixture
def app() -> Flask:
    app = Flask("tiny", static_folder=None)
    for module in (request_log, request_id, metrics, problems):
        module.register(app)
    app.add_url_rule("/cars/<name>", "car", lambda name: name)
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    app.add_url_rule("/healthz", "healthz", lambda: "ok")
    app.add_url_rule("/readyz", "readyz", lambda: "ok")
    return app


def test_a_record_is_one_line_with_time_level_logger_and_message(logged: Logged) -> None:
    with logged("info") as lines:
        logging.getLogger("a.b").warning("%s of %d\nsecond line \N{AUTOMOBILE}", "one", 3)
    [line] = lines
    at = datetime.fromisoformat(line.pop("at"))
    assert line == {"level": "warning", "logger": "a.b", "message": "one of 3\nsecond line \N{AUTOMOBILE}"}
    assert at.tzinfo == UTC
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60


@pytest.mark.parametrize(
    ("level", "logged_levels"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_records_below_the_level_are_not_logged(logged: Logged, level: str, logged_levels: list[str]) -> None:
    with logged(level) as lines:
        for level_name in ("debug", "info", "warning", "error"):
            logging.getLogger("x").log(logging.getLevelNamesMapping()[level_name.upper()], level_name)
    assert [(line["level"], line["message"]) for line in lines] == [
        (level_name, level_name) for level_name in logged_levels
    ]


def test_an_exception_is_part_of_the_line(logged: Logged) -> None:
    with logged("info") as lines:
        try:
            int("first\nsecond")
        except ValueError:
            logging.getLogger("x").exception("Failed")
    [line] = lines
    assert line["message"] == "Failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert "ValueError: invalid literal" in line["exception"]


@pytest.mark.parametrize(
    ("value", "logged_value"),
    [
        ("a", "a"),
        (1.5, 1.5),
        (None, None),
        ({"a": [1]}, {"a": [1]}),
        (Path("a/b"), "a/b"),
        (ValueError("x"), "x"),
        (b"a", "b'a'"),
    ],
    ids=repr,
)
def test_a_field_of_any_type_is_logged(logged: Logged, value: object, logged_value: object) -> None:
    with logged("info") as lines:
        logging.getLogger("x").info("m", extra={"fields": {"field": value}})
    assert [line["field"] for line in lines] == [logged_value]


@pytest.mark.parametrize(
    "text", ["a\x00b", "\x1b[31m", "\u2028", '"\\', "\udce9 of a file that is not UTF-8"], ids=ascii
)
def test_any_text_is_logged(logged: Logged, text: str) -> None:
    with logged("info") as lines:
        logging.getLogger("x").info("cannot read %s", text)
    assert [line["message"].startswith("cannot read ") for line in lines] == [True]


@pytest.mark.parametrize(
    ("method", "path", "status", "route", "code"),
    [
        ("GET", "/cars/1?name=secret", 200, "/cars/{name}", None),
        ("HEAD", "/cars/1", 200, "/cars/{name}", None),
        ("POST", "/cars/1", 405, None, "method_not_allowed"),
        ("GET", "/nowhere", 404, None, "not_found"),
        ("BREW", "/cars/1", 405, None, "method_not_allowed"),
    ],
)
def test_a_request_is_one_line_with_its_fields(
    logged: Logged, app: Flask, method: str, path: str, status: int, route: str | None, code: str | None
) -> None:
    with logged("info") as lines:
        app.test_client().open(path, method=method, headers={"X-Request-Id": "mine", "User-Agent": "monolith/3.1"})
    [line] = lines
    assert 0 <= line.pop("milliseconds") < 60_000
    assert line.pop("at")
    assert line.pop("code", None) == code
    assert line == {
        "level": "info",
        "logger": "invsys.requests",
        "message": "request",
        "request_id": "mine",
        "method": method,
        "path": path.partition("?")[0],
        "route": route,
        "status": status,
        "remote": "127.0.0.1",
        "user_agent": "monolith/3.1",
    }


@pytest.mark.parametrize(
    ("sent", "logged_agent"),
    [
        (None, None),
        ("", ""),
        ("\x1b[31mred\x07\x7f\x85", r"\x1b[31mred\x07\x7f\x85"),
        ("a" * 256, "a" * 256),
        ("a" * 65_000, "a" * 253 + "..."),
        ("\x00" * 257, r"\x00" * 253 + "..."),
    ],
    ids=["missing", "empty", "control characters", "256", "65000", "257 control characters"],
)
def test_the_user_agent_is_logged_without_control_characters_and_truncated(
    logged: Logged, app: Flask, sent: str | None, logged_agent: str | None
) -> None:
    client = app.test_client()
    client.environ_base.pop("HTTP_USER_AGENT")
    with logged("info") as lines:
        client.get("/cars/1", environ_overrides={} if sent is None else {"HTTP_USER_AGENT": sent})
    assert [line["user_agent"] for line in lines] == [logged_agent]


@pytest.mark.parametrize("path", ["/cars/a%0Ab", "/cars/%00", "/cars/%ff%fe", "/cars/%22%5C", "/" + "a" * 10_000])
def test_any_path_is_logged_in_one_line(logged: Logged, app: Flask, path: str) -> None:
    with logged("info") as lines:
        app.test_client().get(path)
    assert len(lines) == 1


def test_an_internal_error_is_logged_with_its_exception_and_as_a_request(logged: Logged, app: Flask) -> None:
    with logged("info") as lines:
        response = app.test_client().get("/broken")
    failure, request = lines
    assert (failure["level"], failure["message"]) == ("error", "Exception on /broken [GET]")
    assert "ZeroDivisionError" in failure["exception"]
    assert (request["status"], request["request_id"]) == (500, response.headers["X-Request-Id"])


def test_an_internal_error_is_found_by_its_request_id(logged: Logged, app: Flask) -> None:
    # The detail of the response refers to the log and this request_id.
    with logged("error") as lines:
        response = app.test_client().get("/broken")
    assert re.search(response.headers["X-Request-Id"], json.dumps(lines))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_checks_and_metrics_are_logged_at_debug_level_only(logged: Logged, app: Flask, path: str) -> None:
    for level, expected in (("info", []), ("debug", [("debug", path)])):
        with logged(level) as lines:
            app.test_client().get(path)
        assert [(line["level"], line["path"]) for line in lines] == expected
