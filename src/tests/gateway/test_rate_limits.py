"""How much a client may ask, and how much nobody in particular may: counted, told, and refused."""

from datetime import timedelta

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import EVERYTHING
from tests.support.waiting import until

HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
CAR = "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


@pytest.fixture
def limited(built, upstream):
    """A gateway with these limits."""

    def limited(rate="1000000/second", anonymous="1000000/second", **server):
        limits = {"limits": {"rate": rate, "anonymous": anonymous}}
        return built({"services": {"inventory": upstream.url}, "server": server}, limits)

    return limited


def check_refused(answer):
    assert (answer.status_code, answer.mimetype) == (429, "application/problem+json"), answer.text
    assert (answer.json["code"], answer.json["status"]) == ("rate_limited", 429)
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["RateLimit-Remaining"] == "0"


def told(answer):
    limit, remaining, reset = (int(answer.headers[name]) for name in HEADERS)
    return limit, remaining, reset


def statuses(client, count, path="/api/cars", **more):
    return [client.get(path, **more).status_code for _ in range(count)]


def test_a_client_that_asks_too_much_is_told_so_and_the_service_does_not_notice(limited, upstream, key_of):
    client = as_client(limited(rate="3/hour"), key_of("booking", *EVERYTHING))
    answers = [client.get("/api/cars") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    for answer in answers[3:]:
        check_refused(answer)
    assert len(upstream.requests) == 3


def test_every_answer_that_was_counted_says_what_is_left(limited, key_of):
    client = as_client(limited(rate="3/hour"), key_of("booking", *EVERYTHING))
    found = [told(client.get("/api/cars")) for _ in range(4)]
    assert [(limit, remaining) for limit, remaining, _ in found] == [(3, 2), (3, 1), (3, 0), (3, 0)]
    assert all(0 < reset <= 3601 for *_, reset in found)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "DELETE"])
def test_every_method_counts(limited, key_of, method):
    client = as_client(limited(rate="1/hour"), key_of("booking", *EVERYTHING))
    path = "/api/cars" if method == "POST" else CAR
    assert client.open(path, method=method).status_code == 200
    assert client.open(path, method=method).status_code == 429
    assert client.get("/api/cars").status_code == 429


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["resources:read"], "POST", "/api/cars", 403),
        (EVERYTHING, "GET", "/api/nothing/here/at/all", 404),
        (EVERYTHING, "PUT", "/api/cars", 405),
        (EVERYTHING, "POST", "/api/cars", 413),
    ],
)
def test_what_is_refused_counts_too(limited, key_of, scopes, method, path, status):
    client = as_client(limited(rate="2/hour"), key_of("booking", *scopes))
    body = b"y" * 70_000 if status == 413 else None
    answers = [client.open(path, method=method, data=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 429]
    assert [told(answer)[:2] for answer in answers] == [(2, 1), (2, 0), (2, 0)]


def test_the_limit_of_one_does_not_touch_another(limited, key_of):
    keys = key_of("booking", *EVERYTHING), key_of("workshop", *EVERYTHING)
    app = limited(rate="2/hour")
    one, other = (as_client(app, key) for key in keys)
    assert statuses(one, 4) == [200, 200, 429, 429]
    assert statuses(other, 3) == [200, 200, 429]


def test_two_keys_of_a_client_have_one_limit(limited, key_of, rotate):
    old = key_of("booking", *EVERYTHING)
    new = rotate("booking", timedelta(hours=1))
    app = limited(rate="3/hour")
    assert statuses(as_client(app, old), 2) == [200, 200]
    assert statuses(as_client(app, new), 2) == [200, 429]


@pytest.mark.parametrize("own", ["1/hour", "5/hour"])
def test_what_the_clients_file_says_goes_before_the_setting(limited, key_of, own):
    keys = key_of("booking", *EVERYTHING, rate=own), key_of("workshop", *EVERYTHING)
    app = limited(rate="3/hour")
    allowed = int(own.partition("/")[0])
    assert statuses(as_client(app, keys[0]), 7) == [200] * allowed + [429] * (7 - allowed)
    assert statuses(as_client(app, keys[1]), 4) == [200] * 3 + [429]


def test_of_two_rates_both_hold(limited, key_of):
    client = as_client(limited(rate="100/second; 2/hour"), key_of("booking", *EVERYTHING))
    assert statuses(client, 3) == [200, 200, 429]


def test_who_waits_as_long_as_it_is_told_may_ask_again(limited, key_of):
    client = as_client(limited(rate="2/second"), key_of("booking", *EVERYTHING))
    assert 429 in statuses(client, 5)
    answer = client.get("/api/cars")
    check_refused(answer)
    assert answer.headers["Retry-After"] in ("1", "2")
    until(lambda: client.get("/api/cars").status_code == 200, seconds=3)


WITHOUT_A_KEY = {
    "nothing": {},
    "no key": {"Authorization": "Bearer"},
    "a wrong key": {"Authorization": "Bearer invsys_00000000_" + "A" * 43},
    "another key": {"Authorization": "Bearer made-up"},
    "another scheme": {"Authorization": "Basic Ym9va2luZzp4"},
}


@pytest.mark.parametrize("headers", WITHOUT_A_KEY.values(), ids=WITHOUT_A_KEY)
def test_who_is_not_known_is_counted_by_address(limited, headers):
    app = limited(anonymous="2/hour")
    client = app.test_client()
    answers = [client.get("/api/cars", headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert [told(answer)[:2] for answer in answers] == [(2, 1), (2, 0), (2, 0)]
    check_refused(answers[2])
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    assert statuses(client, 3, headers=headers, environ_overrides=elsewhere) == [401, 401, 429]


def test_whoever_guesses_keys_is_counted_once_for_all_of_them(limited, key_of):
    key_of("booking", *EVERYTHING)
    client = limited(anonymous="3/hour").test_client()
    guesses = [f"Bearer invsys_{number:08}_{'A' * 43}" for number in range(5)]
    found = [client.get("/api/cars", headers={"Authorization": guess}).status_code for guess in guesses]
    assert found == [401, 401, 401, 429, 429]


def test_whoever_is_known_is_not_touched_by_who_is_not(limited, key_of):
    app = limited(anonymous="1/hour", rate="1000/hour")
    known = as_client(app, key_of("booking", *EVERYTHING))
    until(lambda: known.get("/api/cars").status_code == 200, seconds=5)
    assert statuses(app.test_client(), 3)[-1] == 429
    assert statuses(known, 3) == [200, 200, 200]


@pytest.mark.parametrize("path", ["/docs", "/api/openapi.json", "/static/page.css"])
def test_public_pages_are_counted_by_address(limited, upstream, path):
    client = limited(anonymous="2/hour").test_client()
    answers = [client.get(path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [told(answer)[:2] for answer in answers] == [(2, 1), (2, 0), (2, 0)]
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_who_watches_the_gateway_is_not_counted(limited, path):
    client = limited(anonymous="1/hour").test_client()
    assert statuses(client, 2, path="/docs") == [200, 429]
    for _ in range(5):
        answer = client.get(path)
        assert answer.status_code == 200
        assert not [name for name in HEADERS if name in answer.headers]


FORWARDED = [
    # whoever connects, what the proxy says, and who is counted
    ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
    ("127.0.0.1", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
    ("127.0.0.1", "192.0.2.1 ,  2001:db8::1", "2001:db8::1"),
    ("127.0.0.1", "192.0.2.1, made-up", "127.0.0.1"),
    ("127.0.0.1", "", "127.0.0.1"),
    ("198.51.100.7", "192.0.2.1", "198.51.100.7"),
    ("10.0.0.1", "192.0.2.1", "10.0.0.1"),
]


@pytest.mark.parametrize(("peer", "said", "counted"), FORWARDED)
def test_a_proxy_is_believed_where_it_is_trusted_and_only_in_what_it_says_itself(limited, peer, said, counted):
    client = limited(anonymous="2/hour", trusted_proxies="127.0.0.0/8").test_client()
    through = {"environ_overrides": {"REMOTE_ADDR": peer}, "headers": {"X-Forwarded-For": said}}
    assert statuses(client, 2, path="/docs", **through) == [200, 200]
    directly = {"environ_overrides": {"REMOTE_ADDR": counted}}
    assert statuses(client, 1, path="/docs", **directly) == [429]


def test_nobody_gets_more_by_making_up_addresses(limited):
    client = limited(anonymous="3/hour", trusted_proxies="10.0.0.0/8").test_client()
    made_up = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(5)]
    found = [client.get("/docs", headers=headers).status_code for headers in made_up]
    assert found == [200, 200, 200, 429, 429]
    # Behind a trusted proxy, the last address is the proxy's word, those before are the caller's.
    proxied = [{"X-Forwarded-For": f"192.0.2.{number}, 203.0.113.1"} for number in range(5)]
    behind = {"REMOTE_ADDR": "10.0.0.1"}
    found = [client.get("/docs", headers=headers, environ_overrides=behind).status_code for headers in proxied]
    assert found == [200, 200, 200, 429, 429]
