"""Anonymous callers cannot flood the log of a running gateway."""

import json

import pytest

from tests.support.gateway_server import served_gateway
from tests.support.raw_client import request, send_all
from tests.support.waiting import SECONDS

COUNT = 400


@pytest.mark.parametrize("anonymous", ["1000000/second", "1/hour"])
def test_repeated_refusals_are_logged_as_counts(tmp_path, anonymous):
    long_path = "/" + "a" * 8_000
    # At the end, the worker needs time to log the last counts.
    settings = {"limits": {"anonymous": anonymous}, "server": {"graceful_timeout": SECONDS}}
    with served_gateway(tmp_path, settings) as served:
        responses = send_all(served.port, request("GET", long_path, None) * COUNT)
        served.process.terminate()
        served.process.wait(SECONDS)
        log = served.log.read_text()
    assert {response.status for response in responses} <= {401, 429}
    assert len(responses) == COUNT
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    single = [line for line in lines if line["message"] == "request"]
    counted = [line for line in lines if line["message"] == "repeated requests"]
    assert len(single) + sum(line["count"] for line in counted) == COUNT
    # One request of each status is logged per second, even on a busy machine.
    assert len(single) < COUNT / 2
    assert {(line["remote"], line["seconds"]) for line in counted} == {("127.0.0.1", 1)}
    assert max(map(len, log.splitlines())) < 1_000
