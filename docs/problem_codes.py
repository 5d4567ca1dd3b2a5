"""The directive ``problem-codes``: a section for each problem code, generated from the Problem classes of the services.

The anchor of a section is the code, which is also the last part of ``type``: ``/docs/problems/period_taken`` of the
service is ``problems.html#period_taken`` in the manual. The docstring of the class is the only source of the text.
"""

from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from invsys.chassis.documentation import problem_pages
from invsys.chassis.http.problems import Problem
from invsys.gateway import errors as gateway
from invsys.inventory import errors as inventory

_SERVICES = {inventory.__name__: "inventory", gateway.__name__: "gateway"}


class ProblemCodes(SphinxDirective):
    """The directive; it has no arguments, and its sections are sorted by status and code."""

    def run(self) -> list[nodes.Node]:
        """Return a section with a label for each code."""
        return [self._section(kind) for kind in problem_pages.problem_classes().values()]

    def _section(self, kind: type[Problem]) -> nodes.section:
        # Set the id explicitly, because docutils would replace the underscores in it.
        section = nodes.section("", nodes.title(kind.code, kind.code), ids=[kind.code], names=[kind.code])
        self.state.document.note_explicit_target(section)
        for paragraph in _paragraphs(kind):
            section += nodes.paragraph(paragraph, "", *self.parse_inline(paragraph)[0])
        return section


def _paragraphs(kind: type[Problem]) -> Iterator[str]:
    service = _SERVICES.get(kind.__module__, "all services")
    yield f"**{kind.status} {kind.title}** ({service})"
    yield from (" ".join(text.split()) for text in (kind.__doc__ or "").split("\n\n"))
    if kind.additional_data:
        yield f"Also in the response: {kind.additional_data}"
    yield kind.advice


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("problem-codes", ProblemCodes)
    return {"parallel_read_safe": True}
