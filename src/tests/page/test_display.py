"""Weight: what the page loads, calls and builds."""

import gzip
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from invsys.inventory import ui
from tests.support.fleet_page import DAY

pytestmark = pytest.mark.one_engine


def test_the_scripts_and_styles_are_small():
    files = [path for path in (Path(ui.__file__).parent / "static").iterdir() if path.name != "table.css"]
    content = b"".join(path.read_bytes() for path in sorted(files))
    assert len(gzip.compress(content)) <= 48_000
    for path in files:
        assert not re.search(r"innerHTML|insertAdjacentHTML|\beval\(|document\.write", path.read_text()), path


def test_the_first_view_makes_few_calls_and_few_elements(open_page, client, register, allocate):
    for number in range(100):
        car = register(f"A{number:02}")
        for hour in range(0, 22, 2):
            allocate(car, f"{hour:02}:00", f"{hour + 1:02}:30")
    calls = []
    page = open_page("day=2099-02-01&span=1")
    expect(page.row("A00")).to_be_visible()
    counters = page.context.new_cdp_session(page.page)
    counters.send("Performance.enable")
    page.page.on("request", lambda request: calls.append(request.url))
    page.go(DAY)
    expect(page.bars("A00")).to_have_count(11)
    metrics = {item["name"]: item["value"] for item in counters.send("Performance.getMetrics")["metrics"]}
    assert metrics["ScriptDuration"] < 0.5
    page.page.wait_for_load_state("networkidle")
    assert len([url for url in calls if re.search("/api/|/whoami", url)]) <= 7
    assert page.page.evaluate("document.querySelectorAll('*').length") <= 1500
    calls.clear()
    page.click("Later")
    expect(page.bars("A00")).to_have_count(0)
    assert len([url for url in calls if "/all/allocations?" in url]) >= 1
