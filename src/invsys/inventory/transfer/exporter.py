"""Export: all vehicles in circulation and their confirmed allocations, also those that are archived.

The format is the one that ``reader`` reads.

Lines are sorted by type, name and start, so two databases with the same contents produce the same file.
"""

import csv
import io
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any

import orjson
from sqlalchemy import select, union_all

from invsys.inventory.db import session
from invsys.inventory.db.functions import by_code_point
from invsys.inventory.db.models import ARCHIVED_ALLOCATIONS, ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.schemas import exports
from invsys.inventory.transfer import spreadsheet
from invsys.inventory.transfer.columns import COLUMNS, format_cell

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation.__table__

# Without holds: they expire, and an import would make them permanent.
_confirmed = union_all(
    select(*_allocation.columns).where(_allocation.c.expires.is_(None)), select(*ARCHIVED_ALLOCATIONS.columns)
).subquery()
_LINES = (
    select(
        _resource.resource_type,
        _resource.name,
        _resource.attributes,
        _resource.closed_from,
        _confirmed.c.key,
        _confirmed.c.id,
        _confirmed.c.starts,
        _confirmed.c.ends,
        _confirmed.c.allocation_type,
        _confirmed.c.description,
        _confirmed.c.reference,
        _confirmed.c.dump,
        _confirmed.c.client_id,
    )
    .join(_confirmed, _confirmed.c.resource_key == _resource.key, isouter=True)
    .where(_resource.decommissioned.is_(None))
    .order_by(by_code_point(_resource.resource_type), by_code_point(_resource.name), _confirmed.c.starts.nulls_first())
)


class ExportError(Exception):
    """The export is not possible with these options; the message contains the reason."""


def export_to_stdout(form: str, *, safe_for_spreadsheets: bool) -> None:
    """Write all lines to standard output, in UTF-8; raises ExportError."""
    if safe_for_spreadsheets and form != "csv":
        raise ExportError("--safe-for-spreadsheets needs --format csv")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Use UTF-8 in any locale, and do not translate line ends.
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    export(sys.stdout, form, safe_for_spreadsheets=safe_for_spreadsheets)


def export(file: IO[str], form: str, *, safe_for_spreadsheets: bool = False) -> None:
    """Write all lines to ``file`` in the format ``form`` (csv or jsonl), from one consistent snapshot."""
    write = _csv_writer(file, is_escaped=safe_for_spreadsheets) if form == "csv" else _json_writer(file)
    with session.maintenance() as connection:
        # Fetch a thousand rows at a time, so that memory does not grow with the database.
        for row in connection.execution_options(yield_per=1000).execute(_LINES).mappings():
            write(dict(_fields(row)))


def _fields(row: Any) -> Iterator[tuple[str, Any]]:
    vehicle = exports.exported_resource.dump(row)
    allocation = {} if row["key"] is None else exports.exported_allocation.dump(row)
    for name, value in {**vehicle, **allocation}.items():
        if value not in (None, {}, False):
            yield name, value


def _json_writer(file: IO[str]) -> Callable[[dict[str, Any]], object]:
    return lambda line: file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode())


def _csv_writer(file: IO[str], *, is_escaped: bool) -> Callable[[dict[str, Any]], object]:
    # RFC 4180; with this line end, the writer also quotes a lone carriage return.
    writer = csv.writer(file, lineterminator="\r\n")
    if not is_escaped:
        writer.writerow(COLUMNS)
        return lambda line: writer.writerow([format_cell(line.get(name, "")) for name in COLUMNS])
    # The additional column marks the cells as escaped.
    writer.writerow((*COLUMNS, spreadsheet.MARK))
    return lambda line: writer.writerow(
        [*(spreadsheet.escape(format_cell(line.get(name, ""))) for name in COLUMNS), ""]
    )
