"""``/docs/problems``: for people, what each problem code means and what to do; made from the Problem classes."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from types import ModuleType

from flask import Blueprint, render_template

from invsys.chassis.http import csp, problems
from invsys.chassis.http.problems import NotFound, Problem

# Nothing from elsewhere, no script, no style but the file beside the templates.
_POLICY = "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

# The same request may be answered otherwise a moment later, though nothing was changed.
_WORTH_A_RETRY = frozenset({429, 502, 503, 504})

_UNNAMED = {f"http_{status}": status.value for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST}


def _made() -> Blueprint:
    made = Blueprint("docs", __name__, url_prefix="/docs", template_folder="templates", static_folder="static")
    csp.enforce(made, _POLICY)
    return made


blueprint = _made()


def pages_of(defining: ModuleType) -> Blueprint:
    """Make the pages of the problems that a module defines, for a service in front of one that has the others."""
    made = _made()
    for kind in kinds().values():
        if kind.__module__ == defining.__name__:
            made.add_url_rule(f"/problems/{kind.code}", kind.code, _view(kind))
    return made


def kinds() -> dict[str, type[Problem]]:
    """Give every class of problems with a code of its own by that code, in order of status and code."""
    found = [kind for kind in _below(Problem) if "code" in vars(kind) and not issubclass(kind, problems.StatusProblem)]
    return {kind.code: kind for kind in sorted(found, key=lambda kind: (kind.status, kind.code))}


def _below(kind: type[Problem]) -> Iterator[type[Problem]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


@blueprint.get("/problems", strict_slashes=False)
def problem_list() -> str:
    """Show every code with its title."""
    return render_template("documentation/problems.html", kinds=kinds().values())


@blueprint.get("/problems/<code>")
def problem(code: str) -> str:
    """Show the problem with this code; raises NotFound for a code that no answer has."""
    kind = problems.status_problem(_UNNAMED[code]) if code in _UNNAMED else kinds().get(code)
    if kind is None:
        raise NotFound("No problem has this code.")
    return _show(kind)


def _view(kind: type[Problem]) -> Callable[[], str]:
    def show() -> str:
        return _show(kind)

    return show


def _show(kind: type[Problem]) -> str:
    return render_template("documentation/problem.html", kind=kind, worth_a_retry=kind.status in _WORTH_A_RETRY)
