"""Answers that the history does not explain, and the rules that find it."""

import pytest


@pytest.fixture
def refused_create(service):
    """An allocation, and a refused create that overlaps it."""
    row = service.create(service.car, (1, 3))
    service.create(service.car, (2, 4))
    return row, service.calls[-1]["answer"]


def test_a_conflict_that_had_ended(service, violated, refused_create):
    row, refusal = refused_create
    service.cancel(row)
    service._refuse(service._call("create", "POST", service.calls[1]["path"], service.calls[2]["body"]), "x", [])
    service.calls[-1]["answer"] = refusal
    assert violated() == {"refusals"}


def test_a_conflict_that_nobody_knows(violated, refused_create):
    refused_create[1]["conflicts"][0]["version"] = 7
    assert violated() >= {"refusals"}


def test_a_conflict_that_does_not_overlap(service, violated, refused_create):
    service.calls[-1]["body"] = service.calls[-1]["body"] | {
        "from_datetime": "2099-01-02T00:00:00Z",
        "to_datetime": "2099-01-02T01:00:00Z",
    }
    assert violated() == {"refusals"}


def test_a_change_that_conflicts_with_its_own_row(service, violated, refused_create):
    service.change(refused_create[0], hours=(2, 4))
    service.events.pop()
    service.allocations[refused_create[0]["id"]] = refused_create[0]
    service.calls[-1] |= {"status": 409, "answer": refused_create[1]}
    assert violated() == {"refusals"}


def test_an_expired_hold_that_still_blocks(service, violated):
    service.create(service.car, (1, 3), hold_seconds=2)
    service.now += 5
    service.create(service.car, (2, 4))
    assert violated() == {"refusals"}


def test_an_existing_allocation_that_is_not_found(service, violated, refused_create):
    service.cancel(refused_create[0] | {"id": "unknown"})
    service.calls[-1]["path"] = f"/api/cars/all/allocations/{refused_create[0]['id']}"
    assert violated() == {"refusals"}


def test_a_version_that_matched(service, violated, refused_create):
    service.cancel(refused_create[0] | {"id": "unknown"})
    service.calls[-1] |= {"path": f"/api/cars/all/allocations/{refused_create[0]['id']}", "if_match": 1}
    service.calls[-1] |= {"status": 412, "answer": {"code": "version_mismatch"}}
    assert violated() == {"refusals"}


def test_a_version_that_was_ignored(service, violated, refused_create):
    service.change(refused_create[0], description="a")
    service.change(refused_create[0], description="b", if_match=1)
    assert violated() == {"versions"}


def test_none_available_although_a_car_was_free(service, violated):
    service._conflicts = lambda row: [row]
    service.create_any((1, 3))
    assert violated() == {"none_available"}


def test_no_answer_is_an_internal_error(service, violated, refused_create):
    service.calls[-1] |= {"status": 500, "answer": {"code": "internal_error"}}
    assert violated() == {"answers"}


def test_the_database_is_not_overloaded_at_once(service, violated, refused_create):
    service.calls[-1] |= {"status": None, "answer": None, "reason": "503 The database is overloaded."}
    assert violated() == {"busy"}


def test_availability_that_lacks_an_allocation(service, violated, refused_create):
    before = service.availability(service.car)["free"]
    answer = service.availability(service.car)
    assert before == answer["free"]
    answer |= {"busy": [], "free": [before[0] | {"to_datetime": before[-1]["to_datetime"]}]}
    assert violated() == {"availability"}


def test_availability_that_shows_a_cancelled_allocation(service, violated, refused_create):
    old = service.availability(service.car)
    service.cancel(refused_create[0])
    service.availability(service.car).update(old)
    assert violated() == {"availability"}


@pytest.mark.parametrize(("age", "rules"), [(8, {"availability"}), (12, set())])
def test_the_answer_of_a_standby_was_right_within_its_age(service, violated, refused_create, age, rules):
    old = service.availability(service.car)
    service.cancel(refused_create[0])
    service.now += 10
    service.availability(service.car).update(old)
    service.calls[-1]["age"] = age
    assert violated() == rules


def test_a_list_that_lacks_an_allocation(service, violated, refused_create):
    service.read_list(service.car).clear()
    assert violated() == {"lists"}


def test_a_list_that_shows_a_cancelled_allocation(service, violated, refused_create):
    service.cancel(refused_create[0])
    service.read_list(service.car).append(refused_create[0])
    assert violated() == {"lists"}


def test_a_list_whose_rows_overlap(service, violated):
    """Both existed during the call, but never at the same time."""
    first = service.create(service.car, (1, 3))
    service.cancel(first)
    second = service.create(service.car, (2, 4))
    answer = service.read_list(service.car)
    service.calls[-1]["begin"] -= 4
    answer[:] = [first, second]
    assert violated() == {"lists"}
