"""The files of a history, in one folder.

``run.json``: the settings of the run and the times of both clocks. ``calls-NAME.jsonl``: the records of one process.
``events.jsonl``: the events of the change feed. ``feed-NAME.jsonl``: the ids of the events that another reader got.
``final.json``: the lists and the integrity check after the run. ``faults.jsonl``: the injected faults.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

RUN, FINAL, FAULTS, EVENTS = "run.json", "final.json", "faults.jsonl", "events.jsonl"
_BUFFER = 1024 * 1024


class Writer:
    """A context manager that appends objects to a file, one per line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=_BUFFER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, record: Mapping[str, Any]) -> None:
        """Append a record."""
        self._file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def calls_path(folder: Path, name: str) -> Path:
    """Return the path of the records of a process."""
    return folder / f"calls-{name}.jsonl"


def feed_path(folder: Path, name: str) -> Path:
    """Return the path of the pages of a reader of the feed."""
    return folder / f"feed-{name}.jsonl"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of lines; none if it does not exist."""
    if path.exists():
        with path.open("rb", buffering=_BUFFER) as file:
            for line in file:
                yield orjson.loads(line)


def read_calls(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of all processes, in the order of the files."""
    for path in sorted(folder.glob(calls_path(folder, "*").name)):
        yield from read_lines(path)


def readers(folder: Path) -> dict[str, Path]:
    """Return the files of the readers of the feed, by the name of the reader."""
    paths = sorted(folder.glob(feed_path(folder, "*").name))
    return {path.stem.removeprefix("feed-"): path for path in paths}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file with one object."""
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def read_json(path: Path) -> dict[str, Any]:
    """Read a file with one object; an empty one if it does not exist."""
    return orjson.loads(path.read_bytes()) if path.exists() else {}


def clocks() -> dict[str, float]:
    """Return the time of the wall clock and of the monotonic clock, read together."""
    return {"wall": time.time(), "monotonic": time.monotonic()}
