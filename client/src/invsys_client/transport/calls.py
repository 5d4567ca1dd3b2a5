"""Turns the description of a call into a method of the synchronous and of the asynchronous classes."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, KeysView
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from invsys_client.options import CallOptions
from invsys_client.transport.connection import AsyncConnection, SyncConnection
from invsys_client.transport.pages import Pages
from invsys_client.transport.requests import Steps

P = ParamSpec("P")
T = TypeVar("T")

_CALL_OPTIONS = frozenset({"timeout", "deadline", "headers"})


class Synchronous:
    """A class whose calls block until they have their result."""

    _connection: SyncConnection


class Asynchronous:
    """A class whose calls are coroutines, and whose lists are asynchronous iterators."""

    _connection: AsyncConnection


class _Described:
    """A method that is made from its description.

    The options ``timeout``, ``deadline`` and ``headers`` of every call do not reach the description.
    """

    def __init__(self, describe: Callable[..., Any]) -> None:
        self._describe = describe
        functools.update_wrapper(cast("Any", self), describe)
        self._known = _known_names(describe)

    def _split(self, arguments: dict[str, Any]) -> CallOptions:
        return split_options(arguments, self._known)


class call(_Described, Generic[P, T]):  # noqa: N801 - a decorator
    """A call with a result: the description is a generator of its requests."""

    if TYPE_CHECKING:

        def __init__(self, describe: Callable[Concatenate[Any, P], Steps[T]]) -> None: ...

    @overload
    def __get__(self, instance: Synchronous, owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: Asynchronous, owner: Any = None) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, instance: None, owner: Any = None) -> Callable[..., Any]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Return the method of an object, or the description."""
        if instance is None:
            return self._describe

        @functools.wraps(self._describe)
        def method(*args: Any, **kwargs: Any) -> Any:
            options = self._split(kwargs)
            return instance._connection.run(self._describe(instance, *args, **kwargs), options)  # noqa: SLF001

        return method


class listing(_Described, Generic[P, T]):  # noqa: N801 - a decorator
    """A call that returns an iterator: the description returns the pages of a list."""

    if TYPE_CHECKING:

        def __init__(self, describe: Callable[Concatenate[Any, P], Pages[T]]) -> None: ...

    @overload
    def __get__(self, instance: Synchronous, owner: Any = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, instance: Asynchronous, owner: Any = None) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, instance: None, owner: Any = None) -> Callable[..., Any]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Return the method of an object, or the description."""
        if instance is None:
            return self._describe

        @functools.wraps(self._describe)
        def method(*args: Any, **kwargs: Any) -> Any:
            options = self._split(kwargs)
            return instance._connection.iterate(self._describe(instance, *args, **kwargs), options)  # noqa: SLF001

        return method


def split_options(arguments: dict[str, Any], known: set[str] | KeysView[str]) -> CallOptions:
    """Remove the options of the call from its keyword arguments, and return them; raises TypeError.

    Ignoring an unknown argument, such as a misspelt filter, would list too much.
    """
    if unknown := sorted(arguments.keys() - known):
        raise TypeError(f"unexpected arguments: {', '.join(unknown)}")
    names = arguments.keys() & _CALL_OPTIONS
    return cast("CallOptions", {name: arguments.pop(name) for name in names})


def _known_names(describe: Callable[..., Any]) -> set[str]:
    """Return the names of the keyword arguments of a call, including those of the TypedDict of ``**``."""
    known = set(_CALL_OPTIONS)
    for parameter in inspect.signature(describe).parameters.values():
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            known.add(parameter.name)
        elif typed_dict := re.fullmatch(r"Unpack\[(\w+)\]", str(parameter.annotation)):
            known |= describe.__globals__[typed_dict[1]].__annotations__.keys()
    return known
