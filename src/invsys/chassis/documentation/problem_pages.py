"""``/docs/problems``: the meaning of each problem code and advice for the caller, from the ``Problem`` classes."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from types import ModuleType

from flask import Blueprint, render_template

from invsys.chassis.http import csp, problems, static_files
from invsys.chassis.http.problems import NotFound, Problem

# No scripts, no content of other hosts, and only the style sheet of this package.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

# After one of these statuses, the same request may succeed later.
_WORTH_A_RETRY = frozenset({429, 502, 503, 504})

_STATUS_CODES = {f"http_{status}": status.value for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST}


def _create_blueprint() -> Blueprint:
    pages = Blueprint("docs", __name__, url_prefix="/docs", template_folder="templates")
    csp.enforce(pages, POLICY)
    static_files.serve(pages)
    return pages


blueprint = _create_blueprint()


def pages_of(module: ModuleType) -> Blueprint:
    """Return a blueprint with the pages of the problems that ``module`` defines.

    The gateway serves only these pages; the service behind it serves those of the other problems.
    """
    pages = _create_blueprint()
    for kind in problem_classes().values():
        if kind.__module__ == module.__name__:
            pages.add_url_rule(f"/problems/{kind.code}", kind.code, _view(kind))
    return pages


def problem_classes() -> dict[str, type[Problem]]:
    """Return the problem classes that define a code, by code, ordered by status and code."""
    classes = [kind for kind in _subclasses(Problem) if _defines_code(kind)]
    return {kind.code: kind for kind in sorted(classes, key=lambda kind: (kind.status, kind.code))}


def _defines_code(kind: type[Problem]) -> bool:
    return "code" in vars(kind) and not issubclass(kind, problems.StatusProblem)


def _subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


@blueprint.get("/problems", strict_slashes=False)
def problem_list() -> str:
    """Return the page that lists every code with its title."""
    return render_template("documentation/problems.html", problem_classes=problem_classes().values())


@blueprint.get("/problems/<code>")
def problem(code: str) -> str:
    """Return the page of a problem code; raises NotFound for a code that no response has."""
    kind = problems.status_problem(_STATUS_CODES[code]) if code in _STATUS_CODES else problem_classes().get(code)
    if kind is None:
        raise NotFound("No problem has this code.")
    return _render(kind)


def _view(kind: type[Problem]) -> Callable[[], str]:
    def show() -> str:
        return _render(kind)

    return show


def _render(kind: type[Problem]) -> str:
    return render_template("documentation/problem.html", kind=kind, worth_a_retry=kind.status in _WORTH_A_RETRY)
