"""Request targets: only paths that every server interprets in the same way are forwarded.

The server has already percent-decoded the path. Paths with empty segments, with the segments ``.`` and ``..``, or with
characters outside the unreserved ones are rejected. A percent-encoded slash is treated as a slash. So the path that is
looked up in the permissions table is exactly the path that is forwarded.
"""

import re
from urllib.parse import quote

from flask import request

# RFC 3986, 2.3 and 3.3: unreserved characters only; no empty segment, no "." and no "..".
_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+"
_PATH = re.compile(rf"/(?:{_SEGMENT}(?:/{_SEGMENT})*/?)?")
# Characters that a query may contain (RFC 3986, 3.4); all others are percent-encoded.
_QUERY_SAFE = "-._~!$&'()*+,;=:@/?%"


def is_plain() -> bool:
    """Return whether every server interprets the path of the current request in the same way."""
    # Not request.path: it merges several slashes at the beginning into one.
    return _PATH.fullmatch(request.environ.get("PATH_INFO", "")) is not None


def target() -> str:
    """Return path and query as they are forwarded; requires ``is_plain()``."""
    query: str = request.environ.get("QUERY_STRING", "")
    # WSGI decodes the bytes of the query as Latin-1.
    return f"{request.path}?{quote(query.encode('latin-1'), safe=_QUERY_SAFE)}" if query else request.path
