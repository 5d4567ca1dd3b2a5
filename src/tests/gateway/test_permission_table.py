"""The table of permissions, tried out: every route, every method, by a client of every single scope."""

import pytest

from tests.support.gateway_refusals import challenges
from tests.support.permission_rows import COLUMNS, OF_EVERY_SERVICE, ROWS
from tests.support.refusals import refused

SCOPES = [*(name for name in COLUMNS if ":" in name), "allocations:own"]
OF_CARS = {f"{name}@cars": name.replace("allocations:own", "stranger") for name in SCOPES if name != "events:read"}
ELSEWHERE = [f"{name}@lorries" for name in SCOPES]
# Each client is named by its only scope.
CLIENTS = {name: name for name in (*SCOPES, *OF_CARS, *ELSEWHERE)} | {"owner": "allocations:own"}


def statuses(house, row, names):
    """Give the status that each client gets, all of them before the same car with the same allocation."""
    found, ids = {}, house.furnish("owner")
    for name in names:
        before = house.changes()
        answer = house.call(name, row.method, row.path.format(**ids), json=row.body(ids["unused"]))
        found[name] = answer.status_code
        if answer.status_code >= 300:
            assert house.changes() == before
        elif row.method not in ("GET", "HEAD"):
            assert len(house.changes()) == len(before) + 1
            ids = house.furnish("owner")
    return found


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_client_may_do_what_its_scope_says_and_nothing_else(house, row):
    clients = {name.replace("stranger", "allocations:own"): status for name, status in row.statuses.items()}
    elsewhere = clients.pop("elsewhere")
    expected = clients | dict.fromkeys(ELSEWHERE, elsewhere)
    assert statuses(house, row, expected) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if row.path.startswith("/api/cars")], ids=str)
def test_a_scope_for_cars_does_with_cars_what_the_scope_for_everything_does(house, row):
    expected = {name: row.statuses[alike] for name, alike in OF_CARS.items()}
    assert statuses(house, row, expected) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if not row.path.startswith("/api/cars") and row.scope], ids=str)
def test_a_scope_for_cars_is_not_enough_for_what_concerns_all_collections(house, row):
    assert set(statuses(house, row, OF_CARS).values()) == {403}


@pytest.mark.parametrize("row", [row for row in ROWS if row.scope and row.method != "HEAD"], ids=str)
def test_whoever_may_not_is_told_the_scope_that_it_takes(house, row):
    ids = house.furnish("owner")
    for name in [name for name in COLUMNS if ":" in name and row.statuses[name] == 403]:
        answer = house.call(name, row.method, row.path.format(**ids), json=row.body(ids["unused"]))
        assert refused(answer, 403, "forbidden")["scope"] == row.scope
        challenge = challenges(answer)["Bearer"]
        assert (challenge["error"], challenge["scope"]) == ("insufficient_scope", row.scope)


@pytest.mark.parametrize("row", [row for row in ROWS if row.statuses["elsewhere"] == 404], ids=str)
def test_a_collection_that_is_not_the_clients_looks_like_one_that_is_not_there(house, row):
    ids = house.furnish("owner")
    for name in ELSEWHERE:
        found = [
            house.call(name, row.method, path.format(**ids), json=row.body(ids["unused"]))
            for path in (row.path, row.path.replace("/cars", "/boats"))
        ]
        told = [(answer.status_code, answer.text.replace(answer.headers["X-Request-Id"], "")) for answer in found]
        assert told[0] == told[1]
        if row.method != "HEAD":
            assert found[0].json["code"] == "not_found"


def test_what_everybody_may_read_takes_no_key_that_is_right(house):
    for row in ROWS:
        if row.statuses["nobody"] == 200:
            answer = house.call("nobody", row.method, row.path, headers={"Authorization": "Bearer invsys_0_wrong"})
            assert answer.status_code == 200


def test_every_route_of_the_inventory_stands_in_the_table(house):
    adapter = house.inventory.url_map.bind("localhost")
    ids = house.furnish("owner")
    tried = set()
    for row in ROWS:
        rule, _ = adapter.match(row.path.format(**ids), row.method, return_rule=True)
        tried.add((rule.rule, row.method))
    served = {
        (rule.rule, method)
        for rule in house.inventory.url_map.iter_rules()
        for method in rule.methods - {"OPTIONS"}
        if rule.rule not in OF_EVERY_SERVICE
    }
    assert tried >= served
    assert tried <= served, "the table has routes that the inventory does not have"


@pytest.mark.parametrize("path", sorted(OF_EVERY_SERVICE))
def test_the_gateway_tells_everybody_how_it_is_itself(house, path):
    for name in ("nobody", "stranger", "events:read"):
        assert house.call(name, "GET", path).status_code == 200
