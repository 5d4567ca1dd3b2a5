"""The URLs and the lists of one collection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from invsys_client import payloads
from invsys_client.connection import Connection
from invsys_client.payloads import Id

Item = TypeVar("Item")


class CollectionBase:
    """The base class of ``Collection`` and of its mixins: builds the URLs of a collection, and reads lists."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._url = f"api/{quote(name, safe='')}"

    def _resource_url(self, resource_id: Id) -> str:
        return f"{self._url}/{payloads.format_uuid(resource_id)}"

    def _allocations_url(self, resource_id: Id | None) -> str:
        vehicle = f"{self._url}/all" if resource_id is None else self._resource_url(resource_id)
        return f"{vehicle}/allocations"

    def _allocation_url(self, allocation_id: Id) -> str:
        return f"{self._url}/all/allocations/{payloads.format_uuid(allocation_id)}"

    def _list(
        self, url: str, query: Mapping[str, Any], page_size: int, read_item: Callable[[Any], Item]
    ) -> Iterator[Item]:
        if query.get("resource_id") == []:
            # A query without ids would have no such parameter, and the list would contain the items of all vehicles.
            return iter(())
        return self._connection.pages(url, {**query, "limit": page_size}, read_item)

    def _count(self, url: str, query: Mapping[str, Any]) -> int | None:
        if query.get("resource_id") == []:
            return 0
        headers = self._connection.get(url, {**query, "limit": 1, "count": "true"}).headers
        return int(headers["X-Total-Count"]) if "X-Total-Count" in headers else None
