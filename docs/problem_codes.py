"""The directive ``problem-codes``: a section for each problem code, made from the Problem classes of the services.

The section's anchor is the code, as it is the last part of ``type``: ``/docs/problems/period_taken`` at the service is
``problems.html#period_taken`` here. What is said is said once, in the class.
"""

from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from invsys.chassis.documentation import problem_pages
from invsys.chassis.http.problems import Problem
from invsys.gateway import errors as gateway
from invsys.inventory import errors as inventory

_WHOSE = {inventory.__name__: "the inventory's", gateway.__name__: "the gateway's"}


class ProblemCodes(SphinxDirective):
    """Takes nothing, and gives the sections in the order of status and code."""

    def run(self) -> list[nodes.Node]:
        """Make a section, with a label of its own, for each code."""
        return [self._section(kind) for kind in problem_pages.kinds().values()]

    def _section(self, kind: type[Problem]) -> nodes.section:
        # Given here, since what docutils makes of a title has no underscores.
        section = nodes.section("", nodes.title(kind.code, kind.code), ids=[kind.code], names=[kind.code])
        self.state.document.note_explicit_target(section)
        for paragraph in _paragraphs(kind):
            section += nodes.paragraph(paragraph, "", *self.parse_inline(paragraph)[0])
        return section


def _paragraphs(kind: type[Problem]) -> Iterator[str]:
    whose = _WHOSE.get(kind.__module__, "every service's")
    yield f"**{kind.status} {kind.title}** ({whose})"
    yield from (" ".join(text.split()) for text in (kind.__doc__ or "").split("\n\n"))
    if kind.adds:
        yield f"The answer adds: {kind.adds}"
    yield kind.advice


def setup(app: Sphinx) -> dict[str, bool]:
    """Let pages use the directive."""
    app.add_directive("problem-codes", ProblemCodes)
    return {"parallel_read_safe": True}
