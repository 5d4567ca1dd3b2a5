"""``python -m benchmarks.cost`` measures every row, and refuses a tree that costs more than an earlier one."""

import dataclasses
import importlib
import json
import os
import re
import subprocess
import sys

import pytest

from tests.support.paths import PROJECT

ROWS = ["create", "refused", "get", "list of 100", "PATCH", "gateway get"]
TINY = ["--processes", "1", "--rounds", "1", "--requests", "2"]
EARLIER = "earlier.json"


def run(folder, *arguments):
    command = [sys.executable, "-m", "benchmarks.cost", *arguments]
    environ = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run(command, check=False, cwd=PROJECT, env=environ, capture_output=True, text=True)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run with few requests, and the figures that it saved."""
    folder = tmp_path_factory.mktemp("cost")
    done = run(folder, *TINY, "--json", str(folder / EARLIER))
    assert (done.returncode, done.stderr) == (0, "")
    return done, json.loads((folder / EARLIER).read_text())


def test_every_row_is_printed_and_saved(first):
    done, saved = first
    lines = done.stdout.splitlines()
    assert lines[0].startswith("SQLite, Python 3.")
    assert [line.split("  ")[0] for line in lines[2:]] == ROWS == list(saved["rows"])
    for line, row in zip(lines[2:], saved["rows"].values(), strict=True):
        assert line.split()[-4:] == [str(row[name]) for name in ("calls", "floor_calls", "c_calls", "floor_c_calls")]


def compare(folder, saved):
    """Run again, and compare with other figures; return the exit status and the lines below the table."""
    file = folder / EARLIER
    file.write_text(json.dumps(saved))
    done = run(folder, *TINY, "--compare", str(file))
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()[2 + len(ROWS) :]


def patient(first):
    """Return the figures with ratios that no run reaches, because the CPU time of few requests is too noisy."""
    saved = json.loads(json.dumps(first[1]))
    for row in saved["rows"].values():
        row["ratio"] *= 1000
    return saved


def test_a_tree_that_costs_more_is_refused(first, tmp_path):
    saved = patient(first)
    saved["rows"]["PATCH"]["calls"] -= 100
    saved["rows"]["create"]["ratio"] /= 1_000_000
    saved["rows"]["delete"] = saved["rows"]["get"]
    status, [create, patch, delete] = compare(tmp_path, saved)
    assert status == 1
    assert re.fullmatch(r"create: CPU .* times the floor's, .* % more than .*", create)
    assert re.fullmatch(r"PATCH: .* Python calls, .* % more than .*", patch)
    assert delete == "delete: not measured any more"


def test_a_tree_that_costs_as_much_is_accepted(first, tmp_path):
    assert compare(tmp_path, patient(first)) == (0, [f"No row costs more than in {tmp_path / EARLIER}."])


def test_without_an_earlier_report_nothing_is_measured(tmp_path):
    done = run(tmp_path, "--compare", str(tmp_path / EARLIER))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r".*No such file.*earlier.json.*\n", done.stderr)


@pytest.fixture
def report(monkeypatch):
    """The module ``cost_report`` of the benchmarks, a folder next to ``src``."""
    monkeypatch.syspath_prepend(PROJECT)
    return importlib.import_module("benchmarks.cost_report")


@pytest.mark.parametrize(
    ("figure", "factor", "is_more"),
    [("calls", 1.029, False), ("calls", 1.031, True), ("ratio", 1.079, False), ("ratio", 1.081, True)],
)
def test_a_rise_beyond_the_margin_counts(report, figure, factor, is_more):
    row = report.Row(1000, 500, 2, 1000, 200, 1000, 200)
    before, after = (
        report.Report("SQLite", "3.11", {"get": one})
        for one in (row, dataclasses.replace(row, **{figure: getattr(row, figure) * factor}))
    )
    assert bool(list(report.rises(before, after))) == is_more
    assert not list(report.rises(after, before))


ROW = {"cpu_us": 1, "floor_us": 1, "ratio": 1, "calls": 1, "floor_calls": 1, "c_calls": 1, "floor_c_calls": 1}


@pytest.mark.parametrize(
    "saved",
    [
        [],
        {},
        {"engine": "SQLite", "python": "3.11", "rows": []},
        {"engine": "SQLite", "python": "3.11", "rows": {"get": {"calls": 1}}},
        *(
            {"engine": "SQLite", "python": "3.11", "rows": {"get": ROW | {"calls": calls}}}
            for calls in (0, -1, "many", None, float("nan"), float("inf"))
        ),
    ],
    ids=str,
)
def test_a_file_that_is_no_report_is_refused(report, tmp_path, saved):
    (tmp_path / EARLIER).write_text(json.dumps(saved))
    with pytest.raises(report.UnusableReport, match="not a file that"):
        report.load(tmp_path / EARLIER)


@pytest.mark.parametrize("changed", [{"engine": "PostgreSQL"}, {"python": "2.7"}, {"engine": [], "python": 3}])
def test_a_run_on_something_else_is_not_compared_with(report, changed):
    of_this = {"engine": "SQLite", "python": report.python_version(), "rows": {}}
    report.require_comparable(report.Report(**of_this), "SQLite")
    with pytest.raises(report.UnusableReport, match="it was measured on"):
        report.require_comparable(report.Report(**of_this | changed), "SQLite")
