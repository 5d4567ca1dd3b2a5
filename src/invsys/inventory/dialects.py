"""SQL that the two databases spell differently, made one element of SQLAlchemy's."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

Element = TypeVar("Element", bound=type[FunctionElement[Any]])


def spelled(*, postgresql: str, sqlite: str) -> Callable[[Element], Element]:
    """Have a class of elements written so on each database; ``{0}``, ``{1}``... are its arguments."""

    def decorate(element: Element) -> Element:
        for dialect, form in (("postgresql", postgresql), ("sqlite", sqlite)):
            compiles(element, dialect)(_writer(form))
        return element

    return decorate


def _writer(form: str) -> Callable[..., str]:
    def write(element: FunctionElement[Any], compiler: SQLCompiler, **kwargs: Any) -> str:
        return form.format(*(compiler.process(argument, **kwargs) for argument in element.clauses))

    return write
