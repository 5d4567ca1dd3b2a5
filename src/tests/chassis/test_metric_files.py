"""The metrics files: a full file system does not stop a worker, and a broken file does not break the metrics."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import values

from invsys.chassis.ops import metric_files
from invsys.chassis.server import command as server

# Requests as many routes as the argument says, and prints the set of statuses and the text of /metrics.
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
response = client.get("/metrics")
print(response.status_code, response.text)
"""
ON_SMALL_DISK = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"'
MAY_MOUNT = subprocess.run(["unshare", "--mount", "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0


def run_worker(folder: Path, routes: int, *prefix: str) -> list[str]:
    """Run a worker with its files in ``folder``, and return the lines of its output."""
    command = [*prefix, sys.executable, "-c", WORKER, str(routes)]
    environ = os.environ | {metric_files.DIRECTORY_VARIABLE: str(folder)}
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(not MAY_MOUNT, reason="mounting a small file system requires root")
@pytest.mark.parametrize(("size", "routes"), [("4k", 1), ("64k", 60), ("100k", 60), ("200k", 120)])
def test_a_worker_keeps_serving_when_the_file_system_is_full(tmp_path: Path, size: str, routes: int) -> None:
    prefix = ("unshare", "--mount", "sh", "-c", ON_SMALL_DISK, "sh", size, str(tmp_path))
    statuses, metrics, *_ = run_worker(tmp_path, routes, *prefix)
    assert statuses == "{200}"
    assert metrics == f"503 cannot allocate the metrics files in {tmp_path}: No space left on device"


@pytest.mark.parametrize(("size", "routes"), [(0, 1), (4096, 120), (2**16, 120), (100_000, 120)])
def test_a_worker_keeps_serving_at_the_limit_of_file_sizes(tmp_path: Path, size: int, routes: int) -> None:
    statuses, metrics, *_ = run_worker(tmp_path, routes, "prlimit", f"--fsize={size}")
    assert statuses == "{200}"
    assert metrics == f"503 cannot allocate the metrics files in {tmp_path}: File too large"


def test_a_worker_keeps_serving_when_its_folder_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    statuses, metrics, *_ = run_worker(tmp_path / "file" / "folder", 1)
    assert statuses == "{200}"
    assert metrics.startswith("503 cannot allocate the metrics files in")


def test_many_series_are_counted_if_there_is_space(tmp_path: Path) -> None:
    statuses, *lines = run_worker(tmp_path, 120)
    assert statuses == "{200}"
    assert sum("_count{" in line and line.endswith(" 1.0") for line in lines) == 120


@pytest.fixture
def in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder for the metrics files of this process."""
    monkeypatch.setenv(metric_files.DIRECTORY_VARIABLE, str(tmp_path))
    monkeypatch.setattr(metric_files, "_reasons", [])
    return tmp_path


def test_values_are_kept_when_a_file_cannot_grow(in_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metric_dict = metric_files._AllocatedDict(str(in_files / "counter_1.db"))
    metric_dict.write_value("first", 1.0, 0.0)
    with file_size_limit(2**16 - 1):
        for number in range(5000):
            metric_dict.write_value(f"value {number}", number, 0.0)
        unstored = metric_files._AllocatedDict(str(in_files / "counter_2.db"))
        unstored.write_value("second", 2.0, 0.0)
    assert metric_dict.read_value("first")[0] == 1.0
    assert [metric_dict.read_value(f"value {number}")[0] for number in range(5000)] == list(range(5000))
    assert unstored.read_value("second")[0] == 2.0
    assert "File too large" in metric_files.failure_reason()
    metric_dict.close()
    unstored.close()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Limit the size of the files that this process writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_space_is_allocated_before_it_is_used(in_files: Path) -> None:
    file = in_files / "counter_1.db"
    metric_dict = metric_files._AllocatedDict(str(file))
    for number in range(5000):
        metric_dict.write_value(f"value {number}", number, 0.0)
        if number % 500 == 0:
            assert file.stat().st_blocks * 512 >= file.stat().st_size
    assert file.stat().st_size > 2**16
    metric_dict.close()


@pytest.mark.parametrize("content", [b"", b"\0", b"\0" * 70_000, b"\xff" * 100, b"\x50\0\0\0garbage", b"\0\0\1\0"])
def test_an_unreadable_file_is_skipped(in_files: Path, content: bytes) -> None:
    key = '["things", "things_total", {}, "help"]'
    metric_dict = metric_files._AllocatedDict(str(in_files / "counter_1.db"))
    metric_dict.write_value(key, 7.0, 0.0)
    (in_files / "counter_2.db").write_bytes(content)
    (in_files / "histogram_2.db").write_bytes(content)
    values = {sample.value for family in metric_files.registry().collect() for sample in family.samples}
    assert values == {7.0}
    metric_dict.close()


def test_a_removed_folder_is_created_again(in_files: Path) -> None:
    in_files.rmdir()
    assert list(metric_files.registry().collect()) == []


def test_without_a_folder_prometheus_client_counts_in_memory() -> None:
    assert values.ValueClass is values.MutexValue


@pytest.mark.parametrize("runtime", ["run", "run:other"])
def test_the_folder_is_in_the_runtime_directory(tmp_path: Path, runtime: str) -> None:
    (tmp_path / "run").mkdir()
    folder = Path(server._metrics_directory({"RUNTIME_DIRECTORY": f"{tmp_path}/{runtime}"}))
    assert folder.parent == tmp_path / "run"


def test_without_a_usable_runtime_directory_the_folder_is_in_memory(tmp_path: Path) -> None:
    folder = Path(server._metrics_directory({"RUNTIME_DIRECTORY": str(tmp_path / "missing")}))
    folder.rmdir()
    assert folder.parent == Path("/dev/shm") or not os.access("/dev/shm", os.W_OK)


def test_folders_of_ended_servers_are_removed(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    (tmp_path / f"invsys-metrics-{ended.pid}-x").mkdir()
    folder = server._metrics_directory({"RUNTIME_DIRECTORY": str(tmp_path)})
    assert [str(path) for path in tmp_path.iterdir()] == [folder]
