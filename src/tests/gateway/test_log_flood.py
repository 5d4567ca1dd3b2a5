"""Unknown callers cannot flood the log of a running gateway."""

import json

import pytest

from tests.support.gateway_server import served_gateway
from tests.support.raw_caller import ask_all, request
from tests.support.waiting import SECONDS

COUNT = 400


@pytest.mark.parametrize("anonymous", ["1000000/second", "1/hour"])
def test_refusals_are_counted_and_the_last_ones_logged_at_the_end(tmp_path, anonymous):
    long = "/" + "a" * 8_000
    with served_gateway(tmp_path, {"limits": {"anonymous": anonymous}}) as served:
        answers = ask_all(served.port, request("GET", long, None) * COUNT)
        served.process.terminate()
        served.process.wait(SECONDS)
        log = served.log.read_text()
    assert {answer.status for answer in answers} <= {401, 429}
    assert len(answers) == COUNT
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    each = [line for line in lines if line["message"] == "request"]
    counted = [line for line in lines if line["message"] == "repeated requests"]
    assert len(each) + sum(line["count"] for line in counted) == COUNT
    # One of each status in a second, whether or not this machine is busy.
    assert len(each) < COUNT / 2
    assert {(line["remote"], line["seconds"]) for line in counted} == {("127.0.0.1", 1)}
    assert max(map(len, log.splitlines())) < 1_000
