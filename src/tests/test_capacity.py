"""``python -m benchmarks.capacity``: the estimate of the hosts for a fleet, and the table of the manual."""

import subprocess
import sys
from dataclasses import replace

import pytest
from benchmarks import capacity

from tests.support.paths import PROJECT

COSTS = capacity.load_costs()
ASSUMED = capacity.Assumptions()


def plan(vehicles, creates, assumed=ASSUMED):
    return capacity.plan(vehicles, creates, COSTS, assumed)


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks.capacity", *arguments]
    return subprocess.run(command, check=False, cwd=PROJECT, capture_output=True, text=True)


def test_the_manual_has_the_table():
    page = (PROJECT / "docs/source/capacity.rst").read_text()
    indented = "\n".join(f"    {line}".rstrip() for line in capacity.table().splitlines())
    assert indented in page


def test_twice_the_creates_need_twice_the_cpu_the_log_and_the_disk():
    once, twice = (plan(100_000, creates) for creates in (1_000, 2_000))
    for name in ("CPU", "write-ahead log"):
        assert twice.shares[name] == pytest.approx(2 * once.shares[name])
    assert twice.events_tb == pytest.approx(2 * once.events_tb)


def test_the_resource_with_the_greatest_share_fails_first_and_decides_the_number_of_clusters():
    large = plan(100_000, 100_000)
    small_disk = plan(100_000, 100_000, replace(ASSUMED, disk_tb=0.001))
    assert large.clusters > 1
    assert large.shares[large.first_failure] == max(large.shares.values())
    assert small_disk.first_failure == "disk"
    assert small_disk.clusters > large.clusters


def test_a_small_fleet_needs_one_cluster_and_two_hosts_of_each_service():
    small = plan(10_000, 1)
    assert (small.clusters, small.gateways, small.inventories) == (1, 2, 2)


def test_what_is_kept_for_longer_weighs_more():
    long_kept = plan(10_000, 100, replace(ASSUMED, days_kept=300))
    archived = plan(10_000, 100)
    assert long_kept.live_tb > archived.live_tb
    assert long_kept.archived_tb < archived.archived_tb


def test_a_single_fleet():
    done = run("--vehicles", "10000", "--creates", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert "10,000         5" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--vehicles", "5"),
        ("--creates", "5"),
        ("--vehicles", "0", "--creates", "1"),
        ("--vehicles", "9", "--creates", "nan"),
        ("--vehicles", "9", "--creates", "1e308"),
        ("--vehicles", "1" + "0" * 400, "--creates", "1"),
    ],
)
def test_unusable_arguments_are_refused_in_one_line(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("python -m benchmarks.capacity: error: --vehicles and --creates")
