"""Keys are compared in a time that tells nothing: by hmac.compare_digest, on bytes, even where there is none such."""

import hmac

import pytest

from tests.gateway.conftest import as_client


@pytest.fixture
def compared(monkeypatch):
    """What was compared, from now on; the comparison itself is the library's."""
    pairs, compare = [], hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: (pairs.append((a, b)), compare(a, b))[1])
    return pairs


def sent(key):
    _, prefix, secret = key.split("_", 2)
    return {
        "right": key,
        "wrong secret": f"invsys_{prefix}_wrong",
        "unknown prefix": f"invsys_ffffffff_{secret}",
        "no ASCII": f"invsys_{prefix}_\xff",
        "no ASCII in the prefix": f"invsys_\xff_{secret}",
    }


@pytest.mark.parametrize("kind", sent("a_b_c"))
def test_every_key_is_compared_as_bytes_of_one_length(gateway, key_of, compared, kind):
    key = key_of("booking", "resources:read")
    caller = as_client(gateway("http://127.0.0.1:9"), "")
    overrides = {"HTTP_AUTHORIZATION": f"Bearer {sent(key)[kind]}"}
    answer = caller.get("/api/cars", environ_overrides=overrides)
    assert answer.status_code == (502 if kind == "right" else 401)
    assert compared
    assert {type(side) for pair in compared for side in pair} == {bytes}
    assert {len(side) for pair in compared for side in pair} == {32}


def test_nothing_but_that_comparison_decides(gateway, key_of, monkeypatch):
    key = key_of("booking", "resources:read")
    app = gateway("http://127.0.0.1:9")
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: False)
    assert as_client(app, key).get("/api/cars").status_code == 401
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: True)
    assert as_client(app, sent(key)["wrong secret"]).get("/api/cars").status_code == 502
    assert as_client(app, sent(key)["unknown prefix"]).get("/api/cars").status_code == 401
