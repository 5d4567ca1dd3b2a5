"""The arguments of the clients themselves: what cannot work raises at once, with the name of the argument."""

import httpx2
import pytest

from invsys_client import AsyncClient, Client
from tests.support.tables import table_driven

URLS = [
    *(None, 5, b"http://h", "", "http://", "http:/h", "ftp://h", "h:5000", "//h", " http://h", "http://["),
    *("http://h:99999", "http://h:0", "http://h:-1", "http://x y", "http://a..b", "http://h\\x", "http://h\n"),
    *(
        "http://h?x=1",
        "http://h?",
        "http://h/#x",
        "http://h#",
        "http://user:secret@h",
        "http://*",
        f"http://{'a' * 64}",
    ),
    *("http://[::g]", f"http://{'ä' * 80}"),
]
HEADERS = [
    *(5, "X-A", [("X-A", "b")], {5: "x"}, {"": "x"}, {"a b": "c"}, {"é": "x"}, {"X-A:": "x"}),
    *({"X-A": 5}, {"X-A": None}, {"X-A": b"x"}, {"X-A": "a\nb"}, {"Content-Length": "5"}, {"transfer-encoding": "x"}),
    *({"If-Match": "*"}, {"Idempotency-Key": "a"}),
]
REFUSED = [
    *(("base_url", {"base_url": value}) for value in URLS),
    *(("headers", {"headers": value}) for value in HEADERS),
    *(("token", {"token": value}) for value in ("", 5, b"x", "a\nb", " x", "a b", "é", [])),
    *(("timeout", {"timeout": value}) for value in (0, -1, None, "5", True, float("nan"))),
    *(("attempts", {"attempts": value}) for value in (0, 1.5, None)),
    *((name, {name: value}) for name in ("clock", "sleep") for value in (None, 5)),
    *(("transport", {"transport": value}) for value in (5, "http", httpx2.Client)),
]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@table_driven(("name", "options"), REFUSED)
def test_an_invalid_argument_of_a_client_is_named(kind, name, options):
    with pytest.raises((ValueError, TypeError), match=rf"^{name}(\['X-A'\])?: ") as error:
        kind(**{"base_url": "http://inventory", **options})
    assert "secret" not in str(error.value)


def test_a_client_refuses_the_transport_of_the_other_one():
    with pytest.raises(TypeError, match=r"^transport: "):
        Client("http://inventory", transport=httpx2.AsyncHTTPTransport())
    with pytest.raises(TypeError, match=r"^transport: "):
        AsyncClient("http://inventory", transport=httpx2.HTTPTransport())


@table_driven(
    "url",
    ["HTTP://inventory", "http://127.0.0.1:65535/", "https://[::1]:5000/a", "http://exämple.org./fleet", "http://a_b"],
)
def test_valid_urls_are_accepted(url):
    Client(url).close()


@table_driven("value", [5, "X-A", {"X A": "b"}, {"X-A": 5}])
def test_invalid_headers_of_a_call_are_named(connect, value):
    client, transport = connect()
    with pytest.raises((ValueError, TypeError), match=r"^headers"):
        client.whoami(headers=value)
    assert transport.requests == []


def test_names_of_headers_are_case_insensitive(connect):
    client, transport = connect(headers={"user-agent": "monolith/5"})
    list(client.collection("cars").resources(headers={"USER-AGENT": "monolith/6", "accept": "text/plain"}))
    [request] = transport.requests
    assert request.headers.get_list("User-Agent") == ["monolith/6"]
    assert request.headers.get_list("Accept") == ["text/plain"]
