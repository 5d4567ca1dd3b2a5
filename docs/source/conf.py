"""Sphinx's settings for the manual."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

_DOCS = Path(__file__).parents[1]
# The page of problem codes is generated from the code.
sys.path[:0] = [str(_DOCS), str(_DOCS.parent / "src")]

project = "InvSys"
author = "The InvSys authors"
# Do not highlight blocks as Python by default.
highlight_language = "none"
extensions = ["problem_codes", "sphinxcontrib.svgbob"]
html_theme = "furo"
html_title = "InvSys"
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["manual.css"]
exclude_patterns: list[str] = []


def _set_image_paths(app: Sphinx, path: Path, docname: str, content: list[str]) -> None:
    """Make the paths of the images in an included file, which are relative to the project, relative to the manual."""
    content[0] = content[0].replace(".. image:: docs/source/", ".. image:: ")


def setup(app: Sphinx) -> None:
    """Register the function above."""
    app.connect("include-read", _set_image_paths)
