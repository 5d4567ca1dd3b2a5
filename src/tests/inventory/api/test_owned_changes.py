"""A client that sees its own changes nothing else, and learns from no refusal what there is besides."""

import uuid

import pytest

from invsys.inventory.commands import expire_holds
from tests.support.blocking import locked
from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.instants import at, let_holds_expire, period_fields
from tests.support.owners import client_as, ids, restricted_client, without_request_ids

pytestmark = pytest.mark.direct("says itself who it is")

HEADERS = [{}, {"If-Match": "*"}, {"If-Match": '"1"'}, {"If-Match": '"7"'}, {"If-Match": "none"}]
CHANGES = [
    {"description": "mine"},
    {"status": "confirmed"},
    {"hold_seconds": 60},
    {"to_datetime": at(11)},
    {"from_datetime": at(23)},
    {"resource_id": str(uuid.uuid4())},
    {"allocation_type": "maintenance", "dump": {"a": 1}},
    {},
]


@pytest.fixture
def one(app):
    return restricted_client(app, "one")


@pytest.fixture
def two(app):
    return restricted_client(app, "two")


@pytest.fixture(params=["two", None])
def other(request, app):
    """Somebody else, or nobody whom the gateway names."""
    return app.test_client() if request.param is None else restricted_client(app, request.param)


@pytest.fixture(params=["confirmed", "held", "expired", "cleared"])
def theirs(request, app, other, car):
    """The URL of an allocation of theirs, in every state that there is."""
    more = {} if request.param == "confirmed" else {"hold_seconds": 600}
    url = other.post(f"{car}/allocations", json={**period_fields(10, 12), **more}).headers["Location"]
    if request.param in ("expired", "cleared"):
        let_holds_expire(app)
    if request.param == "cleared":
        with app.app_context():
            assert expire_holds.delete_all_expired() == 1
    return url


def unknown(url):
    return url[:-36] + str(uuid.uuid4())


@pytest.mark.parametrize("form", ["its vehicle", "all"])
def test_what_is_somebody_elses_is_answered_as_if_it_were_not_there(one, car, theirs, form, nothing_changes, refused):
    url = theirs if form == "its vehicle" else theirs.replace(car, "/api/cars/all")
    with nothing_changes():
        for headers in HEADERS:
            refused(one.delete(url, headers=headers), 404, "allocation_not_found")
            assert without_request_ids(one.delete(url, headers=headers)) == without_request_ids(
                one.delete(unknown(url), headers=headers)
            )
            for fields in CHANGES:
                responses = [one.patch(where, json=fields, headers=headers) for where in (url, unknown(url))]
                refused(responses[0], 404, "allocation_not_found")
                assert without_request_ids(responses[0]) == without_request_ids(responses[1])
        assert without_request_ids(one.get(url)) == without_request_ids(one.get(unknown(url)))


def test_who_sees_everything_is_told_that_their_hold_has_expired(app, client, theirs):
    counts = client.get(theirs).status_code == 200
    told = client_as(app, "one").patch(theirs, json={"description": "x"})
    assert told.status_code == (200 if counts else 409)


def test_its_own_it_changes_confirms_moves_and_frees(one, car, register):
    url = one.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": 60}).headers["Location"]
    item = url.replace(car, "/api/cars/all")
    for where, fields in (
        (url, {"hold_seconds": 600}),
        (item, {"status": "confirmed"}),
        (url, {"to_datetime": at(13)}),
    ):
        assert one.patch(where, json=fields).status_code == 200
    stale = one.patch(item, json={"description": "x"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.headers["ETag"]) == (412, '"4"')
    assert one.delete(item, headers={"If-Match": '"1"'}).status_code == 412
    moved = one.patch(item, json={"resource_id": register("Car2")[-36:]})
    assert moved.status_code == 200
    assert one.delete(item, headers={"If-Match": moved.headers["ETag"]}).status_code == 204
    assert one.delete(item).status_code == 404


@pytest.mark.parametrize("how", ["its vehicle", "all"])
def test_its_own_it_frees_in_either_form(one, car, how):
    url = one.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    assert one.delete(url if how == "its vehicle" else url.replace(car, "/api/cars/all")).status_code == 204


@pytest.mark.parametrize("cleared", [False, True])
@pytest.mark.parametrize("form", ["its vehicle", "all"])
def test_of_its_own_it_is_told_that_the_hold_has_expired(app, one, two, car, register, cleared, form, refused):
    made = one.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": 60}).headers["Location"]
    let_holds_expire(app)
    if cleared:
        assert two.post(f"{car}/allocations", json=period_fields(11, 13)).status_code == 201
    url = made if form == "its vehicle" else made.replace(car, "/api/cars/all")
    for fields in ({"status": "confirmed"}, {"hold_seconds": 60}, {"description": "x"}):
        refused(one.patch(url, json=fields), 409, "hold_expired")
        refused(two.patch(url, json=fields), 404, "allocation_not_found")
    elsewhere = made.replace(car, register("Car2"))
    refused(one.patch(elsewhere, json={"status": "confirmed"}), 404, "allocation_not_found")
    refused(one.patch(url.replace("cars", "trucks"), json={"status": "confirmed"}), 404, "allocation_not_found")


def test_a_taken_period_names_its_own_in_the_way(one, two, client, car, refused):
    for maker, hour in ((two, 10), (one, 11), (client, 12), (one, 13)):
        assert maker.post(f"{car}/allocations", json=period_fields(hour, hour + 1)).status_code == 201
    everything = ids(client.post(f"{car}/allocations", json=period_fields(9, 15)))
    assert len(everything) == 4
    for asker, told in ((one, everything[1::2]), (two, everything[:1])):
        body = refused(asker.post(f"{car}/allocations", json=period_fields(9, 15)), 409, "period_taken")
        assert [conflict["id"] for conflict in body["conflicts"]] == told
        assert set(body["conflicts"][0]) == {*period_fields(0, 1), "id", "allocation_type"}
    nothing = refused(one.post(f"{car}/allocations", json=period_fields(10, 11)), 409, "period_taken")
    assert nothing["conflicts"] == []


def test_its_own_are_named_even_behind_many_of_others(one, two, car):
    for hour in range(11):
        two.post(f"{car}/allocations", json=period_fields(hour, hour + 1))
    own = one.post(f"{car}/allocations", json=period_fields(11, 12)).json["id"]
    assert ids(one.post(f"{car}/allocations", json=period_fields(0, 20))) == [own]
    assert ids(one.delete(car)) == [own]


def test_a_change_that_is_in_the_way_names_its_own_but_not_itself(one, two, car, register, refused):
    target = register("Car2")
    moving = one.post(f"{car}/allocations", json=period_fields(12, 13)).headers["Location"]
    for maker, vehicle, hour in ((two, car, 10), (one, car, 14), (two, target, 12)):
        assert maker.post(f"{vehicle}/allocations", json=period_fields(hour, hour + 1)).status_code == 201
    own = ids(one.get(f"{car}/allocations"))[1:]
    assert ids(one.patch(moving, json={"from_datetime": at(9), "to_datetime": at(15)})) == own
    body = refused(one.patch(moving, json={"resource_id": target[-36:]}), 409, "period_taken")
    assert body["conflicts"] == []


def test_an_empty_list_of_conflicts_is_one_in_xml_too(one, two, car):
    two.post(f"{car}/allocations", json=period_fields(10, 12))
    response = one.post(f"{car}/allocations", json=period_fields(10, 12), headers={"Accept": "application/xml"})
    assert (response.status_code, response.mimetype) == (409, "application/problem+xml")
    assert "conflicts" in response.text


def test_a_vehicle_in_use_names_its_own(one, two, client, car, refused):
    for maker, hour in ((two, 10), (one, 11)):
        maker.post(f"{car}/allocations", json=period_fields(hour, hour + 1))
    everything = ids(client.delete(car))
    assert (ids(two.delete(car)), ids(one.delete(car))) == (everything[:1], everything[1:])
    assert one.delete(f"{car}/allocations/{everything[1]}").status_code == 204
    assert refused(one.delete(car), 409, "resource_in_use")["conflicts"] == []


def test_a_repeated_order_is_answered_by_its_own_result_only(one, two, register):
    for number in range(2):
        register(f"Car{number}")
    order = {"json": period_fields(10, 12), "headers": {"Idempotency-Key": "order-1"}}
    first, second = (maker.post("/api/cars/any/allocations", **order) for maker in (one, two))
    again = one.post("/api/cars/any/allocations", **order)
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert second.json["id"] != first.json["id"]


def test_nobody_frees_or_changes_somebody_elses_however_many_try(app, one, car):
    item = one.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    theirs = {"HTTP_X_CLIENT_ID": "two", "HTTP_X_CLIENT_SEES": "own"}
    owners = {"HTTP_X_CLIENT_ID": "one", "HTTP_X_CLIENT_SEES": "own"}
    for turn in range(8):
        change = {"path": item, "method": "PATCH", "environ_overrides": owners, "json": {"description": f"turn {turn}"}}
        attack = {"path": item, "method": "PATCH", "environ_overrides": theirs, "json": {"description": "theirs"}}
        free = {"path": item, "method": "DELETE", "environ_overrides": theirs}
        responses = send_concurrently(app, [change, attack, free, free, attack])
        assert count_outcomes(responses) == {200: 1, "allocation_not_found": 4}
        assert one.get(item).json["description"] == f"turn {turn}"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_it_does_not_even_wait_for_what_is_somebody_elses(engine, database_url, app, one, car, method):
    url = one.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    if engine == "sqlite":
        return
    with locked(database_url, "SELECT FROM continuous_resource_allocations FOR UPDATE"):
        # Whoever waited would be told after [database] statement_timeout that the service is busy.
        assert restricted_client(app, "two").open(url, method=method, json={}).json["code"] == "allocation_not_found"
