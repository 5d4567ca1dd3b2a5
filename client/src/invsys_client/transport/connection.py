"""The connections of the two clients: they carry out the actions of a call."""

from __future__ import annotations

import inspect
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import anyio
import httpx2

from invsys_client.options import CallOptions
from invsys_client.transport.body import Body
from invsys_client.transport.deadline import limited_to, require_time
from invsys_client.transport.pages import Pages
from invsys_client.transport.requests import Run, Steps
from invsys_client.transport.retries import CONNECTION_ERRORS, Attempt, Limits, execute
from invsys_client.version import __version__

T = TypeVar("T")

# Calls have arguments for these; a header of the caller would switch their checks off.
_RESERVED = frozenset({"idempotency-key", "if-match"})


@dataclass(frozen=True)
class Settings:
    """What both connections have in common: the limits, the clock and the headers of every request."""

    base_url: str
    limits: Limits
    clock: Callable[[], float]
    headers: Mapping[str, str]

    @classmethod
    def create(
        cls,
        base_url: str,
        limits: Limits,
        clock: Callable[[], float],
        token: str | None,
        headers: Mapping[str, str] | None,
    ) -> Settings:
        """Check the arguments of a client; raises ValueError."""
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url: {base_url!r} is not an http or https URL")
        default = {
            "Accept": "application/json",
            "User-Agent": f"invsys-client/{__version__} python/{platform.python_version()}",
        }
        if token is not None:
            default["Authorization"] = f"Bearer {_visible('token', token)}"
        return cls(base_url, limits, clock, {**default, **_own(headers)})

    def http(self) -> dict[str, Any]:
        """Return the arguments of httpx2's clients. They ignore the environment, for example its proxies."""
        return {"base_url": self.base_url, "headers": self.headers, "trust_env": False}

    def limits_of(self, options: CallOptions) -> Limits:
        """Return the limits of a call; raises ValueError."""
        timeout, deadline = options.get("timeout"), options.get("deadline")
        if timeout is None and deadline is None:
            return self.limits
        default = self.limits
        return replace(
            default,
            timeout=default.timeout if timeout is None else timeout,
            deadline=default.deadline if deadline is None else deadline,
        )


class SyncConnection:
    """A connection with blocking calls; it is thread-safe."""

    def __init__(self, settings: Settings, http: httpx2.Client, sleep: Callable[[float], None]) -> None:
        self._settings, self._http, self._sleep = settings, http, sleep

    def run(self, steps: Steps[T], options: CallOptions) -> T:
        """Execute a call and return its result."""
        headers = _own(options.get("headers"))
        actions = execute(steps, self._settings.limits_of(options), self._settings.clock)
        reply: Any = None
        while True:
            try:
                action = actions.send(reply)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(action, Attempt):
                reply = self._attempt(action, headers)
            elif isinstance(action, Run):
                reply = action.function()
            else:
                self._sleep(action.seconds)
                reply = None

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
                self._http.stream(**_arguments(attempt, headers)) as response,
            ):
                body = Body(response)
                for chunk in response.iter_bytes():
                    body.add(chunk)
                    require_time()
        except CONNECTION_ERRORS as error:
            return error
        return body.complete()


class AsyncConnection:
    """A connection for asynchronous calls; the tasks of one event loop can share it."""

    def __init__(self, settings: Settings, http: httpx2.AsyncClient, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._settings, self._http, self._sleep = settings, http, sleep

    async def run(self, steps: Steps[T], options: CallOptions) -> T:
        """Execute a call and return its result."""
        headers = _own(options.get("headers"))
        actions = execute(steps, self._settings.limits_of(options), self._settings.clock)
        reply: Any = None
        while True:
            try:
                action = actions.send(reply)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(action, Attempt):
                reply = await self._attempt(action, headers)
            elif isinstance(action, Run):
                reply = action.function()
                reply = await reply if inspect.isawaitable(reply) else reply
            else:
                await self._sleep(action.seconds)
                reply = None

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
                async with self._http.stream(**_arguments(attempt, headers)) as response:
                    body = Body(response)
                    async for chunk in response.aiter_bytes():
                        body.add(chunk)
        except TimeoutError:
            return httpx2.ReadTimeout("the deadline has passed")
        except CONNECTION_ERRORS as error:
            return error
        return body.complete()


def _arguments(attempt: Attempt, headers: Mapping[str, str]) -> dict[str, Any]:
    request = attempt.request
    return {
        "method": request.method,
        "url": request.url,
        "params": request.params,
        "json": request.body,
        "headers": {**headers, **request.headers},
        "timeout": attempt.timeout,
    }


def _own(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of the caller; raises ValueError if there is an argument for one of them."""
    own = dict(headers or {})
    if reserved := sorted(name for name in own if name.lower() in _RESERVED):
        raise ValueError(f"headers: use the argument key or if_match instead of {', '.join(reserved)}")
    return {name: _visible(f"headers[{name!r}]", value) for name, value in own.items()}


def _visible(argument: str, value: str) -> str:
    """Return a value of a header; raises ValueError, without the value, if a header cannot contain it."""
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ValueError(f"{argument}: it must consist of printable ASCII characters")
    return value
