"""An asynchronous client with blocking calls, so that the tests of the synchronous client also test it."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2

from invsys_client import AsyncClient, AsyncCollection, AsyncFeed


class AsyncTransport(httpx2.AsyncBaseTransport):
    """A synchronous transport for an asynchronous client."""

    def __init__(self, transport: httpx2.BaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        # In a thread, so that a fault can use another client, with its own event loop.
        response = await asyncio.to_thread(self._transport.handle_request, request)
        return httpx2.Response(response.status_code, headers=response.headers.raw, content=_raw(response))


def _raw(response: httpx2.Response) -> bytes:
    return response.content if response.is_closed else b"".join(response.iter_raw())


class Blocking:
    """An asynchronous client, or its collection or feed, whose methods block; each client has its own event loop."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self._target, self._runner = target, runner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        return self._blocking(value) if callable(value) else value

    def __iter__(self) -> Iterator[Any]:
        return self._iterate(aiter(self._target))

    def _blocking(self, method: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            if inspect.isawaitable(result):
                return self._runner.run(result)
            if isinstance(result, AsyncCollection | AsyncFeed | AsyncClient):
                return Blocking(result, self._runner)
            return self._iterate(result) if isinstance(result, AsyncIterator) else result

        return run

    def _iterate(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        end = object()
        while (item := self._runner.run(_next(items, end))) is not end:
            yield item


async def _next(items: AsyncIterator[Any], default: object) -> Any:
    return await anext(items, default)
