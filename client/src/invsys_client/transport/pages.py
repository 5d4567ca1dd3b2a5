"""Lists: the ``next`` links lead from page to page (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import httpx2

from invsys_client.errors import UnexpectedResponse
from invsys_client.transport.parsing import parse
from invsys_client.transport.requests import Steps, get

T = TypeVar("T")


class Pages(Generic[T]):
    """The pages of a list; ``read_items`` parses the JSON document of a page. Without a URL, the list is empty."""

    def __init__(
        self, url: str | None, params: Mapping[str, Any], read_items: Callable[[httpx2.Response, Any], list[T]]
    ) -> None:
        self._url: str | httpx2.URL | None = url
        self._params: Mapping[str, Any] | None = params
        self._read_items = read_items

    @property
    def has_next(self) -> bool:
        """Whether there is a page that has not been read."""
        return self._url is not None

    def read(self, *, current: bool = False) -> Steps[list[T]]:
        """Read the next page and return its items; ``current``: no standby may answer."""
        if self._url is None:
            return []
        response = yield from get(self._url, self._params, current=current)
        items = parse(response, lambda document: self._read_items(response, document))
        self._url, self._params = _next_url(response), None
        return items


def _next_url(response: httpx2.Response) -> httpx2.URL | None:
    if "next" not in response.links:
        return None
    link = response.links["next"]["url"]
    try:
        url = response.url.join(link)
    except (httpx2.InvalidURL, ValueError) as error:
        raise _unexpected_link(response, link) from error
    # The token must not be sent to another server.
    if (url.scheme, url.host, url.port) != (response.url.scheme, response.url.host, response.url.port):
        raise _unexpected_link(response, link)
    # Keep the path of the request: if a reverse proxy removes a path prefix, the link does not contain it.
    following = response.url.copy_with(query=url.query)
    # Without a cursor, or with the same one, the list would never end.
    if not url.query or following == response.url:
        raise _unexpected_link(response, link)
    return following


def _unexpected_link(response: httpx2.Response, link: str) -> UnexpectedResponse:
    return UnexpectedResponse(response.status_code, f"the next page is at {link[:160]}")
