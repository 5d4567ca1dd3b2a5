"""Several processes, each with threads, want the same period at the same moment."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

PROCESSES, THREADS, ROUNDS = 3, 4, 15
RACER = Path(__file__).parent / "racer.py"


def test_every_round_of_a_race_has_one_winner(client, database_url):
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"] + "/allocations"
    with ExitStack() as stack:
        command = [sys.executable, str(RACER), database_url, str(THREADS)]
        racers = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(PROCESSES)
        ]
        for hour in range(ROUNDS):
            body = f'{{"from_datetime": "2026-01-01T{hour:02}:00Z", "to_datetime": "2026-01-01T{hour + 1:02}:00Z"}}'
            for racer in racers:
                racer.stdin.write(f"{path} {body}\n")
                racer.stdin.flush()
            statuses = [status for racer in racers for status in racer.stdout.readline().split()]
            assert sorted(statuses) == ["201"] + ["409"] * (PROCESSES * THREADS - 1)
        for racer in racers:
            racer.stdin.close()
    assert len(client.get(path).json) == ROUNDS


def test_overlapping_wishes_of_a_race_leave_no_two_that_overlap(client, database_url):
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"] + "/allocations"
    with ExitStack() as stack:
        command = [sys.executable, str(RACER), database_url, str(THREADS)]
        racers = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(PROCESSES)
        ]
        for hour in range(ROUNDS):
            for late, racer in enumerate(racers):
                start, end = hour, hour + 2 + late
                body = f'{{"from_datetime": "2026-01-01T{start:02}:00Z", "to_datetime": "2026-01-01T{end:02}:00Z"}}'
                racer.stdin.write(f"{path} {body}\n")
                racer.stdin.flush()
            statuses = {status for racer in racers for status in racer.stdout.readline().split()}
            assert statuses <= {"201", "409"}
        for racer in racers:
            racer.stdin.close()
    made = client.get(path).json
    assert made
    assert all(one["to_datetime"] <= next_["from_datetime"] for one, next_ in zip(made, made[1:], strict=False))
