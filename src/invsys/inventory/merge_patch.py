"""JSON Merge Patches (RFC 7396) of the members that are objects: attributes and dump.

A patch is applied after the row has been locked, so that concurrent patches of different keys do not overwrite each
other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MergePatch:
    """A merge patch of the member ``name``. None as ``patch`` resets the member to its default.

    ``load`` is the method of the request's schema. It validates the merged value, which may have too many keys even if
    the patch does not.
    """

    name: str
    patch: dict[str, Any] | None
    load: Callable[[dict[str, Any]], dict[str, Any]]

    def applied(self, current: Any) -> Any:
        """Return the member after the patch was applied to ``current``; raises marshmallow's ValidationError."""
        merged = {} if self.patch is None else _merged(current, self.patch)
        return self.load({self.name: merged})[self.name]


def resolved(changes: Mapping[str, Any], row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the changes with each MergePatch replaced by the merged value; raises marshmallow's ValidationError."""
    return {
        name: value.applied(row[name]) if isinstance(value, MergePatch) else value for name, value in changes.items()
    }


def _merged(target: Any, patch: Any) -> Any:
    # RFC 7396, section 2.
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged
