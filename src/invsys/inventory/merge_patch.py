"""JSON Merge Patches (RFC 7396) of the members that are objects: attributes and dump.

They are applied to the row when it is locked, so that two patches of different keys do not undo one another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MergePatch:
    """A patch of one member; None removes it, so that it has its default again.

    ``load`` is the schema's: it checks the result, which may have too many keys although the patch has not.
    """

    name: str
    patch: dict[str, Any] | None
    load: Callable[[dict[str, Any]], dict[str, Any]]

    def applied(self, current: Any) -> Any:
        """Return the member with the patch applied; raises marshmallow's ValidationError."""
        merged = {} if self.patch is None else _merged(current, self.patch)
        return self.load({self.name: merged})[self.name]


def resolved(changes: Mapping[str, Any], row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return changes of a row with the patches among them applied to it; raises marshmallow's ValidationError."""
    return {
        name: value.applied(row[name]) if isinstance(value, MergePatch) else value for name, value in changes.items()
    }


def _merged(target: Any, patch: Any) -> Any:
    # RFC 7396, 2.
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged
