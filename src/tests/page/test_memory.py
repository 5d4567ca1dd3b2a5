"""An open page must not grow: 10 minutes of the feed, played quickly, stand for the hours of a working day."""

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.one_engine

# One hour has 720 polls, and may take 5 MB.
POLLS = 120
BYTES = 5_000_000 * POLLS / 720


def test_the_feed_leaves_nothing_behind(open_page, client, register, allocate):
    urls = []
    for number in range(30):
        car = register(f"A{number:02}", attributes={"city": "York"})
        for hour in range(0, 20, 4):
            row = allocate(car, f"{hour:02}:00", f"{hour + 2:02}:30", description="trip")
            urls.append(f"/api/cars/all/allocations/{row['id']}")
    page = open_page(DAY, has_clock=True)
    expect(page.bars("A00")).to_have_count(5)
    session = page.context.new_cdp_session(page.page)

    def play(polls):
        """Let so many polls happen; every fifth brings a changed, a new and a cancelled allocation."""
        for number in range(polls):
            if number % 5 == 0:
                url = urls[number % len(urls)]
                assert client.patch(url, json={"description": f"trip {number}"}).status_code == 200
                assert (
                    client.delete(f"/api/cars/all/allocations/{allocate(car, '22:00', '23:00')['id']}").status_code
                    == 204
                )
            with page.page.expect_response("**/api/events*"):
                page.page.clock.run_for(5000)

    def measure():
        """Return the size of the heap and the number of nodes and listeners, without garbage."""
        session.send("HeapProfiler.collectGarbage")
        counters = session.send("Memory.getDOMCounters")
        return session.send("Runtime.getHeapUsage")["usedSize"], counters["nodes"], counters["jsEventListeners"]

    play(20)
    heap, nodes, listeners = measure()
    play(POLLS)
    heap_after, nodes_after, listeners_after = measure()
    assert heap_after - heap < BYTES
    assert nodes_after - nodes < 100
    assert listeners_after - listeners < 50
