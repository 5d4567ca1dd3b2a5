"""Static files whose URLs contain their version, so that browsers may keep them for a year.

``url_for`` adds the version as the parameter ``v``: ``/static/page.css?v=3f9a1c2e5b7d9f01``. It is a digest of the
content, so the content of such a URL never changes. If a URL lacks the current version, browsers must revalidate the
file.
"""

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request, send_file
from werkzeug.exceptions import NotFound

# RFC 8246 defines "immutable": a browser does not revalidate the file even if the user reloads the page.
_IMMUTABLE = "public, max-age=31536000, immutable"

# By suffix: the function that removes comments and needless spaces from the text of a file.
Minifiers = Mapping[str, Callable[[str], str]]


@dataclass(frozen=True)
class _File:
    name: str
    content: bytes
    version: str


class _Folder:
    """The files in a folder. Each is read once, and then sent from memory.

    An upgrade replaces the files while processes of the previous version still run. They must not send new content for
    a URL with the old version.
    """

    def __init__(self, folder: Path, minifiers: Minifiers) -> None:
        # Only these names exist, so no name in a URL can lead out of the folder.
        self._paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        self._minifiers = minifiers
        self._files: dict[str, _File] = {}

    def send(self, filename: str) -> Response:
        """Return the response with a file; raises NotFound."""
        file = self._file(filename)
        response = send_file(io.BytesIO(file.content), download_name=file.name, etag=file.version)
        if request.args.get("v") == file.version:
            response.headers["Cache-Control"] = _IMMUTABLE
        return response

    def add_version(self, endpoint: str, values: dict[str, Any]) -> None:
        """Add the version to the values from which ``url_for`` builds the URL of a file; raises NotFound."""
        if endpoint.endswith(".static"):
            values["v"] = self._file(values["filename"]).version

    def _file(self, filename: str) -> _File:
        if filename not in self._paths:
            raise NotFound
        if filename not in self._files:
            path = self._paths[filename]
            content = path.read_bytes()
            if minify := self._minifiers.get(path.suffix):
                content = minify(content.decode()).encode()
            self._files[filename] = _File(path.name, content, hashlib.sha256(content).hexdigest()[:16])
        return self._files[filename]


def serve(
    blueprint: Blueprint, folder: str = "static", url_path: str = "/static", minifiers: Minifiers | None = None
) -> None:
    """Serve the files in ``folder``, absolute or relative to the blueprint's package, as its endpoint ``static``.

    ``minifiers`` shorten the files of some suffixes, once when each is read.
    """
    files = _Folder(Path(blueprint.root_path) / folder, minifiers or {})
    blueprint.add_url_rule(f"{url_path}/<path:filename>", "static", files.send)
    blueprint.url_defaults(files.add_version)
