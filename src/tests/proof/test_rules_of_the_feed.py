"""Feeds that do not retell the history, and the rules that find it."""

import json

import pytest


@pytest.fixture
def rows(service):
    """Two allocations that follow each other."""
    return service.create(service.car, (1, 3)), service.create(service.car, (3, 5))


def test_a_lost_event_of_a_create(service, violated, rows):
    service.events.pop()
    assert violated() == {"feed_complete", "strict_replay"}


def test_a_lost_event_of_a_change(service, violated, rows):
    service.change(rows[0], description="a")
    service.change(rows[0], description="b")
    del service.events[-2]
    assert violated() == {"feed_complete", "strict_replay"}


def test_a_lost_event_of_a_cancellation(service, violated, rows):
    service.cancel(rows[0])
    service.events.pop()
    assert violated() == {"feed_complete", "strict_replay"}


def test_an_event_twice(service, violated, rows):
    service.events.append(service.events[-1] | {"id": "another"})
    assert violated() >= {"feed_complete"}


def test_events_in_the_wrong_order(service, violated, rows):
    service.events[-2:] = reversed(service.events[-2:])
    assert violated() == {"causal_order"}


def test_an_event_before_the_one_that_made_room(service, violated, rows):
    service.cancel(rows[0])
    service.create(service.car, (1, 2))
    service.events[-2:] = reversed(service.events[-2:])
    assert violated() == {"causal_order", "strict_replay"}


def test_a_reader_that_skipped_an_event(service, violated, rows, tmp_path):
    ids = [event["id"] for event in service.events]
    (tmp_path / "feed-r0.jsonl").write_text(json.dumps({"ids": [ids[0], ids[2]]}) + "\n")
    assert violated() == {"feed_readers"}


def test_a_reader_that_got_an_event_twice(service, violated, rows, tmp_path):
    ids = [event["id"] for event in service.events]
    (tmp_path / "feed-r0.jsonl").write_text(json.dumps({"ids": [ids[0], ids[0], *ids[1:]]}) + "\n")
    assert violated() == {"feed_readers"}


def test_a_reader_that_missed_the_end(service, violated, rows, tmp_path):
    (tmp_path / "feed-r0.jsonl").write_text(json.dumps({"ids": [service.events[0]["id"]]}) + "\n")
    assert violated() == {"feed_readers"}


def test_an_event_that_the_recorder_missed(service, violated, rows, tmp_path):
    ids = [event["id"] for event in service.events]
    (tmp_path / "feed-r0.jsonl").write_text(json.dumps({"ids": [*ids, "unknown"]}) + "\n")
    assert violated() == {"feed_readers"}


def test_a_reader_that_got_an_error_and_then_the_rest(service, violated, rows, tmp_path):
    ids = [event["id"] for event in service.events]
    lines = [{"ids": ids[:1]}, {"status": 500, "answer": {}}, {"ids": ids[1:]}]
    (tmp_path / "feed-r0.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert violated() == {"feed_readers"}


def test_a_recorder_that_got_an_error(service, violated, rows):
    service.events.append({"status": 500, "answer": {}, "id": "none"})
    assert violated() == {"feed_readers"}


def test_after_purge_the_last_reader_gets_only_the_end(service, violated, rows, tmp_path):
    service.write = _with_purged_feed(service)
    assert violated() == set()


def _with_purged_feed(service):
    write = service.write

    def write_without_the_first(folder, status):
        write(folder, status)
        path = folder / "feed-final.jsonl"
        ids = json.loads(path.read_text())["ids"]
        path.write_text(json.dumps({"ids": ids[1:]}) + "\n")

    return write_without_the_first


def test_a_version_is_skipped(service, violated, rows):
    service.allocations[rows[0]["id"]] = rows[0] | {"version": 2}
    service.change(rows[0], description="a")
    assert violated() == {"versions", "strict_replay"}


def test_one_version_has_two_contents(service, violated, rows):
    service.events[-1]["data"] = rows[1] | {"description": "another"}
    assert violated() == {"versions"}


def test_a_part_of_a_change_list(service, violated, rows):
    service.change_list([(rows[0], {"hours": (3, 5)}), (rows[1], {"hours": (1, 3)})])
    assert violated() == set()


def test_a_change_list_that_lacks_an_event(service, violated, rows):
    service.change_list([(rows[0], {"hours": (3, 5)}), (rows[1], {"hours": (1, 3)})])
    service.events.pop()
    assert violated() == {"feed_complete", "strict_replay"}


@pytest.mark.parametrize(("status", "rules"), [(0, {"feed_complete"}), (1, {"feed_complete"}), (None, set())])
def test_an_import_without_its_events(service, violated, rows, status, rules):
    row = {"resource_type": "Car", "name": "car-1", "reference": "import-1-1"}
    call = {"request_id": "import-1", "operation": "import", "method": "COMMAND", "path": "import", "body": [row]}
    service.calls.append(call | {"begin": 1.0, "end": 2.0, "status": status, "answer": []})
    assert violated() == rules


def test_a_fault_with_a_problem(violated, rows, tmp_path):
    fault = {"name": "backup", "begin": 1.0, "end": 2.0, "recovered": 3.0, "recovery": 1.0, "problem": "a row is lost"}
    (tmp_path / "faults.jsonl").write_text(json.dumps(fault) + "\n")
    assert violated() == {"faults_recover"}
