"""Finds incompatible changes of a JSON schema.

In a request, the new schema must accept every value that the old one accepts. In a response, the old schema must accept
every value that the new one allows, apart from new members. Both are the same question with exchanged roles: does the
``outer`` schema accept every value of the ``inner`` one?
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema

Schema = dict[str, Any]

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EQUAL = ("format", "pattern", "multipleOf", "uniqueItems", "contentEncoding", "not", "propertyNames")
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


@dataclass(frozen=True)
class Comparison:
    """Compares schemas of the documents ``old`` and ``new``, in requests or in responses."""

    old: dict[str, Any]
    new: dict[str, Any]
    is_request: bool

    def changes(self, old: Any, new: Any, where: str) -> Iterator[str]:
        """Yield a line for each incompatible change from schema ``old`` to ``new``; it begins with ``where``."""
        old, new = resolve(self.old, old), resolve(self.new, new)
        olds, news = alternatives(self.old, old), alternatives(self.new, new)
        if len(olds) == len(news) == 1:
            yield from self._changes_of_one(olds[0], news[0], where)
            return
        inners, outers = (olds, news) if self.is_request else (news, olds)
        for inner in (part for schema in inners for part in _split_by_type(schema)):
            # Report the changes from the alternative that is most similar.
            yield from min((self._ordered(inner, outer, where) for outer in outers), key=len)

    def _ordered(self, inner: Schema, outer: Schema, where: str) -> list[str]:
        old, new = (inner, outer) if self.is_request else (outer, inner)
        return list(self._changes_of_one(old, new, where))

    def _changes_of_one(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        inner, outer = (old, new) if self.is_request else (new, old)
        for keyword in self._excluding_keywords(inner, outer):
            yield f"{where}: {keyword}: {_text(old, keyword)} became {_text(new, keyword)}"
        if self.is_request and "default" in old and old["default"] != new.get("default"):
            yield f"{where}: default: {_text(old, 'default')} became {_text(new, 'default')}"
        yield from self._changes_of_members(old, new, where)
        if "items" in outer:
            yield from self.changes(old.get("items", {}), new.get("items", {}), f"{where}[]")

    def _excluding_keywords(self, inner: Schema, outer: Schema) -> Iterator[str]:
        """Yield the keywords of ``outer`` that exclude a value of ``inner``."""
        if (values := _values(inner)) is not None:
            document = self.new if self.is_request else self.old
            validator = jsonschema.Draft202012Validator({**outer, "components": document.get("components", {})})
            if not all(validator.is_valid(value) for value in values):
                yield "const" if "const" in inner else "enum"
            return
        if not _types(inner) <= _types(outer):
            yield "type"
        yield from (keyword for keyword in ("enum", "const") if keyword in outer)
        for keyword in (*_LOWER, *_UPPER, *_EQUAL):
            if keyword in outer and not _implies(inner, outer, keyword):
                yield keyword
        yield from _excluding_rules(inner, outer)

    def _changes_of_members(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        old_members, new_members = old.get("properties", {}), new.get("properties", {})
        inner, outer = (old, new) if self.is_request else (new, old)
        for name, member in old_members.items():
            if name in new_members:
                yield from self.changes(member, new_members[name], f"{where}.{name}")
            elif not self.is_request or not _allows_member(new, name):
                yield f"{where}.{name}: removed"
        for name in sorted(set(outer.get("required", ())) - set(inner.get("required", ()))):
            if self.is_request:
                yield f"{where}.{name}: became required"
            elif name in new_members:
                yield f"{where}.{name}: may now be absent"
        yield from self._changes_of_others(old, new, where)

    def _changes_of_others(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        """Yield the incompatible changes of the members that ``properties`` does not name."""
        for pattern, member in old.get("patternProperties", {}).items():
            if pattern in new.get("patternProperties", {}):
                yield from self.changes(member, new["patternProperties"][pattern], f"{where}./{pattern}/")
            elif self.is_request:
                yield f"{where}./{pattern}/: removed"

        old_others, new_others = (schema.get("additionalProperties", {}) for schema in (old, new))
        inner, outer = (old_others, new_others) if self.is_request else (new_others, old_others)
        # A response can have new members, even if the old schema is closed.
        if self.is_request and outer is False and inner is not False:
            yield f"{where}.*: refused"
        elif inner is not False and outer not in (True, False, {}):
            yield from self.changes(old_others, new_others, f"{where}.*")


def resolve(document: dict[str, Any], node: Any) -> Any:
    """Return the node to which a ``$ref`` points, with the members next to the ``$ref``; the schema True as {}."""
    if node is True:
        return {}
    while isinstance(node, dict) and "$ref" in node:
        target: Any = document
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def alternatives(document: dict[str, Any], schema: Any) -> list[Schema]:
    """Return the schemas of a union (``anyOf``, ``oneOf``), each with the members next to the union."""
    schema = resolve(document, schema)
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
    union = schema.get("anyOf") or schema.get("oneOf")
    if union is None:
        return [rest]
    return [{**rest, **option} for branch in union for option in alternatives(document, branch)]


def _split_by_type(schema: Schema) -> list[Schema]:
    """Return one schema for each type that ``schema`` lists."""
    types = schema.get("type")
    return [{**schema, "type": name} for name in types] if isinstance(types, list) else [schema]


def _excluding_rules(inner: Schema, outer: Schema) -> Iterator[str]:
    """Yield each of ``allOf``, ``dependentRequired`` and ``dependentSchemas`` with a rule that only ``outer`` has."""
    if any(branch not in inner.get("allOf", ()) for branch in outer.get("allOf", ())):
        yield "allOf"
    for keyword in ("dependentRequired", "dependentSchemas"):
        # If ``inner`` does not allow a member, a rule about this member excludes no value.
        old_rules = {name: rule for name, rule in outer.get(keyword, {}).items() if _allows_member(inner, name)}
        if any(inner.get(keyword, {}).get(name) != rule for name, rule in old_rules.items()):
            yield keyword


def _values(schema: Schema) -> list[Any] | None:
    """Return the values of a schema that lists them, else None."""
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


def _types(schema: Schema) -> frozenset[str]:
    types = schema.get("type", _TYPES)
    types = frozenset([types] if isinstance(types, str) else types)
    return types | {"integer"} if "number" in types else types


def _implies(inner: Schema, outer: Schema, keyword: str) -> bool:
    """Return whether every value of ``inner`` satisfies this keyword of ``outer``."""
    if keyword not in inner:
        return False
    if keyword in _EQUAL:
        return bool(inner[keyword] == outer[keyword])
    if keyword in _LOWER:
        return bool(inner[keyword] >= outer[keyword])
    return bool(inner[keyword] <= outer[keyword])


def _allows_member(schema: Schema, name: str) -> bool:
    return name in schema.get("properties", {}) or schema.get("additionalProperties", True) is not False


def _text(schema: Schema, keyword: str) -> str:
    return json.dumps(schema[keyword], sort_keys=True) if keyword in schema else "absent"
