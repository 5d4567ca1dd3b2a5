"""Keys are compared in constant time by hmac.compare_digest, even for unknown prefixes."""

import hmac

import pytest

from tests.gateway.conftest import as_client


@pytest.fixture
def compared_pairs(monkeypatch):
    """The arguments of each call of hmac.compare_digest; the calls are recorded, and work as usual."""
    pairs, compare = [], hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: (pairs.append((a, b)), compare(a, b))[1])
    return pairs


def variants(key):
    _, prefix, secret = key.split("_", 2)
    return {
        "valid": key,
        "wrong secret": f"invsys_{prefix}_wrong",
        "unknown prefix": f"invsys_ffffffff_{secret}",
        "not ASCII": f"invsys_{prefix}_\xff",
        "not ASCII in the prefix": f"invsys_\xff_{secret}",
    }


@pytest.mark.parametrize("kind", variants("a_b_c"))
def test_every_key_is_compared_as_bytes_of_one_length(build_gateway, add_client, compared_pairs, kind):
    key = add_client("booking", "resources:read")
    client = as_client(build_gateway("http://127.0.0.1:9"), "")
    overrides = {"HTTP_AUTHORIZATION": f"Bearer {variants(key)[kind]}"}
    response = client.get("/api/cars", environ_overrides=overrides)
    assert response.status_code == (502 if kind == "valid" else 401)
    assert compared_pairs
    assert {type(side) for pair in compared_pairs for side in pair} == {bytes}
    assert {len(side) for pair in compared_pairs for side in pair} == {32}


def test_only_this_comparison_decides(build_gateway, add_client, monkeypatch):
    key = add_client("booking", "resources:read")
    app = build_gateway("http://127.0.0.1:9")
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: False)
    assert as_client(app, key).get("/api/cars").status_code == 401
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: True)
    assert as_client(app, variants(key)["wrong secret"]).get("/api/cars").status_code == 502
    assert as_client(app, variants(key)["unknown prefix"]).get("/api/cars").status_code == 401
