"""The permissions table: every method of every route, called by one client for each scope."""

import pytest

from tests.support.gateway_refusals import challenges
from tests.support.permission_rows import COLUMNS, OWN_ROUTES, ROWS
from tests.support.refusals import refused
from tests.support.tables import table_driven

SCOPES = [*(name for name in COLUMNS if ":" in name), "allocations:own"]
CAR_SCOPES = {f"{name}@cars": name.replace("allocations:own", "stranger") for name in SCOPES if "events" not in name}
LORRY_SCOPES = [f"{name}@lorries" for name in SCOPES]
# Each client has the name of its only scope.
CLIENTS = {name: name for name in (*SCOPES, *CAR_SCOPES, *LORRY_SCOPES)} | {"owner": "allocations:own"}


def statuses(system, row, names):
    """Return the status for each client; before each call, there is an allocated car and an idle one."""
    statuses, ids = {}, system.create_cars("owner")
    for name in names:
        before = system.events()
        response = system.call(name, row.method, row.path.format(**ids), json=row.body(ids))
        statuses[name] = response.status_code
        if response.status_code >= 300:
            assert system.events() == before
        elif row.method not in ("GET", "HEAD"):
            assert len(system.events()) == len(before) + 1
            ids = system.create_cars("owner")
    return statuses


@pytest.mark.parametrize("row", ROWS)
def test_a_scope_permits_its_routes_and_no_others(system, row):
    clients = {name.replace("stranger", "allocations:own"): status for name, status in row.statuses.items()}
    elsewhere = clients.pop("elsewhere")
    expected = clients | dict.fromkeys(LORRY_SCOPES, elsewhere)
    assert statuses(system, row, expected) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if row.path.startswith("/api/cars")])
def test_a_scope_for_cars_permits_the_same_as_the_unrestricted_scope_for_cars(system, row):
    expected = {name: row.statuses[column] for name, column in CAR_SCOPES.items()}
    assert statuses(system, row, expected) == expected


@table_driven("row", [row for row in ROWS if not row.path.startswith("/api/cars") and row.scope])
def test_a_scope_for_cars_does_not_permit_routes_for_all_collections(system, row):
    assert set(statuses(system, row, CAR_SCOPES).values()) == {403}


@table_driven("row", [row for row in ROWS if row.scope and row.method != "HEAD"])
def test_a_403_names_the_required_scope(system, row):
    ids = system.create_cars("owner")
    for name in [name for name in COLUMNS if ":" in name and row.statuses[name] == 403]:
        response = system.call(name, row.method, row.path.format(**ids), json=row.body(ids))
        assert refused(response, 403, "forbidden")["scope"] == row.scope
        challenge = challenges(response)["Bearer"]
        assert (challenge["error"], challenge["scope"]) == ("insufficient_scope", row.scope)


@table_driven("row", [row for row in ROWS if row.statuses["elsewhere"] == 404])
def test_a_collection_without_any_scope_looks_like_an_unknown_one(system, row):
    ids = system.create_cars("owner")
    for name in LORRY_SCOPES:
        responses = [
            system.call(name, row.method, path.format(**ids), json=row.body(ids))
            for path in (row.path, row.path.replace("/cars", "/boats"))
        ]
        comparable = [
            (response.status_code, response.text.replace(response.headers["X-Request-Id"], ""))
            for response in responses
        ]
        assert comparable[0] == comparable[1]
        if row.method != "HEAD":
            assert responses[0].json["code"] == "not_found"


def test_public_routes_accept_any_credentials(system):
    for row in ROWS:
        if row.statuses["anonymous"] == 200:
            response = system.call(
                "anonymous", row.method, row.path, headers={"Authorization": "Bearer invsys_0_wrong"}
            )
            assert response.status_code == 200


def test_the_table_contains_every_route_of_the_inventory(system):
    adapter = system.inventory.url_map.bind("localhost")
    ids = system.create_cars("owner")
    tested = set()
    for row in ROWS:
        rule, _ = adapter.match(row.path.format(**ids).partition("?")[0], row.method, return_rule=True)
        tested.add((rule.rule, row.method))
    served = {
        (rule.rule, method)
        for rule in system.inventory.url_map.iter_rules()
        for method in rule.methods - {"OPTIONS"}
        if rule.rule not in OWN_ROUTES
    }
    assert tested >= served
    assert tested <= served, "the table contains routes that the inventory does not have"


@pytest.mark.parametrize("path", sorted(OWN_ROUTES))
def test_operator_paths_are_public(system, path):
    for name in ("anonymous", "stranger", "events:read"):
        assert system.call(name, "GET", path).status_code == 200
