"""Rate limits of clients and of anonymous callers: counting, response headers, refusals."""

from datetime import timedelta

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES
from tests.support.rate_limit_fields import HEADERS, announced, members, reset
from tests.support.waiting import until

CAR = "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


@pytest.fixture
def limited(build_from_ini, upstream):
    """Return a function that builds a gateway with the given limits."""

    def limited(rate="1000000/second", anonymous="1000000/second", page="1000000/second", **server):
        limits = {"limits": {"rate": rate, "anonymous": anonymous, "page": page}}
        return build_from_ini({"services": {"inventory": upstream.url}, "server": server}, limits)

    return limited


def check_rate_limited(response):
    assert (response.status_code, response.mimetype) == (429, "application/problem+json"), response.text
    assert (response.json["code"], response.json["status"]) == ("rate_limited", 429)
    assert int(response.headers["Retry-After"]) >= 1
    [limit] = members(response, "RateLimit").values()
    assert (limit["r"], limit["t"]) == (0, int(response.headers["Retry-After"]))


def statuses(client, count, path="/api/cars", **options):
    return [client.get(path, **options).status_code for _ in range(count)]


def test_requests_over_the_limit_are_rejected_and_not_forwarded(limited, upstream, add_client):
    client = as_client(limited(rate="3/hour"), add_client("booking", *ALL_SCOPES))
    responses = [client.get("/api/cars") for _ in range(5)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429, 429]
    for response in responses[3:]:
        check_rate_limited(response)
    assert len(upstream.requests) == 3


def test_every_counted_response_has_the_limit_headers(limited, add_client):
    client = as_client(limited(rate="3/hour"), add_client("booking", *ALL_SCOPES))
    responses = [client.get("/api/cars") for _ in range(4)]
    assert [announced(response) for response in responses] == [{"rate": (3, left)} for left in (2, 1, 0, 0)]
    assert all(0 < reset(response, "rate") <= 3601 for response in responses)


def test_every_response_announces_all_limits_of_the_client(limited, add_client):
    limits = {"rate": "7/minute", "write_rate": "1000/minute; 100/second; 5/10 second; 6/10 second", "concurrent": 3}
    client = as_client(limited(), add_client("booking", *ALL_SCOPES, **limits))
    for method in ("GET", "POST"):
        response = client.open("/api/cars", method=method)
        assert members(response, "RateLimit-Policy") == {
            "rate": {"q": 7, "w": 60},
            "write_rate_1s": {"q": 100, "w": 1},
            "write_rate_10s": {"q": 5, "w": 10},
            "write_rate_60s": {"q": 1000, "w": 60},
            "concurrent": {"q": 3, "qu": "concurrent-requests"},
        }
        counted = members(response, "RateLimit").keys()
        assert ("write_rate_60s" in counted) == (method == "POST")
        assert members(response, "RateLimit")["concurrent"] == {"r": 2}


def test_a_request_that_is_not_forwarded_takes_no_concurrency_slot(limited, add_client):
    client = as_client(limited(), add_client("booking", "events:read"))
    assert members(client.get("/api/cars"), "RateLimit").keys() == {"rate"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "DELETE"])
def test_requests_of_every_method_are_counted(limited, add_client, method):
    client = as_client(limited(rate="1/hour"), add_client("booking", *ALL_SCOPES))
    path = "/api/cars" if method == "POST" else CAR
    assert client.open(path, method=method).status_code == 200
    assert client.open(path, method=method).status_code == 429
    assert client.get("/api/cars").status_code == 429


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["resources:read"], "POST", "/api/cars", 403),
        (ALL_SCOPES, "GET", "/api/nothing/here/at/all", 404),
        (ALL_SCOPES, "PUT", "/api/cars", 405),
        (ALL_SCOPES, "POST", "/api/cars", 413),
    ],
)
def test_rejected_requests_are_counted(limited, add_client, scopes, method, path, status):
    client = as_client(limited(rate="2/hour"), add_client("booking", *scopes))
    body = b"y" * 70_000 if status == 413 else None
    responses = [client.open(path, method=method, data=body) for _ in range(3)]
    assert [response.status_code for response in responses] == [status, status, 429]
    assert [announced(response)["rate"] for response in responses] == [(2, 1), (2, 0), (2, 0)]


def test_each_client_has_its_own_limit(limited, add_client):
    keys = add_client("booking", *ALL_SCOPES), add_client("workshop", *ALL_SCOPES)
    app = limited(rate="2/hour")
    first, second = (as_client(app, key) for key in keys)
    assert statuses(first, 4) == [200, 200, 429, 429]
    assert statuses(second, 3) == [200, 200, 429]


def test_two_keys_of_a_client_share_its_limit(limited, add_client, rotate):
    old = add_client("booking", *ALL_SCOPES)
    new = rotate("booking", timedelta(hours=1))
    app = limited(rate="3/hour")
    assert statuses(as_client(app, old), 2) == [200, 200]
    assert statuses(as_client(app, new), 2) == [200, 429]


@pytest.mark.parametrize("client_rate", ["1/hour", "5/hour"])
def test_the_rate_in_the_clients_file_overrides_the_setting(limited, add_client, client_rate):
    keys = add_client("booking", *ALL_SCOPES, rate=client_rate), add_client("workshop", *ALL_SCOPES)
    app = limited(rate="3/hour")
    allowed = int(client_rate.partition("/")[0])
    assert statuses(as_client(app, keys[0]), 7) == [200] * allowed + [429] * (7 - allowed)
    assert statuses(as_client(app, keys[1]), 4) == [200] * 3 + [429]


def test_all_of_several_rates_apply(limited, add_client):
    client = as_client(limited(rate="100/second; 2/hour"), add_client("booking", *ALL_SCOPES))
    assert statuses(client, 3) == [200, 200, 429]


def test_a_client_can_continue_after_retry_after(limited, add_client):
    client = as_client(limited(rate="2/second"), add_client("booking", *ALL_SCOPES))
    assert 429 in statuses(client, 5)
    response = client.get("/api/cars")
    check_rate_limited(response)
    assert response.headers["Retry-After"] in ("1", "2")
    until(lambda: client.get("/api/cars").status_code == 200)


WITHOUT_A_KEY = {
    "no header": {},
    "no key": {"Authorization": "Bearer"},
    "an unknown key": {"Authorization": "Bearer invsys_00000000_" + "A" * 43},
    "not a key": {"Authorization": "Bearer unknown"},
    "another scheme": {"Authorization": "Basic Ym9va2luZzp4"},
}


@pytest.mark.parametrize("headers", WITHOUT_A_KEY.values(), ids=WITHOUT_A_KEY)
def test_unauthenticated_requests_are_counted_by_address(limited, headers):
    app = limited(anonymous="2/hour")
    client = app.test_client()
    responses = [client.get("/api/cars", headers=headers) for _ in range(3)]
    assert [response.status_code for response in responses] == [401, 401, 429]
    assert [announced(response) for response in responses] == [{"anonymous": (2, left)} for left in (1, 0, 0)]
    check_rate_limited(responses[2])
    other_address = {"REMOTE_ADDR": "192.0.2.1"}
    assert statuses(client, 3, headers=headers, environ_overrides=other_address) == [401, 401, 429]


def test_guessed_keys_share_one_limit(limited, add_client):
    add_client("booking", *ALL_SCOPES)
    client = limited(anonymous="3/hour").test_client()
    guesses = [f"Bearer invsys_{number:08}_{'A' * 43}" for number in range(5)]
    results = [client.get("/api/cars", headers={"Authorization": guess}).status_code for guess in guesses]
    assert results == [401, 401, 401, 429, 429]


def test_anonymous_requests_do_not_affect_clients(limited, add_client):
    app = limited(anonymous="1/hour", rate="1000/hour")
    client = as_client(app, add_client("booking", *ALL_SCOPES))
    until(lambda: client.get("/api/cars").status_code == 200)
    assert statuses(app.test_client(), 3)[-1] == 429
    assert statuses(client, 3) == [200, 200, 200]


@pytest.mark.parametrize("path", ["/docs", "/api/openapi.json", "/docs/swagger-ui/swagger-ui.css"])
def test_public_pages_are_counted_by_address(limited, upstream, path):
    client = limited(anonymous="2/hour").test_client()
    responses = [client.get(path) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert [announced(response) for response in responses] == [{"anonymous": (2, left)} for left in (1, 0, 0)]
    assert len(upstream.requests) == 2


def test_the_page_and_its_files_have_their_own_limit(limited):
    client = limited(anonymous="1/hour", page="3/hour").test_client()
    assert statuses(client, 2, path="/docs") == [200, 429]
    responses = [client.get(path) for path in ("/", *["/static/page.css"] * 3)]
    assert [announced(response) for response in responses] == [{"page": (3, left)} for left in (2, 1, 0, 0)]
    check_rate_limited(responses[3])
    other_address = {"REMOTE_ADDR": "192.0.2.1"}
    assert statuses(client, 1, path="/static/page.css", environ_overrides=other_address) == [200]


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_other_methods_on_the_files_of_the_page_count_as_anonymous(limited, method):
    client = limited(anonymous="1/hour", page="1/hour").test_client()
    client.open("/static/page.css", method=method)
    assert client.get("/docs").status_code == 429


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operator_paths_are_not_counted(limited, path):
    client = limited(anonymous="1/hour").test_client()
    assert statuses(client, 2, path="/docs") == [200, 429]
    for _ in range(5):
        response = client.get(path)
        assert response.status_code == 200
        assert not [name for name in HEADERS if name in response.headers]


FORWARDED = [
    # address of the connection, X-Forwarded-For, counted address
    ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
    ("127.0.0.1", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
    ("127.0.0.1", "192.0.2.1 ,  2001:db8::1", "2001:db8::1"),
    ("127.0.0.1", "192.0.2.1, invalid", "127.0.0.1"),
    ("127.0.0.1", "", "127.0.0.1"),
    ("198.51.100.7", "192.0.2.1", "198.51.100.7"),
    ("10.0.0.1", "192.0.2.1", "10.0.0.1"),
]


@pytest.mark.parametrize(("peer", "forwarded_for", "counted"), FORWARDED)
def test_only_the_last_address_of_a_trusted_proxy_is_used(limited, peer, forwarded_for, counted):
    client = limited(anonymous="2/hour", trusted_proxies="127.0.0.0/8").test_client()
    proxied = {"environ_overrides": {"REMOTE_ADDR": peer}, "headers": {"X-Forwarded-For": forwarded_for}}
    assert statuses(client, 2, path="/docs", **proxied) == [200, 200]
    direct = {"environ_overrides": {"REMOTE_ADDR": counted}}
    assert statuses(client, 1, path="/docs", **direct) == [429]


def test_forged_addresses_do_not_raise_the_limit(limited):
    client = limited(anonymous="3/hour", trusted_proxies="10.0.0.0/8").test_client()
    forged = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(5)]
    results = [client.get("/docs", headers=headers).status_code for headers in forged]
    assert results == [200, 200, 200, 429, 429]
    # A trusted proxy adds the last address; the caller sent those before it.
    proxied = [{"X-Forwarded-For": f"192.0.2.{number}, 203.0.113.1"} for number in range(5)]
    service = {"REMOTE_ADDR": "10.0.0.1"}
    results = [client.get("/docs", headers=headers, environ_overrides=service).status_code for headers in proxied]
    assert results == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("rates", ["10/minute; 3/hour", "3/hour; 10/minute"])
def test_each_of_several_rates_is_announced(build_gateway, add_client, rates):
    client = as_client(build_gateway("http://127.0.0.1:9"), add_client("booking", "resources:read", rate=rates))
    responses = [client.get("/api/cars") for _ in range(4)]
    assert [response.status_code for response in responses] == [502, 502, 502, 429]
    assert [announced(response) for response in responses[:3]] == [
        {"rate_60s": (10, 9 - number), "rate_3600s": (3, 2 - number)} for number in range(3)
    ]
    assert announced(responses[3]) == {"rate_3600s": (3, 0)}
    assert int(responses[-1].headers["Retry-After"]) > 1
