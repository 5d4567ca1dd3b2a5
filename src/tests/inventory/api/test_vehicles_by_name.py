"""Vehicles by name: ``name_prefix``, and the order by the code points of the names."""

from itertools import pairwise

import pytest

from invsys.inventory.db.models import ContinuousResource
from tests.support.hours_in_2099 import hour_start

# A database with the collation of a language would sort these names differently.
NAMES = ["%", "*", "1", "10", "2", "A", "Car", "Car 1", "Car-1", "Car1", "Cat", "[a", "\\", "_", "a", "car", "z"]
NAMES += ["{", "~", "É", "é", "ß", "Ω", "я", "車", "\ud7a3", "\ue000", "\uffee", "𝄞", "🚗", "\U0010ffff"]
NAMES = sorted(NAMES)


@pytest.fixture
def named(client):
    """Return a function that returns the names of the vehicles of a list."""

    def named(**query):
        response = client.get("/api/cars", query_string={"limit": 1000, **query})
        assert response.status_code == 200, response.text
        return [vehicle["name"] for vehicle in response.json]

    return named


@pytest.fixture
def fleet(register):
    """One vehicle for each of ``NAMES``, registered in reverse order, and a lorry."""
    for name in NAMES[::-1]:
        register(name)
    register("Car1", "lorries")


@pytest.mark.through_gateway
@pytest.mark.usefixtures("fleet")
def test_vehicles_are_ordered_by_the_code_points_of_their_names(named, follow_pages):
    assert named(order="name") == NAMES
    assert named() == named(order="created") == NAMES[::-1]
    for limit in (1, 2, 7):
        pages = list(follow_pages(f"/api/cars?order=name&limit={limit}"))
        assert [vehicle["name"] for page in pages for vehicle in page] == NAMES


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    "prefix", [*NAMES, "C", "Car ", "CAR", "c", "Car1x", "x" * 36, "\U0010ffff\U0010ffff", " ", "é\u0301"]
)
def test_a_prefix_matches_the_names_that_begin_with_it(named, prefix):
    expected = [name for name in NAMES if name.startswith(prefix)]
    assert named(name_prefix=prefix, order="name") == expected
    assert named(name_prefix=prefix) == expected[::-1]


def test_a_prefix_is_read_in_normal_form_c(register, named):
    for name in ("é1", "e1", "éa"):
        register(name)
    assert named(name_prefix="e\u0301") == named(name_prefix="é") == ["é1", "éa"]
    assert named(name_prefix="e") == ["e1"]
    longest = "u\u0308" * 36
    register(longest)
    assert named(name_prefix=longest) == ["ü" * 36]


def test_a_prefix_matches_a_name_that_is_not_in_normal_form_c(register, named, update_all_rows):
    register("x")
    update_all_rows(ContinuousResource, name="u\u03081")
    assert named(name_prefix="ü") == named(name_prefix="u\u0308") == named(name_prefix="u") == ["u\u03081"]


INVALID = ["", "x" * 37, "a\tb", "a\n", "\x7f", "\0", "u\u0308" * 37, "\u0301" * 900 + "\u0316" * 900]


@pytest.mark.one_engine
@pytest.mark.parametrize("prefix", INVALID)
def test_an_invalid_prefix_is_refused(client, refused, prefix):
    refused(client.get("/api/cars", query_string={"name_prefix": prefix}), 422, "invalid_fields", "name_prefix")
    refused(client.get("/api/cars?name_prefix=a&name_prefix=b"), 422, "invalid_fields", "name_prefix")


def test_order_and_prefix_combine_with_the_other_filters(register, allocate, named, follow_pages):
    for number in (3, 1, 4, 2, 0):
        car = register(f"Car{number}", attributes={"odd": bool(number % 2)})
        allocate(car, hour_start(number), hour_start(number + 2))
    register("Van1", attributes={"odd": True})
    free = {"available_from": hour_start(2), "available_to": hour_start(3)}
    assert named(**free, order="name") == ["Car0", "Car3", "Car4", "Van1"]
    assert named(**free, name_prefix="Car", order="name") == ["Car0", "Car3", "Car4"]
    assert named(**free, name_prefix="Car") == ["Car3", "Car4", "Car0"]
    odd = {"attribute.odd": "true"}
    assert named(**odd, order="name") == ["Car1", "Car3", "Van1"]
    assert named(**free, **odd, name_prefix="Car", order="name") == named(name="Car3", name_prefix="Car") == ["Car3"]
    url = f"/api/cars?order=name&name_prefix=Car&available_from={hour_start(2)}&available_to={hour_start(3)}&limit=1"
    assert [page[0]["name"] for page in follow_pages(url)] == ["Car0", "Car3", "Car4"]


def test_vehicles_that_come_and_go_while_paging_hide_and_repeat_no_other(client, register, follow_pages):
    cars = {name: register(name) for name in ("b", "d", "f", "h")}
    seen = []
    for page in follow_pages("/api/cars?order=name&limit=1"):
        (vehicle,) = page
        seen.append(vehicle["name"])
        if vehicle["name"] == "b":
            # The cursor contains the name that the vehicle had when it was listed.
            assert client.patch(cars["b"], json={"name": "z"}).status_code == 200
            register("a")
            register("e")
        elif seen == ["b", "d"]:
            assert client.delete(cars["d"]).status_code == 204
            register("d")
    # A vehicle that is renamed while paging may be listed twice. The two vehicles named "d" are different ones.
    assert seen == ["b", "d", "d", "e", "f", "h", "z"]
    assert all(one <= other for one, other in pairwise(seen))


def test_the_cursor_of_the_longest_name_is_accepted(register, follow_pages):
    names = ["\U0010ffff" * 35 + end for end in ("a", "b", "c")]
    for name in names[::-1]:
        register(name)
    assert [page[0]["name"] for page in follow_pages("/api/cars?order=name&limit=1")] == names
