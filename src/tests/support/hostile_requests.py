"""Malformed and unusual HTTP/1.1 requests, each with the statuses that are right for it (RFC 9110, RFC 9112).

Every request registers a car, so that a test can find out which requests had an effect. In the bytes, KEY and NAME
stand for an API key and for the name of the car. ``hostile_values`` has well-formed requests with malformed parts.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

NAME = b"NAME"
BODY = b'{"name": "%s"}' % NAME
# A test must use names of this length, because the lengths of the bodies are written into the requests.
NAME_LENGTH = 12
LENGTH = len(BODY) - len(NAME) + NAME_LENGTH
LINE = b"POST /api/cars HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
KEY = b"Authorization: Bearer KEY\r\n"
JSON = b"Content-Type: application/json\r\n"
SIZE = b"Content-Length: %d\r\n" % LENGTH
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (LENGTH, BODY)
REFUSED = frozenset({400})
CREATED = frozenset({201})
# A proxy or a server may do either.
EITHER = REFUSED | CREATED


@dataclass(frozen=True)
class HostileRequest:
    """The bytes of a request, and the statuses that are right for it. No response at all is right for a refusal."""

    name: str
    data: bytes
    statuses: Collection[int]


def _request(*lines: bytes, line: bytes = LINE, host: bytes = HOST, body: bytes = BODY, size: bytes = SIZE) -> bytes:
    return b"".join([line, host, KEY, JSON, *lines, size, b"\r\n", body])


def _chunked(chunks: bytes, coding: bytes = CHUNKED) -> bytes:
    return _request(size=coding, body=chunks)


def all_requests() -> Iterator[HostileRequest]:
    """Yield all requests."""
    for kind, statuses, requests in (
        ("line", REFUSED, BAD_LINES),
        ("header", REFUSED, BAD_HEADERS),
        ("length", REFUSED, BAD_LENGTHS),
        ("coding", REFUSED, BAD_CODINGS),
        ("chunks", REFUSED, BAD_CHUNKS),
        ("tolerated", CREATED, TOLERATED),
    ):
        for name, data in requests.items():
            yield HostileRequest(f"{kind}: {name}", data, statuses)
    for name, (data, right) in OTHERS.items():
        yield HostileRequest(name, data, right)


BAD_LINES = {
    "CR alone": _request(line=LINE.replace(b"\r\n", b"\r")),
    "no version": _request(line=b"POST /api/cars\r\n"),
    "HTTP/0.9": _request(line=b"POST /api/cars HTTP/0.9\r\n"),
    "HTTP/2.0": _request(line=b"POST /api/cars HTTP/2.0\r\n"),
    "HTTP/1.2": _request(line=b"POST /api/cars HTTP/1.2\r\n"),
    "HTTP/1.10": _request(line=b"POST /api/cars HTTP/1.10\r\n"),
    "HTTP/1": _request(line=b"POST /api/cars HTTP/1\r\n"),
    "HTTP/01.1": _request(line=b"POST /api/cars HTTP/01.1\r\n"),
    "http/1.1": _request(line=b"POST /api/cars http/1.1\r\n"),
    "ICY/1.1": _request(line=b"POST /api/cars ICY/1.1\r\n"),
    "space after the version": _request(line=b"POST /api/cars HTTP/1.1 \r\n"),
    "two spaces": _request(line=b"POST  /api/cars HTTP/1.1\r\n"),
    "two spaces before the version": _request(line=b"POST /api/cars  HTTP/1.1\r\n"),
    "tabs": _request(line=b"POST\t/api/cars\tHTTP/1.1\r\n"),
    "space first": _request(line=b" POST /api/cars HTTP/1.1\r\n"),
    "space in the target": _request(line=b"POST /api/ cars HTTP/1.1\r\n"),
    "NUL in the target": _request(line=b"POST /api/cars\x00 HTTP/1.1\r\n"),
    "no target": _request(line=b"POST HTTP/1.1\r\n"),
    "colon in the method": _request(line=b"PO:ST /api/cars HTTP/1.1\r\n"),
    "NUL in the method": _request(line=b"POST\x00 /api/cars HTTP/1.1\r\n"),
    "path without a slash": _request(line=b"POST api/cars HTTP/1.1\r\n"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
}
BAD_HEADERS = {
    "no Host": _request(host=b""),
    "empty Host": _request(host=b"Host: \r\n"),
    "two Hosts": _request(host=HOST + HOST),
    "two different Hosts": _request(HOST.replace(b"localhost", b"127.0.0.1")),
    "user in Host": _request(host=b"Host: user@localhost\r\n"),
    "path in Host": _request(host=b"Host: localhost/x\r\n"),
    "space before the colon": _request(b"X-A : b\r\n"),
    "tab before the colon": _request(b"X-A\t: b\r\n"),
    "space before the colon of Host": _request(host=b"Host : localhost\r\n"),
    "space before the first header": _request(host=b" Host: localhost\r\n"),
    "no colon": _request(b"X-A\r\n"),
    "no name": _request(b": b\r\n"),
    "space in a name": _request(b"X A: b\r\n"),
    "parenthesis in a name": _request(b"X(A): b\r\n"),
    "NUL in a name": _request(b"X-\x00A: b\r\n"),
    "high byte in a name": _request(b"X-\xe9: b\r\n"),
    "NUL in a value": _request(b"X-A: b\x00c\r\n"),
    "CR in a value": _request(b"X-A: b\rc\r\n"),
    "escape in a value": _request(b"X-A: b\x1bc\r\n"),
    "DEL in a value": _request(b"X-A: b\x7fc\r\n"),
    "obs-fold": _request(b"X-A: b\r\n c\r\n"),
    "obs-fold with a tab": _request(b"X-A: b\r\n\tc\r\n"),
}
BAD_LENGTHS = {
    name: _request(size=b"Content-Length: %b\r\n" % length)
    for name, length in {
        "plus": b"+%d" % LENGTH,
        "minus": b"-%d" % LENGTH,
        "space inside": b"1 0",
        "list": b"%d, %d" % (LENGTH, LENGTH),
        "list of different ones": b"%d, 7" % LENGTH,
        "hexadecimal": b"0x18",
        "decimal point": b"%d.0" % LENGTH,
        "underscore": b"2_4",
        "exponent": b"1e1",
        "empty": b"",
        "word": b"ten",
        "64 bits": b"18446744073709551640",
        "65 digits": b"9" * 65,
        "Arabic digits": "٢٤".encode(),
        "NUL": b"%d\x00" % LENGTH,
    }.items()
} | {
    "two different ones": _request(b"Content-Length: 7\r\n"),
    "space before the colon": _request(size=SIZE.replace(b":", b" :")),
    "folded": _request(size=b"Content-Length:\r\n %d\r\n" % LENGTH),
}
BAD_CODINGS = {
    **{
        name: _chunked(CHUNKS, b"Transfer-Encoding: %b\r\n" % coding)
        for name, coding in {
            "gzip, chunked": b"gzip, chunked",
            "chunked, chunked": b"chunked, chunked",
            "chunked, identity": b"chunked, identity",
            "chunked, gzip": b"chunked, gzip",
            "identity": b"identity",
            "gzip": b"gzip",
            "identity, chunked": b"identity, chunked",
            "xchunked": b"xchunked",
            "chunked;x=y": b"chunked;x=y",
            "quoted": b'"chunked"',
            "empty": b"",
            "comma": b", chunked",
            "vertical tab": b"\x0bchunked",
            "NUL": b"chunked\x00",
            "no-break space": b"\xa0chunked",
            "two words": b"chun ked",
        }.items()
    },
    "twice": _chunked(CHUNKS, CHUNKED * 2),
    "gzip, then chunked": _chunked(CHUNKS, b"Transfer-Encoding: gzip\r\n" + CHUNKED),
    "space before the colon": _chunked(CHUNKS, CHUNKED.replace(b":", b" :")),
    "folded": _chunked(CHUNKS, b"Transfer-Encoding:\r\n chunked\r\n"),
    "HTTP/1.0": _chunked(CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0"),
}
BAD_CHUNKS = {
    name: _chunked(chunks)
    for name, chunks in {
        "no size": CHUNKS[CHUNKS.index(b"\r\n") :],
        "minus": b"-" + CHUNKS,
        "plus": b"+" + CHUNKS,
        "0x": b"0x" + CHUNKS,
        "underscore": b"0_" + CHUNKS,
        "space before": b" " + CHUNKS,
        "word": b"xyz\r\n" + BODY + b"\r\n0\r\n\r\n",
        "64 bits": b"1000000000000000" + CHUNKS,
        "1,000 digits": b"1" * 1000 + CHUNKS,
        "too short": CHUNKS.replace(b"%x" % LENGTH, b"%x" % (LENGTH - 1), 1),
        "bare LF after the size": CHUNKS.replace(b"\r\n", b"\n", 1),
        "bare LF in an extension": CHUNKS.replace(b"\r\n", b";a\nb\r\n", 1),
        "CR in an extension": CHUNKS.replace(b"\r\n", b";a\rb\r\n", 1),
        "CR alone": CHUNKS.replace(b"\r\n", b"\r"),
    }.items()
}
# The server accepts these, and RFC 9112 allows that. The service cannot see them: granian passes on neither the bytes
# of the head nor errors of chunks. Its body ends at a malformed chunk or at the end of the connection, so a request
# whose whole JSON has arrived is executed; the bytes that follow are discarded with the connection.
TOLERATED = {
    # Section 2.2: a single LF may end a line.
    "bare LF after the request line": _request(line=LINE.replace(b"\r\n", b"\n")),
    "bare LF after a header": _request(b"X-A: b\nX-B: c\r\n"),
    "bare LF at the end of the head": _request(size=SIZE[:-2] + b"\n").replace(b"\n\r\n", b"\n\n"),
    # Section 3.2: should be refused; the server drops the fragment.
    "fragment in the target": _request(line=b"POST /api/cars#x HTTP/1.1\r\n"),
    # RFC 9110, section 8.6: may be read as one.
    "two equal lengths": _request(SIZE),
    # Section 6.1: may be read as chunked, if the connection is closed afterwards.
    "length and chunked": _request(size=SIZE + CHUNKED, body=CHUNKS),
    "chunked and length": _request(size=CHUNKED + SIZE, body=CHUNKS),
    # Section 7.1 and section 8: incomplete or malformed chunks may be refused.
    "chunk longer than its data": _chunked(CHUNKS.replace(b"%x" % LENGTH, b"%x" % (LENGTH + 1), 1)),
    "bare LF after a chunk": _chunked(CHUNKS.replace(b"}\r\n", b"}\n")),
    "NUL in a chunk extension": _chunked(CHUNKS.replace(b"\r\n", b";a=\x00\r\n", 1)),
    "no colon in a trailer": _chunked(CHUNKS[:-2] + b"X-A\r\n\r\n"),
    "NUL in a trailer": _chunked(CHUNKS[:-2] + b"X-A: \x00\r\n\r\n"),
    "no last chunk": _chunked(CHUNKS[: -len(b"0\r\n\r\n")]),
}
OTHERS = {
    "target: absolute-form": (_request(line=b"POST http://localhost/api/cars HTTP/1.1\r\n"), CREATED),
    "target: absolute-form of another host": (_request(line=b"POST http://evil.example/api/cars HTTP/1.1\r\n"), EITHER),
    "target: absolute-form with a user": (_request(line=b"POST http://a@localhost/api/cars HTTP/1.1\r\n"), EITHER),
    "target: asterisk": (_request(line=b"POST * HTTP/1.1\r\n"), {400, 404}),
    "target: CONNECT": (_request(line=b"CONNECT localhost:80 HTTP/1.1\r\n"), {404, 405}),
    "target: authority-form": (_request(line=b"POST localhost:80 HTTP/1.1\r\n"), {400, 404}),
    "target: 1 MB": (_request(line=b"POST /api/cars?%b HTTP/1.1\r\n" % (b"x" * 1_000_000)), {400, 414, 431}),
    "method: lower case": (_request(line=LINE.replace(b"POST", b"post")), REFUSED),
    "method: mixed case": (_request(line=LINE.replace(b"POST", b"Post")), REFUSED),
    "method: unknown": (_request(line=LINE.replace(b"POST", b"FROB")), {405}),
    "method: TRACE": (_request(line=LINE.replace(b"POST", b"TRACE")), {405}),
    "method: 1,000 letters": (_request(line=LINE.replace(b"POST", b"P" * 1000)), {405}),
    "headers: 100,000": (_request(b"X-A: b\r\n" * 100_000), {400, 431}),
    "headers: 101": (_request(b"X-A: b\r\n" * 101), {201, 400, 431}),
    "headers: one of 1 MB": (_request(b"X-A: %b\r\n" % (b"b" * 1_000_000)), {400, 431}),
    "headers: no value": (_request(b"X-A:\r\n"), CREATED),
    "headers: tab in a value": (_request(b"X-A: b\tc\r\n"), CREATED),
    "headers: high bytes in a value": (_request(b"X-A: \xe9\xff\r\n"), EITHER),
    "headers: spaces around a value": (_request(b"X-A:   b   \r\n"), CREATED),
    "empty lines first": (b"\r\n\r\n" + _request(), EITHER),
    "coding: upper case": (_chunked(CHUNKS, CHUNKED.replace(b"chunked", b"CHUNKED")), CREATED),
    "coding: spaces around": (_chunked(CHUNKS, b"Transfer-Encoding:  chunked \r\n"), EITHER),
    "chunks: plain": (_chunked(CHUNKS), CREATED),
    "chunks: extension": (_chunked(CHUNKS.replace(b"\r\n", b';a=b;c="d"\r\n', 1)), CREATED),
    "chunks: space before the extension": (_chunked(CHUNKS.replace(b"\r\n", b" ;a\r\n", 1)), EITHER),
    "chunks: extension of 100 KB": (_chunked(CHUNKS.replace(b"\r\n", b";%b\r\n" % (b"a" * 100_000), 1)), EITHER),
    "chunks: zeros before the size": (_chunked(b"000" + CHUNKS), CREATED),
    "chunks: trailer": (_chunked(CHUNKS[:-2] + b"X-A: b\r\n\r\n"), CREATED),
    "chunks: trailer of 1 MB": (_chunked(CHUNKS[:-2] + b"X-A: %b\r\n\r\n" % (b"b" * 1_000_000)), {201, 400, 413, 431}),
    "length: zeros before": (_request(size=b"Content-Length: 000%d\r\n" % LENGTH), EITHER),
    "length: too large": (_request(size=b"Content-Length: 999999999\r\n"), {413}),
    "expect: 100-continue": (_request(b"Expect: 100-continue\r\n"), {100, 201}),
    "expect: unknown": (_request(b"Expect: the-impossible\r\n"), {201, 417}),
    "upgrade": (_request(b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"), CREATED),
    # The rest is read as the next request.
    "body: longer than its length": (_request(body=BODY + b"{}"), EITHER),
    "pipelined": (_request() + _request(), {201, 409}),
    "pipelined after a refusal": (_request(size=b"Content-Length: 999999999\r\n", body=_request()), {413}),
    "HTTP/1.0": (_request().replace(b"HTTP/1.1", b"HTTP/1.0"), CREATED),
    "plain": (_request(), CREATED),
}
