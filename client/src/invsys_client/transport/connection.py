"""The connections of the two clients: they carry out the actions of a call."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import anyio
import httpx2

from invsys_client.options import CallOptions
from invsys_client.transport.body import Body
from invsys_client.transport.deadline import limited_to, require_time
from invsys_client.transport.freshness import Freshness
from invsys_client.transport.pages import Pages
from invsys_client.transport.requests import Run, Steps
from invsys_client.transport.retries import CONNECTION_ERRORS, Attempt, execute
from invsys_client.transport.settings import Settings, own_headers

T = TypeVar("T")


class SyncConnection:
    """A connection with blocking calls; it is thread-safe."""

    def __init__(self, settings: Settings, http: httpx2.Client, sleep: Callable[[float], None]) -> None:
        self._settings, self._http, self._sleep = settings, http, sleep
        self._freshness = Freshness(settings)

    def run(self, steps: Steps[T], options: CallOptions) -> T:
        """Execute a call and return its result."""
        headers = own_headers(options.get("headers"))
        actions = execute(steps, self._settings.limits_of(options), self._settings.clock)
        undo = None
        reply: Any = None
        try:
            while True:
                try:
                    action = actions.send(reply)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                if isinstance(action, Attempt):
                    reply = self._attempt(action, headers)
                elif isinstance(action, Run):
                    undo = action.undo or undo
                    reply = action.function()
                else:
                    self._sleep(action.seconds)
                    reply = None
        except BaseException:
            if undo is not None:
                with suppress(Exception):
                    undo()
            raise

    def iterate(self, pages: Pages[T], options: CallOptions) -> Iterator[T]:
        """Yield the items of all pages of a list."""
        while pages.has_next:
            yield from self.run(pages.read(), options)

    def close(self) -> None:
        """Close the open connections."""
        self._http.close()

    def _attempt(self, attempt: Attempt, headers: Mapping[str, str]) -> httpx2.Response | Exception:
        try:
            with (
                limited_to(attempt.seconds, self._settings.clock),
                self._http.stream(**_arguments(attempt, headers, self._freshness)) as response,
            ):
                body = Body(response)
                for chunk in response.iter_bytes():
                    body.add(chunk)
                    require_time()
        except CONNECTION_ERRORS as error:
            return error
        finally:
            self._freshness.note(attempt.request)
        return body.complete()


class AsyncConnection:
    """A connection for asynchronous calls; the tasks of one event loop can share it."""

    def __init__(self, settings: Settings, http: httpx2.AsyncClient, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._settings, self._http, self._sleep = settings, http, sleep
        self._freshness = Freshness(settings)

    async def run(self, steps: Steps[T], options: CallOptions) -> T:
        """Execute a call and return its result."""
        headers = own_headers(options.get("headers"))
        actions = execute(steps, self._settings.limits_of(options), self._settings.clock)
        undo = None
        reply: Any = None
        try:
            while True:
                try:
                    action = actions.send(reply)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                if isinstance(action, Attempt):
                    reply = await self._attempt(action, headers)
                elif isinstance(action, Run):
                    undo = action.undo or undo
                    reply = await _result(action.function())
                else:
                    await self._sleep(action.seconds)
                    reply = None
        except BaseException:
            if undo is not None:
                with suppress(Exception):
                    await _result(undo())
            raise

    async def iterate(self, pages: Pages[T], options: CallOptions) -> AsyncIterator[T]:
        """Yield the items of all pages of a list."""
        while pages.has_next:
            for item in await self.run(pages.read(), options):
                yield item

    async def close(self) -> None:
        """Close the open connections."""
        await self._http.aclose()

    async def _attempt(self, attempt: Attempt, headers: Mapping[str, str]) -> httpx2.Response | Exception:
        try:
            with anyio.fail_after(attempt.seconds):
                async with self._http.stream(**_arguments(attempt, headers, self._freshness)) as response:
                    body = Body(response)
                    async for chunk in response.aiter_bytes():
                        body.add(chunk)
        except TimeoutError:
            return httpx2.ReadTimeout("the deadline has passed")
        except CONNECTION_ERRORS as error:
            return error
        finally:
            self._freshness.note(attempt.request)
        return body.complete()


async def _result(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _arguments(attempt: Attempt, headers: Mapping[str, str], freshness: Freshness) -> dict[str, Any]:
    request = attempt.request
    all_headers = httpx2.Headers(freshness.headers(request))
    all_headers.update(headers)
    all_headers.update(request.headers)
    return {
        "method": request.method,
        "url": request.url,
        "params": request.params,
        "json": request.body,
        "headers": all_headers,
        "timeout": attempt.timeout,
    }
