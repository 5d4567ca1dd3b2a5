"""Histories of a correct service violate no rule, also if many calls are in progress at the same time."""

import pytest
from proof.checker.check import check
from proof.history.synthetic import Service, random_history


def test_a_history_of_every_operation_violates_no_rule(service, violated):
    other = service.register("car-2")
    first = service.create(service.car, (1, 3), key="k1")
    second = service.create_any((1, 3))
    service.create(service.car, (2, 4))
    service.create_any((1, 2))
    hold = service.create(other, (5, 6), hold_seconds=600)
    service.change(hold, status="confirmed")
    service.change(first, hours=(2, 4), if_match=1)
    service.change_list([(first, {"resource_id": other["id"]}), (second, {"resource_id": service.car["id"]})])
    service.availability(other)
    service.read_list(service.car)
    service.cancel(second)
    service.cancel(second)
    third = service.register("lorry-1", "lorries")
    service.create(third, (1, 2), hold_seconds=600)
    service.decommission(third)
    assert violated() == set()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_history_with_calls_at_the_same_time_violates_no_rule(tmp_path, seed):
    random_history(tmp_path, 3000, seed)
    assert check(tmp_path).violated == []


def test_a_change_may_be_made_at_any_time_of_its_call(service, violated):
    """A second create succeeds while the cancellation of the first one has no answer yet."""
    first = service.create(service.car, (1, 3))
    service.cancel(first)
    service.calls[-1]["end"] += 5
    service.create(service.car, (2, 4))
    assert violated() == set()


def test_an_unknown_outcome_may_be_a_change_or_none(service, violated):
    first = service.create(service.car, (1, 3))
    service.calls[-1] |= {"status": None, "answer": None}
    service.create(service.car, (2, 4))
    service.cancel(first)
    service.calls[-1] |= {"status": None, "answer": None}
    service.create(service.car, (2, 4))
    unexecuted = dict(service.calls[-1]) | {"request_id": "lost", "status": None, "answer": None}
    service.calls.append(unexecuted | {"body": unexecuted["body"] | {"reference": "lost"}})
    assert violated() == set()


def test_a_hold_ends_when_it_expires(service, violated):
    service.create(service.car, (1, 3), hold_seconds=2)
    hold = service.events[-1]
    service.now += 5
    # The service deletes the expired hold before the next create.
    row = service.allocations.pop(hold["data"]["id"])
    service._of_vehicle[service.car["id"]].clear()
    service._event("expired", row, {"request_id": None})
    service.create(service.car, (1, 3))
    assert violated() == set()


def test_events_of_vehicles_that_the_faults_use_are_left_out(service, violated):
    event = {"id": "e", "at": "2026-01-01T00:00:00Z", "kind": "resource_registered", "resource_type": "Truck"}
    service.events.append(event)
    service.create(service.car, (1, 3))
    assert violated() == set()


def test_a_synthetic_service_answers_conflicts():
    service = Service()
    car = service.register("car-1")
    service.create(car, (1, 3))
    assert service.create(car, (2, 4))["code"] == "period_taken"
    assert service.create_any((1, 2))["code"] == "none_available"
