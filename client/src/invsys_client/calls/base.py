"""The URLs and the lists of one collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import httpx2

from invsys_client import arguments
from invsys_client.calls import payloads
from invsys_client.options import Id, Match
from invsys_client.records import Allocation, Resource
from invsys_client.transport.pages import Pages
from invsys_client.transport.parsing import allocation_reader, parse, parse_resource
from invsys_client.transport.requests import Steps, get, patch, post

Item = TypeVar("Item")

_COLLECTION = re.compile(r"[a-z0-9_-]+")


class CollectionBase:
    """Builds the URLs of a collection, and describes its lists and counts."""

    def __init__(self, name: str) -> None:
        self._url = collection_url(name)

    def _resource_url(self, resource_id: Id) -> str:
        return f"{self._url}/{arguments.identifier('resource_id', resource_id)}"

    def _allocations_url(self, resource_id: Id | None) -> str:
        vehicle = f"{self._url}/all" if resource_id is None else self._resource_url(resource_id)
        return f"{vehicle}/allocations"

    def _allocation_url(self, allocation_id: Id) -> str:
        return f"{self._url}/all/allocations/{arguments.identifier('allocation_id', allocation_id)}"

    def _update_resource(self, resource_id: Id, changes: Mapping[str, Any], if_match: Match) -> Steps[Resource]:
        body, match = payloads.resource_changes(changes), arguments.if_match_header(if_match)
        return parse_resource((yield from patch(self._resource_url(resource_id), body, match)))

    def _allocate(
        self, vehicle: str, start: datetime | None, end: datetime | None, options: Mapping[str, Any]
    ) -> Steps[httpx2.Response]:
        fields = dict(options)
        key = fields.pop("key", None)
        body = payloads.allocation_body(start, end, fields)
        return post(f"{self._url}/{vehicle}/allocations", body, key)


def collection_url(name: object, argument: str = "name") -> str:
    """Return the URL of a collection; other characters in its name would lead to another URL."""
    if not isinstance(name, str):
        raise TypeError(f"{argument}: {name!r} is not the name of a collection")
    if not _COLLECTION.fullmatch(name):
        raise ValueError(f"{argument}: {name!r} is not the name of a collection: it consists of a-z, 0-9, - and _")
    return f"api/{name}"


def resource_pages(url: str, filters: Mapping[str, Any], page_size: int, order: str | None = None) -> Pages[Resource]:
    """Return the pages of the list of vehicles at a URL."""
    query = {**payloads.resource_params(filters), **payloads.order_param(order, "created", "name")}
    return pages_of(url, query, page_size, Resource.from_json)


def allocation_pages(
    url: str, filters: Mapping[str, Any], page_size: int, order: str | None = None
) -> Pages[Allocation]:
    """Return the pages of the list of allocations at a URL."""
    query = {**payloads.allocation_params(filters), **payloads.order_param(order, "from", "-from")}
    return _pages(url, query, page_size, lambda response, items: list(map(allocation_reader(response), items)))


def pages_of(url: str, query: Mapping[str, Any], page_size: int, read: Callable[[Any], Item]) -> Pages[Item]:
    """Return the pages of a list; ``read`` creates an item from its document."""
    return _pages(url, query, page_size, lambda _, items: [read(item) for item in items])


def _pages(
    url: str, query: Mapping[str, Any], page_size: int, read_items: Callable[[httpx2.Response, Any], list[Item]]
) -> Pages[Item]:
    params = {**query, **payloads.page_param("page_size", page_size)}
    return Pages(None if _selects_nothing(query) else url, params, read_items)


def count(url: str, query: Mapping[str, Any]) -> Steps[int | None]:
    """Return the length of a list, or None if it has more than 100,000 items."""
    if _selects_nothing(query):
        return 0
    response = yield from get(url, {**query, "limit": 1, "count": "true"})
    return parse(response, lambda document: _total(document, response.headers.get("X-Total-Count")))


def _total(document: Any, number: str | None) -> int | None:
    if not isinstance(document, list):
        raise TypeError("the response is not a list")
    if number is None:
        return None
    if not (number.isascii() and number.isdecimal()):
        raise ValueError("the header is not a number")
    return int(number)


def _selects_nothing(query: Mapping[str, Any]) -> bool:
    # A query without ids would have no such parameter, and the list would contain the items of all vehicles.
    return query.get("resource_id") == []
