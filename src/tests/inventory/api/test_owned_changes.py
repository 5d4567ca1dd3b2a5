"""Changes by a restricted client: it can change only its own allocations, and no error response reveals others."""

import uuid

import pytest

from invsys.inventory.commands import expire_holds
from tests.support.blocking import locked
from tests.support.client_identity import client_as, ids, restricted_client, without_request_ids
from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields
from tests.support.tables import table_driven

ANY_VERSION, STALE, INVALID = ({"If-Match": value} for value in ("*", '"7"', "none"))
HEADERS = [{}, ANY_VERSION, STALE, INVALID]
CHANGES = [
    {"description": "mine"},
    {"status": "confirmed"},
    {"hold_seconds": 60},
    {"to_datetime": hour_start(11)},
    {"from_datetime": hour_start(23)},
    {"resource_id": str(uuid.uuid4())},
    {"allocation_type": "maintenance", "dump": {"a": 1}},
    {},
]


@pytest.fixture(params=["two", None])
def other(request, app):
    """Another restricted client, or a caller without a client id."""
    return app.test_client() if request.param is None else restricted_client(app, request.param)


@pytest.fixture(params=["confirmed", "held", "expired", "cleared"])
def foreign(request, app, other, car):
    """The URL of an allocation of another caller: confirmed, held, expired, or expired and deleted."""
    fields = {} if request.param == "confirmed" else {"hold_seconds": 600}
    url = other.post(f"{car}/allocations", json={**period_fields(10, 12), **fields}).headers["Location"]
    if request.param in ("expired", "cleared"):
        let_holds_expire(app)
    if request.param == "cleared":
        with app.app_context():
            assert expire_holds.delete_all_expired() == 1
    return url


def unknown(url):
    return url[:-36] + str(uuid.uuid4())


@table_driven("form", ["its vehicle", "all"])
def test_a_foreign_allocation_is_indistinguishable_from_an_unknown_one(
    one, car, foreign, form, nothing_changes, refused
):
    url = foreign if form == "its vehicle" else foreign.replace(car, "/api/cars/all")
    with nothing_changes():
        for headers in HEADERS:
            refused(one.delete(url, headers=headers), 404, "allocation_not_found")
            assert without_request_ids(one.delete(url, headers=headers)) == without_request_ids(
                one.delete(unknown(url), headers=headers)
            )
            for fields in CHANGES if headers in ({}, ANY_VERSION) else CHANGES[:1]:
                responses = [one.patch(where, json=fields, headers=headers) for where in (url, unknown(url))]
                refused(responses[0], 404, "allocation_not_found")
                assert without_request_ids(responses[0]) == without_request_ids(responses[1])
        assert without_request_ids(one.get(url)) == without_request_ids(one.get(unknown(url)))


def test_an_unrestricted_client_gets_hold_expired_for_a_foreign_hold(app, client, foreign):
    is_active = client.get(foreign).status_code == 200
    response = client_as(app, "one").patch(foreign, json={"description": "x"})
    assert response.status_code == (200 if is_active else 409)


def test_a_client_can_change_confirm_move_and_delete_its_own_allocation(one, car, register):
    url = one.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": 60}).headers["Location"]
    item = url.replace(car, "/api/cars/all")
    for where, fields in (
        (url, {"hold_seconds": 600}),
        (item, {"status": "confirmed"}),
        (url, {"to_datetime": hour_start(13)}),
    ):
        assert one.patch(where, json=fields).status_code == 200
    stale = one.patch(item, json={"description": "x"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.headers["ETag"]) == (412, '"4"')
    assert one.delete(item, headers={"If-Match": '"1"'}).status_code == 412
    moved = one.patch(item, json={"resource_id": register("Car2")[-36:]})
    assert moved.status_code == 200
    assert one.delete(item, headers={"If-Match": moved.headers["ETag"]}).status_code == 204
    assert one.delete(item).status_code == 404


@pytest.mark.parametrize("form", ["its vehicle", "all"])
def test_a_client_can_delete_its_own_allocation_at_both_urls(one, car, form):
    url = one.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    assert one.delete(url if form == "its vehicle" else url.replace(car, "/api/cars/all")).status_code == 204


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize("form", ["its vehicle", "all"])
def test_a_client_gets_hold_expired_for_its_own_hold(app, one, two, car, register, deleted, form, refused):
    hold = one.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": 60}).headers["Location"]
    let_holds_expire(app)
    if deleted:
        assert two.post(f"{car}/allocations", json=period_fields(11, 13)).status_code == 201
    url = hold if form == "its vehicle" else hold.replace(car, "/api/cars/all")
    for fields in ({"status": "confirmed"}, {"hold_seconds": 60}, {"description": "x"}):
        refused(one.patch(url, json=fields), 409, "hold_expired")
        refused(two.patch(url, json=fields), 404, "allocation_not_found")
    elsewhere = hold.replace(car, register("Car2"))
    refused(one.patch(elsewhere, json={"status": "confirmed"}), 404, "allocation_not_found")
    refused(one.patch(url.replace("cars", "trucks"), json={"status": "confirmed"}), 404, "allocation_not_found")


def test_a_conflict_names_only_the_clients_own_allocations(one, two, client, car, refused):
    for maker, hour in ((two, 10), (one, 11), (client, 12), (one, 13)):
        assert maker.post(f"{car}/allocations", json=period_fields(hour, hour + 1)).status_code == 201
    all_ids = ids(client.post(f"{car}/allocations", json=period_fields(9, 15)))
    assert len(all_ids) == 4
    for caller, own_ids in ((one, all_ids[1::2]), (two, all_ids[:1])):
        body = refused(caller.post(f"{car}/allocations", json=period_fields(9, 15)), 409, "period_taken")
        assert [conflict["id"] for conflict in body["conflicts"]] == own_ids
        assert set(body["conflicts"][0]) == {*period_fields(0, 1), "id", "allocation_type", "version"}
    body = refused(one.post(f"{car}/allocations", json=period_fields(10, 11)), 409, "period_taken")
    assert body["conflicts"] == []


def test_a_clients_own_conflicts_are_named_even_after_many_foreign_ones(one, two, car):
    for hour in range(11):
        two.post(f"{car}/allocations", json=period_fields(hour, hour + 1))
    own_id = one.post(f"{car}/allocations", json=period_fields(11, 12)).json["id"]
    assert ids(one.post(f"{car}/allocations", json=period_fields(0, 20))) == [own_id]
    assert ids(one.delete(car)) == [own_id]


def test_the_conflicts_of_a_change_exclude_the_changed_allocation(one, two, car, register, refused):
    target = register("Car2")
    moving = one.post(f"{car}/allocations", json=period_fields(12, 13)).headers["Location"]
    for maker, vehicle, hour in ((two, car, 10), (one, car, 14), (two, target, 12)):
        assert maker.post(f"{vehicle}/allocations", json=period_fields(hour, hour + 1)).status_code == 201
    own_ids = ids(one.get(f"{car}/allocations"))[1:]
    assert ids(one.patch(moving, json={"from_datetime": hour_start(9), "to_datetime": hour_start(15)})) == own_ids
    body = refused(one.patch(moving, json={"resource_id": target[-36:]}), 409, "period_taken")
    assert body["conflicts"] == []


def test_an_empty_list_of_conflicts_is_included_in_xml(one, two, car):
    two.post(f"{car}/allocations", json=period_fields(10, 12))
    response = one.post(f"{car}/allocations", json=period_fields(10, 12), headers={"Accept": "application/xml"})
    assert (response.status_code, response.mimetype) == (409, "application/problem+xml")
    assert "conflicts" in response.text


def test_a_vehicle_in_use_names_only_the_clients_own_allocations(one, two, client, car, refused):
    for maker, hour in ((two, 10), (one, 11)):
        maker.post(f"{car}/allocations", json=period_fields(hour, hour + 1))
    all_ids = ids(client.delete(car))
    assert (ids(two.delete(car)), ids(one.delete(car))) == (all_ids[:1], all_ids[1:])
    assert one.delete(f"{car}/allocations/{all_ids[1]}").status_code == 204
    assert refused(one.delete(car), 409, "resource_in_use")["conflicts"] == []


def test_a_replay_returns_the_clients_own_result(one, two, register):
    for number in range(2):
        register(f"Car{number}")
    request = {"json": period_fields(10, 12), "headers": {"Idempotency-Key": "order-1"}}
    first, second = (maker.post("/api/cars/any/allocations", **request) for maker in (one, two))
    replay = one.post("/api/cars/any/allocations", **request)
    assert (replay.data, replay.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert second.json["id"] != first.json["id"]


def test_concurrent_attempts_never_change_or_delete_a_foreign_allocation(app, one, car):
    item = one.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    stranger = {"HTTP_X_CLIENT_ID": "two", "HTTP_X_CLIENT_SEES": "own"}
    owner = {"HTTP_X_CLIENT_ID": "one", "HTTP_X_CLIENT_SEES": "own"}
    for turn in range(8):
        change = {"path": item, "method": "PATCH", "environ_overrides": owner, "json": {"description": f"turn {turn}"}}
        attack = {"path": item, "method": "PATCH", "environ_overrides": stranger, "json": {"description": "theirs"}}
        free = {"path": item, "method": "DELETE", "environ_overrides": stranger}
        responses = send_concurrently(app, [change, attack, free, free, attack])
        assert count_outcomes(responses) == {200: 1, "allocation_not_found": 4}
        assert one.get(item).json["description"] == f"turn {turn}"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_request_does_not_wait_for_the_lock_of_a_foreign_allocation(engine, database_url, app, one, car, method):
    url = one.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    if engine == "sqlite":
        return
    with locked(database_url, "SELECT FROM continuous_resource_allocations FOR UPDATE"):
        # A request that waits for the lock gets 503 busy after [database] statement_timeout.
        assert restricted_client(app, "two").open(url, method=method, json={}).json["code"] == "allocation_not_found"
