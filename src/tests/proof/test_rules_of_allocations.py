"""Histories that break the promise, and the rules that find it: overlaps, lost and repeated changes."""

import uuid


def without_conflicts(service):
    """Let the service accept everything."""
    service._conflicts = lambda row: []


def test_two_confirmed_allocations_that_overlap(service, violated):
    without_conflicts(service)
    service.create(service.car, (1, 3))
    service.create(service.car, (2, 4))
    assert {"confirmed_overlap", "strict_replay"} == violated()


def test_a_change_that_makes_allocations_overlap(service, violated):
    without_conflicts(service)
    first = service.create(service.car, (1, 2))
    service.create(service.car, (2, 4))
    service.change(first, hours=(1, 3))
    assert "confirmed_overlap" in violated()


def test_an_overlap_is_found_although_it_was_removed_again(service, violated):
    without_conflicts(service)
    first = service.create(service.car, (1, 3))
    second = service.create(service.car, (2, 4))
    service.cancel(first)
    service.cancel(second)
    assert "confirmed_overlap" in violated()


def test_an_overlap_with_an_allocation_that_is_being_described(service, violated):
    """During a change that keeps the period, the period stays taken."""
    without_conflicts(service)
    first = service.create(service.car, (1, 3))
    service.change(first, description="b")
    service.calls[-1]["end"] += 10
    second = service.create(service.car, (2, 4))
    service.cancel(second)
    assert "confirmed_overlap" in violated()


def test_an_allocation_that_overlaps_a_hold(service, violated):
    without_conflicts(service)
    service.create(service.car, (1, 3), hold_seconds=600)
    service.create(service.car, (2, 4))
    assert {"held_overlap", "strict_replay"} == violated()


def test_a_lost_allocation(service, violated):
    row = service.create(service.car, (1, 3))
    del service.allocations[row["id"]]
    assert violated() == {"acknowledged", "strict_replay"}


def test_a_change_that_was_undone(service, violated):
    row = service.create(service.car, (1, 3))
    service.change(row, hours=(5, 6))
    service.allocations[row["id"]] = row
    assert violated() == {"acknowledged", "strict_replay"}


def test_an_allocation_that_came_back(service, violated):
    row = service.create(service.car, (1, 3))
    service.cancel(row)
    service.allocations[row["id"]] = row
    assert violated() == {"acknowledged", "strict_replay"}


def test_a_lost_vehicle(service, violated):
    del service.vehicles[service.car["id"]]
    assert violated() == {"acknowledged", "strict_replay"}


def test_an_allocation_without_a_request(service, violated):
    service.create(service.car, (1, 3))
    service.calls.pop()
    assert violated() == {"requested"}


def test_an_allocation_of_another_period_than_requested(service, violated):
    service.create(service.car, (1, 3))
    service.calls[-1]["body"]["from_datetime"] = "2099-01-01T00:00:00Z"
    assert violated() == {"requested"}


def test_a_key_with_two_results(service, violated):
    service.create(service.car, (1, 3), key="k")
    service.create(service.car, (5, 6), key="k")
    service.calls[-1]["body"] = service.calls[-2]["body"]
    assert violated() >= {"one_key_one_result", "executed_once"}


def test_a_key_that_is_refused_after_its_success(service, violated):
    service.create(service.car, (1, 3), key="k")
    service.create(service.car, (1, 3), key="k")
    assert violated() == {"one_key_one_result"}


def test_a_replayed_key_violates_no_rule(service, violated):
    service.create(service.car, (1, 3), key="k")
    first = service.calls[-1]
    service.calls.append({**first, "request_id": "again", "replayed": True, "begin": 20.0, "end": 21.0})
    assert violated() == set()


def test_a_request_without_a_key_that_was_executed_twice(service, violated):
    row = service.create(service.car, (1, 3))
    copy = row | {"id": str(uuid.uuid4())} | {name: row[name].replace("T0", "T1") for name in ("from_datetime",)}
    copy["to_datetime"] = row["to_datetime"].replace("T0", "T1")
    service._put(copy)
    service._event("allocated", copy, service.calls[-1])
    assert violated() == {"executed_once"}


def test_a_hold_that_outlives_its_vehicle(service, violated):
    row = service.create(service.car, (1, 3), hold_seconds=600)
    service.decommission(service.car)
    service.events = [event for event in service.events if event["kind"] != "deallocated"]
    assert row["status"] == "held"
    assert violated() == {"strict_replay"}


def test_a_check_that_fails(violated):
    assert violated(status=1) == {"check_passes"}
