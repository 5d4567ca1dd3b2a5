"""Import: vehicles and allocations from CSV or JSON Lines, in batches, and safely again.

A line names a vehicle (``resource_type`` or collection, ``name``, maybe ``attributes``) and, where it has a period,
an allocation of it. What is there already is recognised, so an import that was cut short is simply run again.
"""

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from flask import current_app
from marshmallow import ValidationError
from tqdm import tqdm

from invsys.chassis.http import problems
from invsys.inventory import schemas
from invsys.inventory.commands import bulk_load
from invsys.inventory.commands.bulk_load import ALLOCATED, KNOWN, REGISTERED, Order
from invsys.inventory.transfer import interrupts, reader
from invsys.inventory.transfer.reader import Line
from invsys.inventory.transfer.report import Report, UnusableReport
from invsys.inventory.transfer.text_lines import UnusableFile, text_lines

_VEHICLE = frozenset({"resource_type", "name", "attributes"})
# Lines in one transaction: enough to spare commits, few enough that nobody waits long for its locks.
_BATCH = 500


@dataclass
class Outcome:
    """How many lines were read, what came of them, and the file that lists the refused ones."""

    lines: int = 0
    registered: int = 0
    allocated: int = 0
    known: int = 0
    refused: int = 0
    report: str = ""

    def __str__(self) -> str:
        counts = (
            f"{_count(self.lines, 'line')}: {_count(self.registered, 'vehicle')} registered,"
            f" {_count(self.allocated, 'allocation')} made, {_count(self.known, 'line')} already known,"
            f" {self.refused} refused"
        )
        # A file name may hold bytes that are no text.
        report = os.fsencode(self.report).decode(errors="backslashreplace")
        return f"{counts} (see {report})" if self.refused else counts

    def so_far(self) -> str:
        """Return what an import that ended early has done."""
        return f"already imported: {self}; run it again for the rest" if self.lines else "nothing was imported"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def default_report(file: str, *, is_csv: bool) -> str:
    """Return the name of the report of refused lines, in the working directory."""
    return f"{'stdin' if file == '-' else Path(file).stem}.refused.{'csv' if is_csv else 'jsonl'}"


def import_file(file: str, report: str | None = None, outcome: Outcome | None = None) -> Outcome:
    """Import ``file`` (``-``: standard input); refused lines go to the file ``report``, or to one named after ``file``.

    Raises UnusableFile, and KeyboardInterrupt between two batches; ``outcome`` then has the counts so far.
    """
    outcome = Outcome() if outcome is None else outcome
    try:
        with _source(file) as source, _progress_bar(source) as bar:
            _require_readable(source)
            contents = reader.contents(file, source, bar.update)
            path = report or default_report(file, is_csv=contents.columns is not None)
            with Report(path, contents.columns, source) as refusals:
                outcome.report = path
                while batch := list(islice(contents.lines, _BATCH)):
                    with interrupts.deferred():
                        _import_batch(batch, outcome, refusals)
    except UnusableReport:
        raise
    except UnusableFile as error:
        raise UnusableFile(f"{'standard input' if file == '-' else file}: {error}") from error
    return outcome


@contextmanager
def _source(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        yield interrupts.interruptible(sys.stdin.buffer)
        return
    with reader.opened(file) as source:
        yield source


def _progress_bar(source: IO[bytes]) -> Any:
    # disable=None: shown on a terminal only.
    return tqdm(total=_size(source), unit="B", unit_scale=True, disable=None)


def _size(source: IO[bytes]) -> int | None:
    """Return the size of a regular file, None for anything else."""
    try:
        status = os.fstat(source.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _require_readable(source: IO[bytes]) -> None:
    """Raise UnusableFile if a line is not UTF-8, before anything is imported; a pipe cannot be read twice."""
    if _size(source) is None:
        return
    start = source.tell()
    for _ in text_lines(source):
        pass
    source.seek(start)


def _import_batch(batch: Sequence[Line], outcome: Outcome, refusals: Report) -> None:
    orders: list[tuple[Line, Order]] = []
    refused: list[tuple[Line, str]] = []
    for line in batch:
        try:
            orders.append((line, _order(line)))
        except ValidationError as error:
            refused.append((line, _reason(error)))
    filled = bulk_load.load([order for _, order in orders])
    for (line, _), fate in zip(orders, filled.fates, strict=True):
        if fate not in (REGISTERED, ALLOCATED, KNOWN):
            refused.append((line, fate))
    outcome.lines += len(batch)
    outcome.registered += filled.registered
    outcome.allocated += filled.fates.count(ALLOCATED)
    outcome.known += filled.fates.count(KNOWN)
    outcome.refused += len(refused)
    for line, reason in sorted(refused, key=lambda refusal: refusal[0].number):
        refusals.add(line.number, reason, line.source)
    refusals.flush()


def _order(line: Line) -> Order:
    """Check a line as the API would check it; raises ValidationError."""
    if line.fault is not None:
        raise ValidationError(line.fault)
    resource_type = _resource_type(line.fields.get("resource_type"))
    about_vehicle = {name: line.fields[name] for name in ("name", "attributes") if name in line.fields}
    vehicle = schemas.new_resource.load(about_vehicle)
    rest = {name: value for name, value in line.fields.items() if name not in _VEHICLE}
    return Order(resource_type, **vehicle, allocation=schemas.imported_allocation.load(rest) if rest else None)


def _resource_type(given: Any) -> str:
    collections: dict[str, str] = current_app.config["COLLECTIONS"]
    if given in collections.values():
        return str(given)
    if isinstance(given, str) and given in collections:
        return collections[given]
    valid = f"{', '.join(collections.values())} (or {', '.join(collections)})"
    raise ValidationError({"resource_type": [f"Not a resource_type of this service: {valid}."]})


def _reason(error: ValidationError) -> str:
    about_line = "_schema"  # marshmallow's word for what is about no field
    named = problems.field_messages(error)
    return "; ".join(message if name == about_line else f"{name}: {message}" for name, message in named)
