"""The target of a request, rebuilt from parts that mean the same to every server: nothing else gets behind the gateway.

The server has decoded the path. What was a percent-encoded dot, question mark or control character there is refused;
a percent-encoded slash counts as the slash that it is to whoever decodes it next: what is looked up in the table of
permissions is, letter for letter, what is passed on.
"""

import re
from urllib.parse import quote

from flask import request

# RFC 3986, 2.3 and 3.3: unreserved characters only, no empty segment, none that only dots stand in.
_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+"
_PATH = re.compile(rf"/(?:{_SEGMENT}(?:/{_SEGMENT})*/?)?")
# RFC 3986, 3.4, as it is; whatever else came is percent-encoded.
_QUERY_SAFE = "-._~!$&'()*+,;=:@/?%"


def is_plain() -> bool:
    """Say whether the path of the request at hand is the same one to everybody."""
    # Not request.path, which has one slash in the place of several at its beginning.
    return _PATH.fullmatch(request.environ.get("PATH_INFO", "")) is not None


def target() -> str:
    """Give path and query as they are passed on; the path has to be plain."""
    query: str = request.environ.get("QUERY_STRING", "")
    # WSGI has the bytes as latin-1.
    return f"{request.path}?{quote(query.encode('latin-1'), safe=_QUERY_SAFE)}" if query else request.path
