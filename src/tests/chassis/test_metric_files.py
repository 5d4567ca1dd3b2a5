"""The metrics files: a full file system stops no worker, and a broken file does not stop the figures."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import values

from invsys.chassis.ops import metric_files
from invsys.chassis.server import command as server

# Requests as many routes as the argument says, and prints the status of each and the text of /metrics.
WORKER = """
import sys
from flask import Flask
from invsys.chassis.ops import metrics
app = Flask("tiny", static_folder=None)
metrics.register(app)
for number in range(int(sys.argv[1])):
    app.add_url_rule(f"/cars/{number}", f"car{number}", lambda: "")
client = app.test_client()
print({client.get(f"/cars/{number}").status_code for number in range(int(sys.argv[1]))})
answer = client.get("/metrics")
print(answer.status_code, answer.text)
"""
ON_SMALL_DISK = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"'
MAY_MOUNT = subprocess.run(["unshare", "--mount", "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0


def answered(folder: Path, routes: int, *prefix: str) -> list[str]:
    """Return the output of a worker whose files are in a folder."""
    command = [*prefix, sys.executable, "-c", WORKER, str(routes)]
    environ = os.environ | {metric_files.DIRECTORY_VARIABLE: str(folder)}
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(not MAY_MOUNT, reason="mounting a small file system takes root")
@pytest.mark.parametrize(("size", "routes"), [("4k", 1), ("64k", 60), ("100k", 60), ("200k", 120)])
def test_a_worker_keeps_serving_when_the_file_system_is_full(tmp_path: Path, size: str, routes: int) -> None:
    small = ("unshare", "--mount", "sh", "-c", ON_SMALL_DISK, "sh", size, str(tmp_path))
    statuses, metrics, *_ = answered(tmp_path, routes, *small)
    assert statuses == "{200}"
    assert metrics == f"503 cannot allocate the metrics files in {tmp_path}: No space left on device"


def test_a_worker_keeps_serving_when_its_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    statuses, metrics, *_ = answered(tmp_path / "file" / "folder", 1)
    assert statuses == "{200}"
    assert metrics.startswith("503 cannot allocate the metrics files in")


def test_many_series_are_counted_where_there_is_room(tmp_path: Path) -> None:
    statuses, *figures = answered(tmp_path, 120)
    assert statuses == "{200}"
    assert sum("_count{" in line and line.endswith(" 1.0") for line in figures) == 120


@pytest.fixture
def in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in which this process counts."""
    monkeypatch.setenv(metric_files.DIRECTORY_VARIABLE, str(tmp_path))
    monkeypatch.setattr(metric_files, "_reasons", [])
    return tmp_path


def test_values_are_kept_when_a_file_cannot_grow(in_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = metric_files._AllocatedDict(str(in_files / "counter_1.db"))
    counted.write_value("first", 1.0, 0.0)

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    for number in range(5000):
        counted.write_value(f"value {number}", number, 0.0)
    assert counted.read_value("first")[0] == 1.0
    assert [counted.read_value(f"value {number}")[0] for number in range(5000)] == list(range(5000))
    assert "No space left" in metric_files.reason()
    counted.close()


def test_room_is_allocated_before_it_is_used(in_files: Path) -> None:
    file = in_files / "counter_1.db"
    counted = metric_files._AllocatedDict(str(file))
    for number in range(5000):
        counted.write_value(f"value {number}", number, 0.0)
        if number % 500 == 0:
            assert file.stat().st_blocks * 512 >= file.stat().st_size
    assert file.stat().st_size > 2**16
    counted.close()


@pytest.mark.parametrize("content", [b"", b"\0", b"\0" * 70_000, b"\xff" * 100, b"\x50\0\0\0garbage", b"\0\0\1\0"])
def test_a_file_that_cannot_be_read_is_left_out(in_files: Path, content: bytes) -> None:
    key = '["things", "things_total", {}, "help"]'
    counted = metric_files._AllocatedDict(str(in_files / "counter_1.db"))
    counted.write_value(key, 7.0, 0.0)
    (in_files / "counter_2.db").write_bytes(content)
    (in_files / "histogram_2.db").write_bytes(content)
    figures = {sample.value for family in metric_files.registry().collect() for sample in family.samples}
    assert figures == {7.0}
    counted.close()


def test_a_folder_that_was_removed_is_made_again(in_files: Path) -> None:
    in_files.rmdir()
    assert list(metric_files.registry().collect()) == []


def test_prometheus_client_counts_in_memory_where_no_folder_is_named() -> None:
    assert values.ValueClass is values.MutexValue


@pytest.mark.parametrize("runtime", ["run", "run:other"])
def test_the_folder_is_that_of_the_runtime_directory(tmp_path: Path, runtime: str) -> None:
    (tmp_path / "run").mkdir()
    made = Path(server._metrics_directory({"RUNTIME_DIRECTORY": f"{tmp_path}/{runtime}"}))
    assert made.parent == tmp_path / "run"


def test_without_a_usable_runtime_directory_the_folder_is_in_memory(tmp_path: Path) -> None:
    made = Path(server._metrics_directory({"RUNTIME_DIRECTORY": str(tmp_path / "missing")}))
    made.rmdir()
    assert made.parent == Path("/dev/shm") or not os.access("/dev/shm", os.W_OK)


def test_folders_of_servers_that_are_gone_are_removed(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    (tmp_path / f"invsys-metrics-{gone.pid}-x").mkdir()
    made = server._metrics_directory({"RUNTIME_DIRECTORY": str(tmp_path)})
    assert [str(folder) for folder in tmp_path.iterdir()] == [made]
