"""Import: vehicles and allocations from CSV or JSON Lines, in batches.

A line describes a vehicle (``resource_type`` or collection, ``name``, optional ``attributes`` and ``closed_from``) and,
if it has a period, an allocation. Vehicles and allocations that already exist are recognised, so an interrupted import
can be run again.
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

from invsys.chassis.cli import interrupts
from invsys.chassis.formats.field_messages import field_messages
from invsys.inventory.commands import bulk_load
from invsys.inventory.commands.bulk_load import ALLOCATED, REGISTERED, UNCHANGED, ImportItem
from invsys.inventory.schemas import inputs
from invsys.inventory.transfer import reader
from invsys.inventory.transfer.reader import Line
from invsys.inventory.transfer.report import Report, UnusableReport
from invsys.inventory.transfer.text_lines import UnusableFile, text_lines

_VEHICLE = frozenset({"resource_type", "name", "attributes", "closed_from"})
# Lines in one transaction: enough to save commits, few enough to hold the locks only briefly.
_BATCH = 500


@dataclass
class Outcome:
    """The counts of an import, and the name of the report of refused lines."""

    lines: int = 0
    registered: int = 0
    allocated: int = 0
    unchanged: int = 0
    refused: int = 0
    report: str = ""

    def __str__(self) -> str:
        counts = (
            f"{_count(self.lines, 'line')}: {_count(self.registered, 'vehicle')} registered,"
            f" {_count(self.allocated, 'allocation')} created, {_count(self.unchanged, 'line')} unchanged,"
            f" {self.refused} refused"
        )
        # A file name can contain bytes that are not UTF-8.
        report = os.fsencode(self.report).decode(errors="backslashreplace")
        return f"{counts} (see {report})" if self.refused else counts

    def so_far(self) -> str:
        """Return a message about an import that stopped early."""
        return f"already imported: {self}; run the import again to continue" if self.lines else "nothing was imported"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def default_report(file: str, *, is_csv: bool) -> str:
    """Return the name of the report of refused lines, in the working directory."""
    return f"{'stdin' if file == '-' else Path(file).stem}.refused.{'csv' if is_csv else 'jsonl'}"


def import_file(file: str, report: str | None = None, outcome: Outcome | None = None) -> Outcome:
    """Import ``file`` (``-``: standard input); write refused lines to ``report`` (default: ``default_report``).

    Raises UnusableFile, and KeyboardInterrupt between two batches; ``outcome`` then contains the counts so far.
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
    with reader.open_file(file) as source:
        yield source


def _progress_bar(source: IO[bytes]) -> Any:
    # disable=None: shown only on a terminal.
    return tqdm(total=_size(source), unit="B", unit_scale=True, disable=None)


def _size(source: IO[bytes]) -> int | None:
    """Return the size of a regular file, None for anything else."""
    try:
        status = os.fstat(source.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _require_readable(source: IO[bytes]) -> None:
    """Raise UnusableFile if a line is not UTF-8, before anything is imported.

    Pipes are not checked, because they can be read only once.
    """
    if _size(source) is None:
        return
    start = source.tell()
    for _ in text_lines(source):
        pass
    source.seek(start)


def _import_batch(batch: Sequence[Line], outcome: Outcome, refusals: Report) -> None:
    items: list[tuple[Line, ImportItem]] = []
    refused: list[tuple[Line, str]] = []
    for line in batch:
        try:
            items.append((line, _import_item(line)))
        except ValidationError as error:
            refused.append((line, _reason(error)))
    result = bulk_load.load([item for _, item in items])
    for (line, _), item_outcome in zip(items, result.outcomes, strict=True):
        if item_outcome not in (REGISTERED, ALLOCATED, UNCHANGED):
            refused.append((line, item_outcome))
    outcome.lines += len(batch)
    outcome.registered += result.registered
    outcome.allocated += result.outcomes.count(ALLOCATED)
    outcome.unchanged += result.outcomes.count(UNCHANGED)
    outcome.refused += len(refused)
    for line, reason in sorted(refused, key=lambda refusal: refusal[0].number):
        refusals.add(line.number, reason, line.source)
    refusals.flush()


def _import_item(line: Line) -> ImportItem:
    """Return the item of a line, validated as the API validates a body; raises ValidationError."""
    if line.error is not None:
        raise ValidationError(line.error)
    resource_type = _resource_type(line.fields.get("resource_type"))
    vehicle_fields = {name: line.fields[name] for name in _VEHICLE - {"resource_type"} if name in line.fields}
    vehicle = inputs.imported_resource.load(vehicle_fields)
    rest = {name: value for name, value in line.fields.items() if name not in _VEHICLE}
    return ImportItem(resource_type, **vehicle, allocation=inputs.imported_allocation.load(rest) if rest else None)


def _resource_type(value: Any) -> str:
    collections: dict[str, str] = current_app.config["COLLECTIONS"]
    if value in collections.values():
        return str(value)
    if isinstance(value, str) and value in collections:
        return collections[value]
    valid = f"{', '.join(collections.values())} (or {', '.join(collections)})"
    raise ValidationError({"resource_type": [f"Not a resource_type of this service: {valid}."]})


def _reason(error: ValidationError) -> str:
    whole_line = "_schema"  # marshmallow's name for errors without a field
    messages = field_messages(error)
    return "; ".join(message if name == whole_line else f"{name}: {message}" for name, message in messages)
