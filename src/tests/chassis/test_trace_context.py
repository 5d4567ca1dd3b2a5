"""Trace context: valid headers are accepted, malformed ones are ignored (https://www.w3.org/TR/trace-context/)."""

import logging
from types import SimpleNamespace

import pytest
from flask import Flask

from invsys.chassis.http import problems, request_id
from invsys.chassis.ops import metrics, request_log, trace_context
from tests.chassis.conftest import Logged
from tests.support.tables import table_driven

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
LONG_KEY = "k" * 256

MALFORMED_PARENTS = [
    "",
    "00",
    f" {PARENT}",
    f"{PARENT} ",
    f"{PARENT}\n",
    PARENT.upper(),
    f"00-{TRACE}-{SPAN}",
    f"00-{TRACE}-{SPAN}-1",
    f"00-{TRACE[1:]}-{SPAN}-01",
    f"00-{TRACE}0-{SPAN}-01",
    f"00-{TRACE}-{SPAN[1:]}-01",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"ff-{TRACE}-{SPAN}-01",
    f"0g-{TRACE}-{SPAN}-01",
    f"{PARENT}-",
    f"{PARENT}-later",
    f"01{PARENT[2:]}later",
    f"01{PARENT[2:]}-\x7f",
    f"01{PARENT[2:]}-é",
    f"01{PARENT[2:]}-{'a' * 40_000}",
    f"{PARENT},{PARENT}",
    PARENT.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
    "0" * 55,
]
VALID_STATES = [
    "congo=t61rcWkgMzE",
    "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    "a=1 , \t b=2",
    "a=1,,b=2",
    "tenant@system=!+-<>~",
    "0a=1",
    f"{LONG_KEY}={'v' * 256}",
    ",".join(f"k{number}=v" for number in range(32)),
    "a= inner  spaces",
]
MALFORMED_STATES = [
    "a",
    "=a",
    "a=",
    "A=1",
    "a=1=2",
    "a b=1",
    "a=\x7f",
    "a=é",
    "a=1,a=2",
    "a=1;b=2",
    "a=1,b",
    f"{LONG_KEY}k=1",
    f"a={'v' * 257}",
    ",".join(f"k{number}=v" for number in range(33)),
    "," * 40_000,
    "a=" + " " * 40_000 + "1",
]


@pytest.fixture
def app() -> Flask:
    app = Flask("tiny", static_folder=None)
    for module in (request_log, request_id, metrics, problems):
        module.register(app)
    app.add_url_rule("/cars", "cars", lambda: "")
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    return app


def context(app: Flask, parent: str | None, state: str | None = None) -> trace_context.TraceContext | None:
    sent = {"HTTP_TRACEPARENT": parent, "HTTP_TRACESTATE": state}
    environ = {name: value for name, value in sent.items() if value is not None}
    with app.test_request_context(environ_overrides=environ):
        return trace_context.current()


@table_driven("parent", [PARENT, f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-ff", f"cc{PARENT[2:]}-what.ever"])
def test_a_valid_traceparent_is_the_context(app: Flask, parent: str) -> None:
    assert context(app, parent) == (TRACE, SPAN, {"traceparent": parent})


@table_driven("parent", [None, *MALFORMED_PARENTS])
def test_without_a_valid_traceparent_there_is_no_context(app: Flask, parent: str | None) -> None:
    assert context(app, parent, "congo=1") is None


@table_driven("state", VALID_STATES)
def test_a_valid_tracestate_is_forwarded(app: Flask, state: str) -> None:
    assert context(app, PARENT, state) == (TRACE, SPAN, {"traceparent": PARENT, "tracestate": state})


@table_driven("state", ["", *MALFORMED_STATES])
def test_a_malformed_tracestate_is_dropped_without_the_traceparent(app: Flask, state: str) -> None:
    assert context(app, PARENT, state) == (TRACE, SPAN, {"traceparent": PARENT})


def test_the_span_of_opentelemetry_replaces_the_headers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    # OpenTelemetry is not a requirement of the tests either: an object with the attributes of its SpanContext.
    span = SimpleNamespace(
        is_valid=True, trace_id=0xABC, span_id=0xD, trace_flags=1, trace_state=SimpleNamespace(to_header=lambda: "a=1")
    )
    api = SimpleNamespace(get_current_span=lambda: SimpleNamespace(get_span_context=lambda: span))
    monkeypatch.setattr(trace_context, "opentelemetry", api)
    parent = f"00-{0xABC:032x}-{0xD:016x}-01"
    assert context(app, PARENT, "b=2") == (f"{0xABC:032x}", f"{0xD:016x}", {"traceparent": parent, "tracestate": "a=1"})
    span.is_valid = False
    assert context(app, PARENT, "b=2") == (TRACE, SPAN, {"traceparent": PARENT, "tracestate": "b=2"})


def test_every_line_about_a_request_has_its_trace_and_span(logged: Logged, app: Flask) -> None:
    with logged("info") as lines:
        app.test_client().get("/broken", headers={"Traceparent": PARENT})
    assert [(line["trace_id"], line["span_id"]) for line in lines] == [(TRACE, SPAN)] * 2


@pytest.mark.parametrize("parent", [None, *MALFORMED_PARENTS[:4]])
def test_without_a_trace_the_lines_have_no_such_members(logged: Logged, app: Flask, parent: str | None) -> None:
    with logged("info") as lines:
        app.test_client().get("/broken", environ_overrides={} if parent is None else {"HTTP_TRACEPARENT": parent})
        logging.getLogger("x").info("outside of a request")
    assert len(lines) == 3
    assert [line for line in lines if "trace_id" in line or "span_id" in line] == []
