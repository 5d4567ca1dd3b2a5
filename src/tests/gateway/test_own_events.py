"""``events:own``: a client reads the events of its own allocations; ``events:read`` shows it all events."""

import pytest

from tests.support.hours_in_2099 import period_fields

CLIENTS = {
    "ann": "resources:read allocations:own events:own",
    "bob": "allocations:own events:own",
    # Scopes of allocations do not restrict the feed, and the wider of two scopes of events applies.
    "mirror": "events:read allocations:own",
    "both": "events:read events:own",
    "all": "allocations:read allocations:write events:own",
    "office": "resources:write allocations:write",
}


@pytest.fixture
def ids(system):
    """The ids of three allocations by the client that created each; the office has changed the one of ``ann``."""
    car = system.call("office", "POST", "/api/cars", json={"name": "Car1"}).headers["Location"]
    urls = {
        name: system.call(name, "POST", f"{car}/allocations", json=period_fields(hour, hour + 1)).headers["Location"]
        for hour, name in enumerate(("ann", "bob", "all"))
    }
    changed = system.call("office", "PATCH", urls["ann"], json={"description": "checked"})
    assert changed.status_code == 200
    return {name: url[-36:] for name, url in urls.items()}


def read_feed(system, name, query="", headers=()):
    response = system.call(name, "GET", f"/api/events{query}", headers)
    assert response.status_code == 200, response.text
    return [(event["kind"], event["allocation_id"], event["client_id"]) for event in response.json["events"]]


def test_the_feed_shows_the_clients_own_allocations(system, ids):
    assert read_feed(system, "ann") == [("allocated", ids["ann"], "ann"), ("allocation_changed", ids["ann"], "office")]
    assert read_feed(system, "bob") == [("allocated", ids["bob"], "bob")]
    assert read_feed(system, "all") == [("allocated", ids["all"], "all")]


@pytest.mark.parametrize("name", ["mirror", "both"])
def test_the_scope_events_read_shows_all_events(system, ids, name):
    assert len(read_feed(system, name)) == len(system.events()) == 5


def test_filters_and_links_pass_the_gateway(system, ids):
    query = "?kind=allocated&kind=allocation_changed&resource_type=Car&limit=1"
    assert read_feed(system, "ann", query) == [("allocated", ids["ann"], "ann")]
    assert read_feed(system, "ann", f"?allocation_id={ids['bob']}&allocation_id={ids['ann']}")[0][1] == ids["ann"]
    link = system.call("ann", "GET", f"/api/events{query}").headers["Link"]
    following = link.partition(">")[0].removeprefix("</api/events")
    assert read_feed(system, "ann", following) == [("allocation_changed", ids["ann"], "office")]
    assert system.call("ann", "GET", "/api/events?kind=x").json["errors"].keys() == {"kind"}


@pytest.mark.parametrize("headers", [{"X-Client-Sees": "all"}, {"X-Client-Id": "bob"}, {"X-Client-Sees": ""}], ids=str)
def test_forged_headers_do_not_show_more(system, ids, headers):
    assert read_feed(system, "ann", headers=headers) == read_feed(system, "ann")


def test_now_is_the_same_for_all_clients(system, ids):
    pages = [system.call(name, "GET", "/api/events?after=now").json for name in ("ann", "bob", "mirror")]
    assert pages[0] == pages[1] == pages[2]
    car = system.direct.get("/api/cars").json[0]["id"]
    url = f"/api/cars/{car}/allocations"
    later = {}
    for hour, name in ((8, "bob"), (9, "ann")):
        later[name] = system.call(name, "POST", url, json=period_fields(hour, hour + 1)).json["id"]
    assert read_feed(system, "ann", f"?after={pages[0]['next']}") == [("allocated", later["ann"], "ann")]
