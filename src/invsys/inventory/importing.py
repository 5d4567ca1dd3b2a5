"""Import: vehicles and allocations from CSV or JSON Lines, in batches, and safely again.

A line names a vehicle (``resource_type`` or collection, ``name``, maybe ``attributes``) and, where it has a period,
an allocation of it. What is there already is recognised, so an import that was cut short is simply run again.
"""

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from flask import current_app
from marshmallow import ValidationError
from tqdm import tqdm

from invsys.chassis import problems
from invsys.inventory import filling, reading, schemas
from invsys.inventory.filling import ALLOCATED, KNOWN, REGISTERED, Order
from invsys.inventory.reading import Line, UnusableFile

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
        told = (
            f"{self.lines} lines: {self.registered} vehicles registered, {self.allocated} allocations made,"
            f" {self.known} lines already known, {self.refused} refused"
        )
        return f"{told} (see {self.report})" if self.refused else told


def default_report(file: str) -> str:
    """Give the name of the report of refused lines, in the working directory."""
    return f"{'stdin' if file == '-' else Path(file).stem}.refused.csv"


def import_file(file: str, report: str) -> Outcome:
    """Import ``file`` (``-``: CSV from standard input); refused lines go to the file ``report``.

    Raises UnusableFile; every batch before the fault is in.
    """
    if not os.access(Path(report).parent, os.W_OK):
        raise UnusableFile(f"{report}: refused lines could not be listed there")
    outcome = Outcome(report=report)
    with ExitStack() as stack:
        source = sys.stdin.buffer if file == "-" else stack.enter_context(reading.opened(file))
        size = None if file == "-" else Path(file).stat().st_size
        # None: shown on a terminal only.
        bar = stack.enter_context(tqdm(total=size, unit="B", unit_scale=True, disable=None))
        refusals = _Refusals(report, stack)
        lines = reading.lines(file, _measured(source, bar))
        while batch := list(islice(lines, _BATCH)):
            _import_batch(batch, outcome, refusals)
    return outcome


def _measured(source: Iterable[bytes], bar: Any) -> Iterator[bytes]:
    for raw in source:
        bar.update(len(raw))
        yield raw


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
    return Order(resource_type, **vehicle, allocation=schemas.imported_allocation.load(rest) if rest else None)


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
