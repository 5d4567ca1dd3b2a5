"""Of several limits, callers are told of the one that leaves them the least."""

import pytest

from tests.gateway.conftest import as_client


@pytest.mark.parametrize("rates", ["10/second; 3/hour", "3/hour; 10/second"])
def test_what_is_left_is_the_least(gateway, key_of, rates):
    client = as_client(gateway("http://127.0.0.1:9"), key_of("booking", "resources:read", rate=rates))
    answers = [client.get("/api/cars") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [502, 502, 502, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"3"}
    assert int(answers[-1].headers["Retry-After"]) > 1
