"""``python -m benchmarks.cost``: it measures every row, and fails if one costs more than in an earlier run."""

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
def first_run(tmp_path_factory):
    """The completed process of a run with few requests, and the figures that it saved."""
    folder = tmp_path_factory.mktemp("cost")
    done = run(folder, *TINY, "--json", str(folder / EARLIER))
    assert (done.returncode, done.stderr) == (0, "")
    return done, json.loads((folder / EARLIER).read_text())


@pytest.mark.only_thorough
def test_every_row_is_printed_and_saved(first_run):
    done, saved = first_run
    lines = done.stdout.splitlines()
    assert lines[0].startswith("SQLite, Python 3.")
    assert [line.split("  ")[0] for line in lines[2:]] == ROWS == list(saved["rows"])
    for line, row in zip(lines[2:], saved["rows"].values(), strict=True):
        assert line.split()[-4:] == [str(row[name]) for name in ("calls", "floor_calls", "c_calls", "floor_c_calls")]


def compare(folder, saved):
    """Run the benchmark again and compare it with ``saved``; return the exit status and the lines below the table."""
    file = folder / EARLIER
    file.write_text(json.dumps(saved))
    done = run(folder, *TINY, "--compare", str(file))
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()[2 + len(ROWS) :]


def with_unreachable_ratios(first_run):
    """Return the saved figures with such high ratios that no run exceeds them.

    With so few requests, the CPU time varies too much for a comparison.
    """
    saved = json.loads(json.dumps(first_run[1]))
    for row in saved["rows"].values():
        row["ratio"] *= 1000
    return saved


@pytest.mark.only_thorough
def test_higher_costs_are_reported_with_status_1(first_run, tmp_path):
    saved = with_unreachable_ratios(first_run)
    saved["rows"]["PATCH"]["calls"] -= 100
    saved["rows"]["create"]["ratio"] /= 1_000_000
    saved["rows"]["delete"] = saved["rows"]["get"]
    status, [create, patch, delete] = compare(tmp_path, saved)
    assert status == 1
    assert re.fullmatch(r"create: CPU .* times the floor's, .* % more than .*", create)
    assert re.fullmatch(r"PATCH: .* Python calls, .* % more than .*", patch)
    assert delete == "delete: no longer measured"


def test_a_missing_earlier_report_fails_before_the_measurement(tmp_path):
    done = run(tmp_path, "--compare", str(tmp_path / EARLIER))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r".*No such file.*earlier.json.*\n", done.stderr)


@pytest.fixture
def report(monkeypatch):
    """The module ``benchmarks.cost_report``; the project folder is added to the import path for it."""
    monkeypatch.syspath_prepend(PROJECT)
    return importlib.import_module("benchmarks.cost_report")


@pytest.mark.parametrize(
    ("figure", "factor", "is_more"),
    [("calls", 1.029, False), ("calls", 1.031, True), ("ratio", 1.079, False), ("ratio", 1.081, True)],
)
def test_a_rise_above_the_limit_is_reported(report, figure, factor, is_more):
    row = report.Row(1000, 500, 2, 1000, 200, 1000, 200)
    before, after = (
        report.Report("SQLite", "3.11", {"get": report_row})
        for report_row in (row, dataclasses.replace(row, **{figure: getattr(row, figure) * factor}))
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
def test_a_file_that_is_not_a_report_is_refused(report, tmp_path, saved):
    (tmp_path / EARLIER).write_text(json.dumps(saved))
    with pytest.raises(report.UnusableReport, match="not a file written by"):
        report.load(tmp_path / EARLIER)


@pytest.mark.parametrize("difference", [{"engine": "PostgreSQL"}, {"python": "2.7"}, {"engine": [], "python": 3}])
def test_a_report_of_another_engine_or_python_is_refused(report, difference):
    same = {"engine": "SQLite", "python": report.python_version(), "rows": {}}
    report.require_comparable(report.Report(**same), "SQLite")
    with pytest.raises(report.UnusableReport, match=r"^measured with"):
        report.require_comparable(report.Report(**same | difference), "SQLite")
