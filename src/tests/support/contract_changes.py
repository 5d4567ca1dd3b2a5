"""Finds the changes between two OpenAPI documents that can break a caller; ``contract_schemas`` compares the bodies.

Additions are not reported: paths, operations, responses, problem codes, headers, optional parameters and members.
"""

from collections.abc import Iterator
from typing import Any

from tests.support.contract_schemas import Comparison, alternatives, resolve

Part = dict[str, Any]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


def breaking_changes(old: Part, new: Part) -> list[str]:
    """Return a line for each change from the document ``old`` to ``new`` that can break a caller."""
    return list(_Documents(old, new).changes())


class _Documents:
    """The two documents, and the comparisons of schemas in requests and in responses."""

    def __init__(self, old: Part, new: Part) -> None:
        self._old, self._new = old, new
        self._request = Comparison(old, new, is_request=True)
        self._response = Comparison(old, new, is_request=False)

    def changes(self) -> Iterator[str]:
        for path, old in self._old["paths"].items():
            new = self._new["paths"].get(path)
            if new is None:
                yield f"{path}: removed"
                continue
            for method in old.keys() & set(_METHODS):
                where = f"{method.upper()} {path}"
                if method not in new:
                    yield f"{where}: removed"
                else:
                    yield from self._of_operations(old, new, method, where)

    def _of_operations(self, old_item: Part, new_item: Part, method: str, where: str) -> Iterator[str]:
        old, new = old_item[method], new_item[method]
        if old.get("operationId") != new.get("operationId"):
            yield f"{where}: operationId: {old.get('operationId')} became {new.get('operationId')}"
        yield from _of_security(old.get("security", []), new.get("security", []), where)
        yield from self._of_parameters(
            _parameters(self._old, old_item, old), _parameters(self._new, new_item, new), where
        )
        yield from self._of_bodies(old.get("requestBody"), new.get("requestBody"), f"{where}: body")
        for status, response in old.get("responses", {}).items():
            at = f"{where}: {status}"
            if status not in new["responses"]:
                yield f"{at}: removed"
            else:
                yield from self._of_responses(response, new["responses"][status], at)
        for status in new["responses"].keys() - old["responses"].keys():
            if status.startswith(("1", "2", "3")):
                yield f"{where}: {status}: a success that callers do not expect"

    def _of_parameters(self, old: Part, new: Part, where: str) -> Iterator[str]:
        for key, parameter in old.items():
            at = f"{where}: {' '.join(key)}"
            if key not in new:
                yield f"{at}: removed"
                continue
            if new[key].get("required") and not parameter.get("required"):
                yield f"{at}: became required"
            for keyword in ("style", "explode"):
                if parameter.get(keyword) != new[key].get(keyword):
                    yield f"{at}: {keyword}: {parameter.get(keyword)} became {new[key].get(keyword)}"
            yield from self._request.changes(parameter.get("schema", {}), new[key].get("schema", {}), at)
        for key in new.keys() - old.keys():
            if new[key].get("required"):
                yield f"{where}: {' '.join(key)}: added and required"

    def _of_bodies(self, old: Any, new: Any, where: str) -> Iterator[str]:
        old, new = resolve(self._old, old) or {}, resolve(self._new, new) or {}
        if new.get("required") and not old.get("required"):
            yield f"{where}: became required"
        yield from self._of_contents(old, new, where, self._request)

    def _of_responses(self, old: Part, new: Part, where: str) -> Iterator[str]:
        old, new = resolve(self._old, old), resolve(self._new, new)
        for name, header in old.get("headers", {}).items():
            if name not in new.get("headers", {}):
                yield f"{where}: header {name}: removed"
                continue
            schemas = (
                resolve(document, part)["schema"]
                for document, part in ((self._old, header), (self._new, new["headers"][name]))
            )
            yield from self._response.changes(*schemas, f"{where}: header {name}")
        yield from self._of_contents(old, new, where, self._response)

    def _of_contents(self, old: Part, new: Part, where: str, comparison: Comparison) -> Iterator[str]:
        compared: list[tuple[Part, Part]] = []
        for media_type, content in old.get("content", {}).items():
            at = f"{where}: {media_type}"
            if media_type not in new.get("content", {}):
                yield f"{at}: removed"
                continue
            schemas = content.get("schema", {}), new["content"][media_type].get("schema", {})
            if schemas in compared:  # JSON and XML have the same schemas
                continue
            compared.append(schemas)
            if media_type.startswith("application/problem+"):
                yield from self._of_problems(*schemas, at)
            else:
                yield from comparison.changes(*schemas, at)

    def _of_problems(self, old: Part, new: Part, where: str) -> Iterator[str]:
        """Yield the changes of the problems with each code; new codes are additions."""
        olds, news = _by_code(self._old, old), _by_code(self._new, new)
        for code, schema in olds.items():
            if code not in news:
                yield f"{where}: {code}: removed"
            else:
                yield from self._response.changes(schema, news[code], f"{where}: {code}")


def _of_security(old: list[Part], new: list[Part], where: str) -> Iterator[str]:
    """Yield the changes of the alternative ways to authenticate; an empty list means that none is needed."""
    if new and not old:
        yield f"{where}: security: needs authentication"
    for scheme in old:
        if new and scheme not in new:
            yield f"{where}: security: {', '.join(scheme)} removed"


def _parameters(document: Part, item: Part, operation: Part) -> Part:
    """Return the parameters of an operation by place and name; names of headers are in lower case."""
    parameters = [
        resolve(document, parameter) for parameter in (*item.get("parameters", ()), *operation.get("parameters", ()))
    ]
    return {(part["in"], part["name"].lower() if part["in"] == "header" else part["name"]): part for part in parameters}


def _by_code(document: Part, schema: Part) -> dict[str | None, Part]:
    """Return the alternatives of a problem's schema by code; the code of the schema for all problems is None."""
    return {part.get("properties", {}).get("code", {}).get("const"): part for part in alternatives(document, schema)}
