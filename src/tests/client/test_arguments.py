"""Arguments: what the contract refuses raises before a request, with the argument's name; what it accepts is sent."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.client.conftest import FRIDAY, MONDAY
from tests.support.tables import table_driven

ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
NAIVE = datetime(2099, 3, 2, 8)  # noqa: DTZ001 - naive on purpose
EARLY, LATE = datetime(1899, 12, 31, 23, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))


def deep(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


# The name of each argument, calls that pass it, and values that the contract refuses.
INSTANTS = [NAIVE, EARLY, LATE, LAST, "2099-03-02T08:00:00Z", 1]
REFUSED = [
    ("name", lambda cars, value: cars.register(value), ["", "a" * 37, " a", "a\t", "a\nb", "a\0", 1, None]),
    ("name", lambda cars, value: cars.update_resource(ID, name=value), ["", None]),
    ("name", lambda cars, value: cars.resources(name=value), ["", " a", "a" * 37, 1]),
    ("name_prefix", lambda cars, value: cars.resources(name_prefix=value), ["", "a\n", "a" * 37]),
    (
        "attributes",
        lambda cars, value: cars.register("A", attributes=value),
        [
            *([1], {str(number): 1 for number in range(33)}, {"": 1}, {"a" * 65: 1}, {1: 1}, {"a": None}, {"a": [1]}),
            *({"a": "b" * 257}, {"a": float("nan")}, {"a": 2**63}, {"a": "\ud800"}, {"a": "\0"}),
        ],
    ),
    ("attributes", lambda cars, value: cars.resources(attributes=value), [{"a": None}, [1], {"a": float("inf")}]),
    ("attributes", lambda cars, value: cars.move_to_any(ID, attributes=value), [{"a": []}]),
    ("attributes", lambda cars, value: cars.update(ID, attributes=value), [{"a": 1}]),
    ("closed_from", lambda cars, value: cars.close(ID, value), [*INSTANTS, None]),
    ("closed_from", lambda cars, value: cars.update_resource(ID, closed_from=value), INSTANTS),
    ("start", lambda cars, value: cars.allocate(ID, value, None), INSTANTS),
    ("end", lambda cars, value: cars.allocate_any(FRIDAY, value), [*INSTANTS, FRIDAY, MONDAY]),
    ("end", lambda cars, value: cars.update(ID, start=FRIDAY, end=value), [NAIVE, FRIDAY]),
    ("end", lambda cars, value: cars.extend(ID, value), INSTANTS),
    ("end", lambda cars, value: cars.allocations(start=FRIDAY, end=value), [FRIDAY, NAIVE]),
    ("end", lambda cars, value: cars.availability(ID, FRIDAY, value), [FRIDAY, NAIVE]),
    ("end", lambda cars, value: cars.icalendar(ID, FRIDAY, value), [FRIDAY, NAIVE]),
    ("end", lambda cars, value: cars.utilisation(MONDAY, value), [MONDAY, None, NAIVE]),
    ("start", lambda cars, value: cars.utilisation(value, FRIDAY), [None, NAIVE]),
    (
        "step",
        lambda cars, value: cars.utilisation(MONDAY, FRIDAY, value),
        [timedelta(), timedelta(seconds=-1), timedelta(milliseconds=1500), 60, timedelta(seconds=345)],
    ),
    ("available_to", lambda cars, value: cars.resources(available_from=FRIDAY, available_to=value), [FRIDAY, NAIVE]),
    ("quantity", lambda cars, value: cars.allocate_several(value, MONDAY, FRIDAY), [1, 101, 2.0, True, "2"]),
    ("hold_seconds", lambda cars, value: cars.allocate_any(None, None, hold_seconds=value), [0, 86401, 1.5, True]),
    ("hold_seconds", lambda cars, value: cars.update(ID, status="confirmed", hold_seconds=value), [60]),
    ("seconds", lambda cars, value: cars.extend_hold(ID, value), [0, 86401, None]),
    ("status", lambda cars, value: cars.update(ID, status=value), ["held", None]),
    ("status", lambda cars, value: cars.allocations(status=value), ["free"]),
    ("order", lambda cars, value: cars.allocations(order=value), ["to", ""]),
    ("order", lambda cars, value: cars.resources(order=value), ["-name"]),
    ("allocation_type", lambda cars, value: cars.allocate_any(None, None, allocation_type=value), ["", "a" * 21, None]),
    ("description", lambda cars, value: cars.update(ID, description=value), ["a" * 101, 1]),
    ("reference", lambda cars, value: cars.update(ID, reference=value), ["", "a" * 129, " a", "a\n", 4711]),
    ("reference", lambda cars, value: cars.allocations(reference=value), ["", 4711]),
    (
        "dump",
        lambda cars, value: cars.update(ID, dump=value),
        [[], None, {"a": "b" * 16384}, deep(32), {"a": {1}}, {1: 1}, {"a": [2**64]}, {"a": "\udc00"}, {"a": "\0"}],
    ),
    ("resource_id", lambda cars, value: cars.allocate(value, MONDAY, FRIDAY), ["any", "all", "", None, f"{ID}/x"]),
    ("resource_id", lambda cars, value: cars.move(ID, value), ["any", "x"]),
    ("allocation_id", lambda cars, value: cars.deallocate(value), ["..", "all"]),
    ("resource_ids", lambda cars, value: cars.allocations(resource_ids=value), [["x"], [ID] * 101, ID]),
    ("page_size", lambda cars, value: cars.resources(page_size=value), [0, 1001, "10"]),
    ("key", lambda cars, value: cars.register("A", key=value), ["", "a key", "k" * 256, "schlüssel", 5, b"k"]),
    ("key", lambda cars, value: cars.update_several([{"id": ID}], key=value), ["a key"]),
    ("changes", lambda cars, value: cars.update_several(value), [[], [{"id": ID}] * 2, [{"id": ID}] * 101]),
    ("changes[0].end", lambda cars, value: cars.update_several([{"id": ID, "end": value}]), [NAIVE]),
    ("changes[0].version", lambda cars, value: cars.update_several([{"id": ID, "version": value}]), [0, "1", True]),
    ("changes[0].ends", lambda cars, value: cars.update_several([{"id": ID, "ends": value}]), [FRIDAY]),
    ("changes[0].id", lambda cars, value: cars.update_several([{"id": value}]), ["any", None]),
    ("timeout", lambda cars, value: cars.resource(ID, timeout=value), [0, -1, "1", float("nan"), True]),
    ("deadline", lambda cars, value: cars.register("A", deadline=value), [0, -1, "1"]),
    ("headers", lambda cars, value: cars.resource(ID, headers=value), [{"if-match": "*"}, {"Idempotency-Key": "a"}]),
    ("headers['X-A']", lambda cars, value: cars.resource(ID, headers={"X-A": value}), ["a\r\nX-B: c", "é", " a"]),
]
CASES = [(name, call, value) for name, call, values in REFUSED for value in values]


@table_driven(("name", "call", "value"), CASES)
def test_what_the_contract_refuses_raises_with_the_name_of_the_argument(connect, name, call, value):
    client, transport = connect()
    with pytest.raises((ValueError, TypeError)) as error:
        next(iter(call(client.collection("cars"), value) or ()))
    assert str(error.value).startswith((f"{name}: ", f"{name}[", f"{name}:"))
    assert transport.requests == []


CALLS = [
    lambda cars: cars.confirm(ID, if_macth=1),
    lambda cars: cars.resources(naem="A"),
    lambda cars: cars.update(ID, ends=FRIDAY),
    lambda cars: cars.register("A", colour="red"),
    lambda cars: cars.allocate(ID, MONDAY, FRIDAY, seconds=60),
    lambda cars: cars.gbfs(version=3),
]


@table_driven("call", CALLS)
def test_an_unknown_argument_raises_type_error(connect, call):
    client, transport = connect()
    with pytest.raises(TypeError, match=r"unexpected arguments: \w+$"):
        call(client.collection("cars"))
    assert transport.requests == []


# Values at the limits of the contract.
NAMES = ["a", "a" * 36, "é" * 36, "e\u0301" * 36, "a b", "车 1"]
ATTRIBUTES = [
    {f"{number:064}": number for number in range(32)},
    {"a": "b" * 256, "b": -(2**63), "c": 2**63 - 1, "d": True, "e": 1e300, "f": "", "g": "é"},
]
DUMPS = [{}, {"a": "b" * 16376}, {"a": "é" * 8188}, deep(30), {"a": [1, 2.5, None, True, "x", []]}, {"": 1}]
START, END = datetime(1900, 1, 1, tzinfo=UTC), LATE - timedelta(microseconds=1)


@table_driven("name", NAMES)
def test_names_at_the_limits_are_accepted(lorries, name):
    lorry = lorries.register(name)
    assert [one.id for one in lorries.resources(name=name, name_prefix=name)] == [lorry.id]
    lorries.decommission(lorry.id)


@table_driven("attributes", ATTRIBUTES)
def test_attributes_at_the_limits_are_accepted(lorries, attributes):
    lorry = lorries.register("Lorry1", attributes=attributes)
    assert lorry.attributes == attributes
    assert lorry in lorries.resources(attributes=attributes)
    lorries.decommission(lorry.id)


@table_driven("dump", DUMPS)
def test_dumps_at_the_limits_are_accepted(lorries, booking, dump):
    assert lorries.update(booking.id, dump=dump).dump == dump


def test_other_values_at_the_limits_are_accepted(lorries, lorry):
    options = {"allocation_type": "a" * 20, "description": "", "reference": "é" * 128, "key": "~" * 255}
    allocation = lorries.allocate(lorry.id, START, END, hold_seconds=86_400, **options)
    assert (allocation.start, allocation.end) == (START, END)
    assert lorries.update(allocation.id, description="\n" * 100).description == "\n" * 100
    [listed] = lorries.allocations(reference="é" * 128, allocation_type="a" * 20, page_size=1000)
    assert listed.id == allocation.id
    lorries.extend_hold(allocation.id, 1)
    steps = lorries.utilisation(MONDAY, MONDAY + timedelta(seconds=1000), timedelta(seconds=1)).steps
    assert len(steps) == 1000
