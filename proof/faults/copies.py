"""Copies of the database, made by the commands of docs/source/backup.rst while the services run."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.databases import SQLite, binaries

from proof.faults.fault import FaultProblem
from proof.system.cluster import Cluster
from proof.system.stack import Stack

_NAME = "proof_copy"


@contextmanager
def copied(stack: Stack) -> Iterator[str]:
    """Copy the database, yield the URL of the copy, and remove it at the end; raises FaultProblem."""
    with _copied_cluster(stack, stack.cluster) if stack.cluster else _copied_file(stack) as url:
        yield url


@contextmanager
def _copied_file(stack: Stack) -> Iterator[str]:
    file = stack.folder / f"{_NAME}.sqlite3"
    process = stack.manage("backup", str(file))
    if process.returncode != 0:
        raise FaultProblem(f"backup ended with status {process.returncode}: {process.stderr[-500:]}")
    try:
        yield SQLite(stack.folder).url(_NAME)
    finally:
        # With the files beside it, such as the copy that a migration makes.
        for path in stack.folder.glob(f"{_NAME}.*"):
            path.unlink()


@contextmanager
def _copied_cluster(stack: Stack, cluster: Cluster) -> Iterator[str]:
    dump, primary = stack.folder / f"{_NAME}.dump", cluster.primary
    _run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", primary.url())
    primary.execute(f"CREATE DATABASE {_NAME} ENCODING 'UTF8' TEMPLATE template0")
    try:
        _run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={primary.url(_NAME)}", str(dump))
        yield primary.url(_NAME)
    finally:
        primary.execute(f"DROP DATABASE {_NAME} WITH (FORCE)")
        dump.unlink()


def _run(program: str, *arguments: str) -> None:
    process = subprocess.run(
        [str(binaries() / program), *arguments], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if process.returncode != 0:
        raise FaultProblem(f"{program} ended with status {process.returncode}: {process.stderr[-500:]}")
