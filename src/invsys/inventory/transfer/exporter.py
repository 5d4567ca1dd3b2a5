"""Export: every vehicle in circulation with its allocations, one line each, in the form that ``reading`` reads.

Vehicles come by type and name, the allocations of each by start: two databases with the same contents give one file.
"""

import csv
import io
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any

import orjson
from sqlalchemy import and_, select

from invsys.inventory import schemas
from invsys.inventory.db import session
from invsys.inventory.db.functions import by_code_point
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.transfer import spreadsheet
from invsys.inventory.transfer.columns import COLUMNS

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation

_EVERYTHING = (
    select(
        _resource.resource_type,
        _resource.name,
        _resource.attributes,
        _allocation.key,
        _allocation.id,
        _allocation.starts,
        _allocation.ends,
        _allocation.allocation_type,
        _allocation.description,
        _allocation.dump,
        _allocation.client_id,
    )
    # A hold is a promise for minutes: in a file it would become an allocation for good.
    .join(_allocation, and_(_allocation.resource_key == _resource.key, _allocation.expires.is_(None)), isouter=True)
    .where(_resource.decommissioned.is_(None))
    .order_by(by_code_point(_resource.resource_type), by_code_point(_resource.name), _allocation.starts.nulls_first())
)


class NotExported(Exception):
    """The export is not possible with these options; the message names the reason."""


def export_to_stdout(form: str, *, safe_for_spreadsheets: bool) -> None:
    """Write all to standard output, in UTF-8; raises NotExported."""
    if safe_for_spreadsheets and form != "csv":
        raise NotExported("--safe-for-spreadsheets is for --format csv")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # In UTF-8 with any locale, and without changed line ends.
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    export(sys.stdout, form, safe_for_spreadsheets=safe_for_spreadsheets)


def export(file: IO[str], form: str, *, safe_for_spreadsheets: bool = False) -> None:
    """Write all to ``file`` as ``form``, csv or jsonl; one consistent state, however long it takes."""
    write = _csv_writer(file, is_escaped=safe_for_spreadsheets) if form == "csv" else _json_writer(file)
    with session.maintenance() as connection:
        # A thousand rows at a time: memory does not grow with the fleet's history.
        for row in connection.execution_options(yield_per=1000).execute(_EVERYTHING).mappings():
            write(dict(_fields(row)))


def _fields(row: Any) -> Iterator[tuple[str, Any]]:
    vehicle = {name: row[name] for name in ("resource_type", "name", "attributes")}
    allocation = {} if row["key"] is None else schemas.exported_allocation.dump(row)
    for name, value in {**vehicle, **allocation}.items():
        if value not in (None, {}, False):
            yield name, value


def _json_writer(file: IO[str]) -> Callable[[dict[str, Any]], object]:
    return lambda line: file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode())


def _csv_writer(file: IO[str], *, is_escaped: bool) -> Callable[[dict[str, Any]], object]:
    # RFC 4180; and with it the writer quotes a lone carriage return too.
    writer = csv.writer(file, lineterminator="\r\n")
    if not is_escaped:
        writer.writerow(COLUMNS)
        return lambda line: writer.writerow([_cell(line.get(name, "")) for name in COLUMNS])
    # The mark shows the reader that cells are escaped.
    writer.writerow((*COLUMNS, spreadsheet.MARK))
    return lambda line: writer.writerow([*(spreadsheet.escape(_cell(line.get(name, ""))) for name in COLUMNS), ""])


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
