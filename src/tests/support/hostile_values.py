"""Well-formed HTTP requests with malformed parts: paths, queries, headers and JSON bodies.

Each has the statuses that are right for it. No part is served, and nothing is changed, unless a comment says so.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tests.support.malformed_bodies import MALFORMED

ID = "00000000-0000-4000-8000-000000000000"
CAR = f"/api/cars/{ID}"
JSON = b"Content-Type: application/json\r\n"
# A body that would register a car.
BODY = b'{"name": "hostile"}'

PATHS = [
    *("/api/cars/", "/api//cars", "//api/cars", "/api/./cars", "/api/x/../cars", "/api/cars/.", "/api/cars/.."),
    *(
        "/API/cars",
        "/api/CARS",
        "/api/cars%20",
        "/api/cars%09",
        "/api/cars%0a",
        "/api/cars%0d%0aX-A:%20b",
        "/api/cars%00",
    ),
    *(
        "/api/%00",
        "/api/cars%2500",
        "/api%252fcars",
        "/%2561pi/cars",
        "/api/cars;v=1",
        "/api;x/cars",
        "/api/cars%3bv=1",
    ),
    *("/api/cars%3fname=x", "/api/cars%23x", "/api\\cars", "/api%5ccars", "/api/cars%", "/api/cars%4", "/api/cars%zz"),
    *("/api/%u0063ars", "/api/%c1%a3ars", "/api%c0%afcars", "/api/%e0%81%a3ars", "/api/car%ff", "/api/%ed%a0%80"),
    *(
        "/api/%ef%bd%83ars",
        "/api/cars%e2%80%8b",
        "/api/%e2%80%ae",
        "/..%2f..%2fetc/passwd",
        "/docs/..%2f..%2fsetup.cfg",
    ),
    *(
        f"{CAR[:-1]}",
        f"{CAR}0",
        CAR.upper(),
        f"{CAR}%00",
        f"{CAR}%20",
        f"/api/cars/%7b{ID}%7d",
        f"/api/cars/urn:uuid:{ID}",
    ),
    *(
        f"/api/cars/{ID.replace('-', '')}",
        "/api/cars/-1",
        "/api/cars/any",
        "/api/cars/all/allocations/all",
        "/api/cars/\u0661",
    ),
    f"/api/{'x/' * 1000}",
    f"/api/{'../' * 1000}",
    f"/api/cars/{'%41' * 5000}",
]
QUERIES = [
    *(
        "limit=0",
        "limit=-1",
        "limit=1e3",
        "limit=99999999999999999999",
        "limit=%00",
        "limit=",
        "limit=%d9%a1",
        "limit=1&limit=2",
    ),
    *(
        "cursor=%00",
        "cursor=A",
        "cursor=%ff",
        f"cursor={'A' * 5000}",
        "name=%00",
        "name=%ff",
        "name=%ed%a0%80",
        "name[]=x",
    ),
    *(
        "attribute.=1",
        "attribute.a%00=1",
        "available_from=now",
        "available_from=2099-02-30T00:00:00Z",
        "unknown=1",
        "%00=1",
    ),
    *(
        "available_from=9999-12-31T23:59:59Z",
        "available_from=2099-01-01T00:00:00%2B99:99",
        "=",
        "&&&&a",
        "%=%",
        "limit;=1",
    ),
]
# For each header: hostile values, and the statuses of a registration that sends one of them. 201: the value is ignored,
# as RFC 9110 requires or allows for this header.
BODY_HEADERS: dict[str, tuple[Collection[int], list[str]]] = {
    "Idempotency-Key": ({400, 422}, ["", "a b", "\xe9", "x" * 256, "a\tb", "k, k\xa0"]),
    "Content-Type": (
        {415},
        [
            "",
            "json",
            "text/html",
            "application/json; charset=utf-16",
            "application/",
            "/",
            ";",
            "application/json;charset=\xff",
        ],
    ),
    "Content-Encoding": ({415}, ["gzip", "br", "gzip, gzip", "x", "identity, gzip"]),
    "Authorization": (
        {201, 401},
        ["", "Bearer", "Bearer ", "Bearer \xff", "Basic \xff", "Basic YQ==", "Digest x", "x" * 5000],
    ),
    "Accept": ({201, 406}, ["", ",", "*", "a/b;q=2", "a/b;q=\xff", "x" * 5000, "application/json;q=0", "*/*;q=-1"]),
    "Accept-Encoding": ({201}, ["", "\xff", "gzip;q=9", "br", "x" * 5000, "identity;q=0, *;q=0"]),
    "Range": ({201}, ["bytes=0-0", "bytes=-", "bytes=9-1", "bytes=" + "0-0," * 500, "lines=1-2", "\xff"]),
    "traceparent": ({201}, ["00", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ff-x", "\xff", "00-" + "a" * 500]),
    "X-Request-Id": ({201}, ["", "a b", "\xff", "x" * 129, "a\tb"]),
    "X-Forwarded-For": ({201}, ["", "a", "\xff", "1.2.3.4.5", "::::", "127.0.0.1, " * 100]),
    "Cookie": ({201}, ["", "=", "a=\xff", ";;;", "a=b" * 1000]),
}
# The same for a GET request of the list of cars.
READ_HEADERS: dict[str, tuple[Collection[int], list[str]]] = {
    "If-None-Match": ({200, 304}, ["", "*", "a", '"', '"a', 'W/"', '"a" "b"', '"\xff"', "," * 1000]),
    "If-Modified-Since": ({200}, ["", "yesterday", "Mon, 99 Foo 9999 99:99:99 GMT", "\xff", "0"]),
    "If-Range": ({200}, ["", '"', "\xff", "yesterday"]),
    "Range": ({200}, ["bytes=0-0", "bytes=-", "bytes=9-1", "bytes=" + "0-0," * 500, "\xff"]),
    "Origin": ({200}, ["null", "\xff", "http://", "https://a.example, https://b.example"]),
    "X-Client-Sees": ({200, 400, 422}, ["x", "\xff", ""]),
    "X-Client-Id": ({200, 400, 422}, ["", "a b", "\xff", "x" * 300]),
}
# The same for a DELETE request of a car that does not exist.
CHANGE_HEADERS: dict[str, tuple[Collection[int], list[str]]] = {
    "If-Match": (
        {400, 404, 412, 422},
        ["", "*", "a", '"', '"a', 'W/"a"', '"a" "b"', '"\xff"', "," * 1000, '"a"' * 1000],
    ),
}


@dataclass(frozen=True)
class HostileValue:
    """The bytes of a request without its Host and Authorization lines, and the statuses that are right for it."""

    name: str
    line: bytes
    rest: bytes
    statuses: Collection[int]


def all_values() -> Iterator[HostileValue]:
    """Yield all requests."""
    body = b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
    for path in PATHS:
        yield HostileValue(f"path {path:.60}", b"GET %b" % path.encode(), b"\r\n", {400, 404})
    for query in QUERIES:
        yield HostileValue(f"query {query:.60}", b"GET /api/cars?%b" % query.encode(), b"\r\n", {400, 422})
    for name, (statuses, values) in BODY_HEADERS.items():
        for value in values:
            content = JSON if name != "Content-Type" else b""
            rest = content + _line(name, value) + body
            yield HostileValue(f"POST {name}: {value!r:.60}", b"POST /api/cars", rest, statuses)
    for name, (statuses, values) in READ_HEADERS.items():
        for value in values:
            yield HostileValue(f"GET {name}: {value!r:.60}", b"GET /api/cars", _line(name, value) + b"\r\n", statuses)
    for name, (statuses, values) in CHANGE_HEADERS.items():
        for value in values:
            yield HostileValue(
                f"{name}: {value!r:.60}", b"DELETE %b" % CAR.encode(), _line(name, value) + b"\r\n", statuses
            )
    for name, text in MALFORMED.items():
        rest = JSON + b"Content-Length: %d\r\n\r\n%b" % (len(text), text)
        yield HostileValue(f"body: {name}", b"POST /api/cars", rest, {400, 413})


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("latin-1")
