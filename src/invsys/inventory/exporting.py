"""Export: every vehicle in circulation with its allocations, one line each, in the form that ``reading`` reads."""

import csv
from collections.abc import Callable, Iterator
from typing import IO, Any

import orjson
from sqlalchemy import and_, select

from invsys.inventory import database, schemas
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.reading import COLUMNS

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
    .order_by(_resource.key, _allocation.starts.nulls_first())
)


def export(file: IO[str], form: str) -> None:
    """Write all to ``file`` as ``form``, csv or jsonl; one consistent state, however long it takes."""
    write = _csv_writer(file) if form == "csv" else _json_writer(file)
    with database.maintenance() as connection:
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


def _csv_writer(file: IO[str]) -> Callable[[dict[str, Any]], object]:
    # RFC 4180; and with it the writer quotes a lone carriage return too.
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    return lambda line: writer.writerow([_cell(line.get(name, "")) for name in COLUMNS])


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
