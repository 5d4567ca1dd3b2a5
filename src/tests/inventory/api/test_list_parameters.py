"""The parameters of lists: which values are refused, and that a cursor belongs to one order and one set of filters."""

import uuid
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.support.hours_in_2099 import hour_start

CARS, ALL, AVAILABILITY = "/api/cars", "/api/cars/all/allocations", "/api/cars/all/availability"
IDS = [str(uuid.UUID(int=0xABC << 100 | number, version=4)) for number in range(101)]


@pytest.fixture
def cars(register, allocate):
    """The ids of six cars with one allocation each."""
    cars = [register(f"Car{number}") for number in range(6)]
    for hour, car in enumerate(cars):
        allocate(car, hour_start(hour), hour_start(hour + 2))
    return [car[-36:] for car in cars]


@pytest.mark.one_engine
@pytest.mark.parametrize("url", [ALL, AVAILABILITY])
@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "any", "all", "null", "%00", "%ff", "1", "x" * 5000),
        *(IDS[1].upper(), IDS[1].replace("-", ""), f"{{{IDS[1]}}}", f"urn:uuid:{IDS[1]}", f" {IDS[1]}", f"{IDS[1]}%0A"),
        f"{IDS[1]},{IDS[2]}",
    ],
)
def test_an_id_that_the_service_does_not_write_is_refused(client, refused, url, value):
    refused(client.get(f"{url}?resource_id={value}"), 422, "invalid_fields", "resource_id")
    refused(client.get(f"{url}?resource_id={IDS[1]}&resource_id={value}"), 422, "invalid_fields", "resource_id")


@pytest.mark.through_gateway
@pytest.mark.parametrize("url", [ALL, AVAILABILITY])
def test_up_to_100_ids_are_accepted(client, refused, cars, url):
    query = urlencode([("resource_id", one) for one in (*cars[:2], *IDS[:98])])
    assert len(client.get(f"{url}?{query}").json) == 2
    body = refused(client.get(f"{url}?{query}&resource_id={IDS[99]}"), 422, "invalid_fields", "resource_id")
    assert body["errors"] == {"resource_id": ["At most 100 values."]}
    # The limit counts values, whether they differ or not.
    refused(client.get(f"{url}?{urlencode([('resource_id', IDS[0])] * 700)}"), 422, "invalid_fields", "resource_id")


@pytest.mark.one_engine
def test_each_invalid_value_is_reported_once(client, refused):
    body = refused(client.get(f"{ALL}?resource_id=x&resource_id=y"), 422, "invalid_fields", "resource_id")
    assert body["errors"]["resource_id"] == ["Not a UUID in lower case, with hyphens."]


@pytest.mark.one_engine
def test_other_lists_refuse_the_parameters(client, refused, cars):
    refused(client.get(f"{CARS}?resource_id={cars[0]}"), 422, "invalid_fields", "resource_id")
    refused(client.get(f"{CARS}/{cars[0]}/allocations?resource_id={cars[0]}"), 422, "invalid_fields", "resource_id")
    for url in (ALL, AVAILABILITY):
        refused(client.get(f"{url}?name_prefix=Car"), 422, "invalid_fields", "name_prefix")
    refused(client.get(f"{AVAILABILITY}?order=name"), 422, "invalid_fields", "order")


@pytest.mark.one_engine
@pytest.mark.parametrize("value", ["", "x", "%00", "FROM", "-created", "+from", "from,-from", "desc", "x" * 5000])
def test_an_unknown_order_is_refused(client, refused, cars, value):
    for url in (ALL, f"{CARS}/{cars[0]}/allocations", CARS):
        refused(client.get(f"{url}?order={value}"), 422, "invalid_fields", "order")
    refused(client.get(f"{ALL}?order=name"), 422, "invalid_fields", "order")
    refused(client.get(f"{CARS}?order=-from"), 422, "invalid_fields", "order")
    refused(client.get(f"{ALL}?order=from&order=-from"), 422, "invalid_fields", "order")


def next_query(client, url):
    """Return the query parameters of the next page, as pairs of name and value."""
    link = client.get(url).headers["Link"]
    return parse_qsl(urlsplit(link.partition(">")[0][1:]).query)


# A list, a query, and other queries for which a cursor of that query is not valid.
OTHERS = [
    (ALL, "order=-from", ["", "order=from", "order=-from&status=confirmed", f"order=-from&from={hour_start(0)}"]),
    (ALL, "", ["order=-from", "allocation_type=booking", f"to={hour_start(20)}"]),
    (ALL, f"from={hour_start(0)}", ["", f"from={hour_start(1)}"]),
    (CARS, "order=name", ["", "order=created", "order=name&name_prefix=C", "order=name&attribute.a=1"]),
    (CARS, "", ["order=name", "name_prefix=C", "name=Car1"]),
    (CARS, "name_prefix=C", ["", "name_prefix=Ca", f"name_prefix=C&available_to={hour_start(0)}"]),
    (AVAILABILITY, f"from={hour_start(0)}", ["", f"from={hour_start(1)}"]),
]


@pytest.mark.one_engine
@pytest.mark.parametrize(("url", "query", "others"), OTHERS)
def test_a_cursor_belongs_to_one_order_and_one_set_of_filters(client, refused, cars, url, query, others):
    following = dict(next_query(client, f"{url}?{query}&limit=2"))
    cursor = following["cursor"]
    assert len(client.get(url, query_string=following).json) == 2
    for other in others:
        refused(client.get(f"{url}?{other}&cursor={cursor}"), 422, "invalid_fields", "cursor")


@pytest.mark.one_engine
def test_a_cursor_of_some_vehicles_is_not_valid_for_others(client, refused, cars):
    query = urlencode([("resource_id", car) for car in cars[:3]])
    for url in (ALL, AVAILABILITY):
        cursor = dict(next_query(client, f"{url}?{query}&limit=2"))["cursor"]
        # The order of the parameters makes no difference.
        turned = urlencode([("resource_id", car) for car in cars[2::-1]])
        assert len(client.get(f"{url}?cursor={cursor}&{turned}").json) == 1
        for other in (f"resource_id={cars[0]}", f"{query}&resource_id={cars[3]}", ""):
            refused(client.get(f"{url}?{other}&cursor={cursor}"), 422, "invalid_fields", "cursor")


@pytest.mark.parametrize("url", [f"{ALL}?order=-from", f"{CARS}?order=name", f"{AVAILABILITY}?from={hour_start(0)}"])
def test_the_limit_and_the_count_may_change_from_page_to_page(client, cars, url):
    following = next_query(client, f"{url}&limit=2")
    path = url.partition("?")[0]
    changed = [(name, "3" if name == "limit" else value) for name, value in following]
    assert len(client.get(path, query_string=changed).json) == 3
    if path != AVAILABILITY:
        assert client.get(path, query_string=[*following, ("count", "true")]).headers["X-Total-Count"] == "6"


@pytest.mark.through_gateway
def test_a_page_of_100_vehicles_links_to_the_next_one(client, cars, follow_pages):
    query = urlencode([("resource_id", one) for one in (*IDS[:94], *cars)])
    for url in (ALL, AVAILABILITY):
        pages = list(follow_pages(f"{url}?{query}&limit=2"))
        assert [row["resource_id"] for page in pages for row in page] == cars


def test_availability_lists_the_requested_vehicles(client, cars, register, allocate):
    lorry = register("Lorry1", "lorries")[-36:]
    window = f"from={hour_start(1)}&to={hour_start(4)}"
    rows = client.get(f"{AVAILABILITY}?{window}").json
    query = urlencode([("resource_id", one) for one in (cars[3], cars[1], lorry, IDS[0])])
    assert client.get(f"{AVAILABILITY}?{window}&{query}").json == [rows[1], rows[3]]
    for row in rows:
        assert row == client.get(f"{CARS}/{row['resource_id']}/availability?{window}").json
    assert client.delete(f"{CARS}/{register('Car9')[-36:]}").status_code == 204
    gone = register("Car8")
    client.delete(gone)
    assert client.get(f"{AVAILABILITY}?resource_id={gone[-36:]}").json == []
