"""The faults: their choice by a seed, their record, and each of them in a whole system."""

import json
from collections import Counter
from pathlib import Path

import pytest
from proof.faults import Summary
from proof.faults.kinds import KINDS
from proof.faults.runner import Runner
from proof.system.stack import Stack

from tests.support.paths import PROJECT

PAGE = (PROJECT / "docs/source/proof_faults.rst").read_text()


def records(file):
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


def drawn(engine, seed, folder, count):
    runner = Runner(Stack(engine, folder), seed, folder / "faults.jsonl")
    return runner, [runner._draw().name for _ in range(count)]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_seed_chooses_the_faults(database, tmp_path):
    assert (
        drawn(database, 1, tmp_path, 100)[1]
        == drawn(database, 1, tmp_path, 100)[1]
        != drawn(database, 2, tmp_path, 100)[1]
    )


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_all_kinds_come_once_and_then_by_their_weights(database, tmp_path):
    runner, _ = drawn(database, 1, tmp_path, 0)
    names = [runner._draw().name for _ in runner.kinds]
    assert sorted(names) == sorted(kind.name for kind in runner.kinds)
    names = [runner._draw().name for _ in range(sum(kind.weight for kind in runner.kinds))]
    assert Counter(names) == {kind.name: kind.weight for kind in runner.kinds}


def test_what_a_system_cannot_have_is_left_out_with_its_reason(tmp_path):
    runner, _ = drawn("sqlite", 1, tmp_path, 0)
    left_out = Summary.read(tmp_path / "faults.jsonl").left_out
    assert left_out == {
        "redis killed": "redis-server is not installed",
        "disk full": "mounting a small file system needs root",
        "clock stepped": "there is no C compiler",
    }
    assert not set(left_out) & {kind.name for kind in runner.kinds}


def test_an_unknown_fault_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no such fault: rain"):
        Runner(Stack("sqlite", tmp_path), 1, tmp_path / "faults.jsonl", ["rain"])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_manual_describes_every_fault(kind):
    assert f"``{kind.name}``" in PAGE


def test_the_summary_counts_kinds_and_recoveries(tmp_path):
    file = tmp_path / "faults.jsonl"
    rows = [("a", 1.0, ["a"]), ("a", 3.0, ["a"]), ("a", 50.0, ["a", "b"]), ("b", 50.0, ["a", "b"])]
    lines = [{"left_out": {"c": "no root"}}] + [
        {"name": name, "recovery": recovery, "problem": "lost" if name == "b" else None, "together": together}
        for name, recovery, together in rows
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    summary = Summary.read(file)
    assert [(kind.name, kind.count, kind.recovery_p50, kind.recovery_max) for kind in summary.kinds] == [
        ("a", 3, 2.0, 3.0),
        ("b", 1, 50.0, 50.0),
    ]
    assert (summary.count, summary.left_out, summary.problems) == (4, {"c": "no root"}, ["b: lost"])
    assert "left out: c: no root" in str(summary)


def inject_each(engine, folder, names=None):
    """Inject faults one after another into a whole system; return the names of those that it recovered from."""
    file = folder / "faults.jsonl"
    with Stack(engine, folder / "system", full=True) as stack:
        runner = Runner(stack, 1, file)
        for kind in runner.kinds:
            if names is None or kind.name in names:
                runner.inject(kind)
        assert stack.manage("check").returncode == 0
    summary = Summary.read(file)
    assert summary.problems == []
    return {kind.name for kind in summary.kinds} | set(summary.left_out)


def test_a_whole_system_recovers(system_folder):
    names = {"worker killed", "responses to callers cut", "clock stepped"}
    assert inject_each("sqlite", system_folder, names) >= names


@pytest.mark.only_thorough
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_whole_system_recovers_from_every_fault(database, system_folder, request):
    if database == "postgresql" and request.config.getoption("--sqlite-only"):
        return
    expected = {kind.name for kind in KINDS if database in kind.engines}
    assert inject_each(database, system_folder / database, None) == expected
