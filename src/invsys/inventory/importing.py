"""Import: vehicles and allocations from CSV or JSON Lines, in batches, and safely again.

A line names a vehicle (``resource_type`` or collection, ``name``, maybe ``attributes``) and, where it has a period,
an allocation of it. What is there already is recognised, so an import that was cut short is simply run again.
"""

import csv
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from flask import current_app
from marshmallow import ValidationError
from tqdm import tqdm

from invsys.chassis import problems, strict_json
from invsys.inventory import filling, schemas
from invsys.inventory.filling import ALLOCATED, KNOWN, REGISTERED, Order

COLUMNS = (
    "resource_type",
    "name",
    "attributes",
    "from_datetime",
    "to_datetime",
    "from_infinity",
    "to_infinity",
    "allocation_type",
    "description",
    "dump",
)
_VEHICLE = frozenset({"resource_type", "name", "attributes"})
# Cells of a CSV file that are not plain text.
_JSON_CELLS = frozenset({"attributes", "from_infinity", "to_infinity", "dump"})

# Lines in one transaction: enough to spare commits, few enough that nobody waits long for its locks.
_BATCH = 500
# Lines that one record of a CSV file may span.
_LONGEST_RECORD = 1000


class UnusableFile(Exception):
    """The file as a whole cannot be read; the message says why."""


@dataclass
class Line:
    """One line of the file: its number, its text, and the fields that it holds, or why it holds none."""

    number: int
    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None


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
        told = (
            f"{self.lines} lines: {self.registered} vehicles registered, {self.allocated} allocations made,"
            f" {self.known} lines already known, {self.refused} refused"
        )
        return f"{told} (see {self.report})" if self.refused else told


def default_report(file: str) -> str:
    """Give the name of the report of refused lines: beside nothing, in the working directory."""
    return f"{'stdin' if file == '-' else Path(file).stem}.refused.csv"


def import_file(file: str, report: str) -> Outcome:
    """Import ``file`` (``-``: CSV from standard input); refused lines go to the file ``report``.

    Raises UnusableFile; every batch before the fault is in.
    """
    if not os.access(Path(report).parent, os.W_OK):
        raise UnusableFile(f"{report}: refused lines could not be listed there")
    outcome = Outcome(report=report)
    with ExitStack() as stack:
        source = sys.stdin.buffer if file == "-" else stack.enter_context(_opened(file))
        size = None if file == "-" else Path(file).stat().st_size
        # None: shown on a terminal only.
        bar = stack.enter_context(tqdm(total=size, unit="B", unit_scale=True, disable=None))
        refusals = _Refusals(report, stack)
        read = _json_lines if Path(file).suffix in (".jsonl", ".ndjson") else _csv_lines
        lines = read(_decoded(source, bar))
        while batch := list(islice(lines, _BATCH)):
            _import_batch(batch, outcome, refusals)
    return outcome


def _opened(file: str) -> IO[bytes]:
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise UnusableFile(f"{file}: {error.strerror}") from error


class _Refusals:
    """The report, made when the first line is refused."""

    def __init__(self, report: str, stack: ExitStack) -> None:
        self._report = report
        self._stack = stack
        self._writer: Any = None

    def add(self, line: Line, reason: str) -> None:
        if self._writer is None:
            opened = Path(self._report).open("w", encoding="utf-8", newline="", errors="replace")  # noqa: SIM115
            file = self._stack.enter_context(opened)
            self._writer = csv.writer(file, lineterminator="\n")
            self._writer.writerow(["line", "reason", "text"])
        self._writer.writerow([line.number, reason, line.text])


def _decoded(source: Iterable[bytes], bar: Any) -> Iterator[str]:
    for number, raw in enumerate(source):
        bar.update(len(raw))
        # What is not UTF-8 becomes lone surrogates here, and a refused line further on.
        text = raw.decode("utf-8", "surrogateescape")
        yield text if number else text.removeprefix("\ufeff")


def _json_lines(texts: Iterable[str]) -> Iterator[Line]:
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        line = Line(number, text.strip())
        try:
            value = strict_json.loads(text.encode("utf-8", "surrogateescape"))
        except strict_json.MalformedJson as error:
            line.fault = str(error)
        else:
            line.fields, line.fault = (value, None) if isinstance(value, dict) else ({}, "not a JSON object")
        yield line


def _csv_lines(texts: Iterable[str]) -> Iterator[Line]:
    records = _csv_records(texts)
    columns = _header(next(records, None))
    for number, text, cells, fault in records:
        if fault is not None:
            yield Line(number, text.strip(), fault=fault)
        elif cells:
            yield _csv_line(number, columns, cells)


def _csv_records(texts: Iterable[str]) -> Iterator[tuple[int, str, list[str], str | None]]:
    """Give (number of its first line, that line, cells, fault) of each record.

    A record may span lines, within quotes. Where one is no CSV, such as with a quote that nobody closes, its first line
    alone is at fault, and the next is read as a record of its own.
    """
    pending: deque[str] = deque()
    source = iter(texts)
    number = 1

    def taking() -> Iterator[str]:
        while len(taken) < _LONGEST_RECORD:
            line = pending.popleft() if pending else next(source, None)
            if line is None:
                return
            taken.append(line)
            yield line

    while True:
        taken: list[str] = []
        try:
            cells = next(csv.reader(taking(), strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            pending.extendleft(reversed(taken[1:]))
            yield number, taken[0], [], str(error)
            number += 1
        else:
            yield number, taken[0], cells, None
            number += len(taken)


def _header(first: tuple[int, str, list[str], str | None] | None) -> list[str]:
    _, _, cells, fault = first or (1, "", [], None)
    if fault is not None:
        raise UnusableFile(f"the first line is not CSV: {fault}")
    columns = [name.strip() for name in cells]
    if missing := {"resource_type", "name"} - set(columns):
        raise UnusableFile(f"the first line has to name the columns; it lacks {', '.join(sorted(missing))}")
    if unknown := set(columns) - set(COLUMNS):
        raise UnusableFile(f"unknown columns: {', '.join(sorted(unknown))}; known are {', '.join(COLUMNS)}")
    return columns


def _csv_line(number: int, columns: Sequence[str], cells: Sequence[str]) -> Line:
    line = Line(number, ",".join(cells))
    if len(cells) != len(columns):
        line.fault = f"{len(cells)} cells for {len(columns)} columns"
        return line
    for name, cell in zip(columns, cells, strict=True):
        if not cell:
            continue
        try:
            line.fields[name] = _cell(name, cell)
        except ValueError as error:
            line.fault = f"{name}: {error}"
    return line


def _cell(name: str, cell: str) -> Any:
    raw = cell.encode("utf-8")  # a UnicodeEncodeError, which is a ValueError, where the file was not UTF-8
    return strict_json.loads(raw.lower() if name.endswith("_infinity") else raw) if name in _JSON_CELLS else cell


def _import_batch(batch: Sequence[Line], outcome: Outcome, refusals: _Refusals) -> None:
    orders: list[tuple[Line, Order]] = []
    refused: list[tuple[Line, str]] = []
    for line in batch:
        try:
            orders.append((line, _order(line)))
        except ValidationError as error:
            refused.append((line, _reason(error)))
    filled = filling.fill([order for _, order in orders])
    for (line, _), fate in zip(orders, filled.fates, strict=True):
        if fate not in (REGISTERED, ALLOCATED, KNOWN):
            refused.append((line, fate))
    outcome.lines += len(batch)
    outcome.registered += filled.registered
    outcome.allocated += filled.fates.count(ALLOCATED)
    outcome.known += filled.fates.count(KNOWN)
    outcome.refused += len(refused)
    for line, reason in sorted(refused, key=lambda refusal: refusal[0].number):
        refusals.add(line, reason)


def _order(line: Line) -> Order:
    """Check a line as the API would check it; raises ValidationError."""
    if line.fault is not None:
        raise ValidationError(line.fault)
    resource_type = _resource_type(line.fields.get("resource_type"))
    about_vehicle = {name: line.fields[name] for name in ("name", "attributes") if name in line.fields}
    vehicle = schemas.new_resource.load(about_vehicle)
    rest = {name: value for name, value in line.fields.items() if name not in _VEHICLE}
    return Order(resource_type, **vehicle, allocation=schemas.new_allocation.load(rest) if rest else None)


def _resource_type(given: Any) -> str:
    collections: dict[str, str] = current_app.config["COLLECTIONS"]
    if given in collections.values():
        return str(given)
    if isinstance(given, str) and given in collections:
        return collections[given]
    raise ValidationError({"resource_type": ["Neither a resource_type nor a collection of this service."]})


def _reason(error: ValidationError) -> str:
    about_line = "_schema"  # marshmallow's word for what is about no field
    named = problems.field_messages(error)
    return "; ".join(message if name == about_line else f"{name}: {message}" for name, message in named)
