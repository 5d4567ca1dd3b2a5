"""JSON-like data as XML.

A member becomes an element of the same name, an item of a list becomes an element such as ``<item>``, and null becomes
an empty element.

Callers choose the keys of ``attributes`` and ``dump``. A key that is not a valid XML name becomes
``<entry key="...">``. Characters that XML 1.0 does not allow (control characters) become U+FFFD.
"""

import re
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from invsys.chassis.formats import strict_json

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def dumps(data: Any, root: str, *, roots: str | None = None, item: str = "item", namespace: str | None = None) -> bytes:
    """Return ``data`` as an XML document: ``<root>`` for an object, ``<roots>`` with ``<root>`` items for a list.

    The items of nested lists are ``<item>`` elements.
    """
    top = Element(roots or f"{root}s" if isinstance(data, list) else root)
    if namespace is not None:
        top.set("xmlns", namespace)
    if isinstance(data, list):
        for member in data:
            _fill(SubElement(top, root), member, item)
    else:
        _fill(top, data, item)
    document: bytes = tostring(top, encoding="utf-8", xml_declaration=True)
    # A parser reads a bare carriage return as a line feed (XML 1.0, section 2.11).
    return document.replace(b"\r", b"&#13;")


def _fill(element: Element, value: Any, item: str) -> None:
    if isinstance(value, dict):
        for name, member in value.items():
            _fill(_child(element, str(name)), member, item)
    elif isinstance(value, list):
        for member in value:
            _fill(SubElement(element, item), member, item)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif isinstance(value, datetime):
        element.text = value.isoformat().replace("+00:00", "Z")
    elif isinstance(value, float):
        element.text = strict_json.dumps(value)
    elif value is not None:
        element.text = _FORBIDDEN.sub("\ufffd", str(value))


def _child(parent: Element, name: str) -> Element:
    if _NAME.fullmatch(name):
        return SubElement(parent, name)
    return SubElement(parent, "entry", key=_FORBIDDEN.sub("\ufffd", name))
